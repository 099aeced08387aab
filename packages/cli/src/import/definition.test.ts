import { expect, test } from 'vitest'
import { checkDefinition } from './definition.ts'

const check = (text: string) => checkDefinition(new TextEncoder().encode(text), 'my-flow.json')

test.for([
  ['its name member', '{"name":"Inside"}', 'Inside'],
  ['the file, when it has none', '{"a":1}', 'my-flow'],
  ['the file, when its name is no text', '{"name":{"a":1}}', 'my-flow'],
  ['the file, when its name is empty', '{"name":""}', 'my-flow'],
  ['a name of 255 code points', `{"name":"${'😀'.repeat(255)}"}`, '😀'.repeat(255)],
])('a definition is named by %s', ([, text = '', name]) => {
  expect(check(text)).toMatchObject({ ok: true, definition: { name } })
})

test('the text is exact, without the white space around it', () => {
  expect(check(' \r\n\t{ "a" : 1.0 }\n')).toMatchObject({ ok: true, definition: { text: '{ "a" : 1.0 }' } })
})

test.for(['', ' ', '[]', '"x"', '{', '\uFEFF{}', '\u00A0{}', '{"a":{"b":1,"b":2}}', `{"name":"${'x'.repeat(256)}"}`])(
  '%j is refused with a reason',
  (text) => {
    expect(check(text)).toEqual({ ok: false, reason: expect.stringMatching(/.{10}/) })
  },
)
