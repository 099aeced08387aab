import { expect, test } from 'vitest'
import { ExactJson, writeJson } from './json.ts'

test('a document stands in its exact text, and all else is plain JSON', () => {
  const text = '{"10": 1.0, "2":1e400 }'
  const json = writeJson({
    a: 'é"\u2028',
    n: null,
    d: new ExactJson(text),
    at: new Date(0),
    l: [1, true],
    u: undefined,
  })
  expect(json).toBe(`{"a":"é\\"\u2028","n":null,"d":${text},"at":"1970-01-01T00:00:00.000Z","l":[1,true]}`)
})

test('members stand in their order, whatever stands between documents', () => {
  const d = new ExactJson('{"a":1.0}')
  expect(writeJson({ d, e: d })).toBe('{"d":{"a":1.0},"e":{"a":1.0}}')
  expect(writeJson({ d, u: undefined, n: 1, l: [{ x: 2, d }], z: 'z' })).toBe(
    '{"d":{"a":1.0},"n":1,"l":[{"x":2,"d":{"a":1.0}}],"z":"z"}',
  )
})
