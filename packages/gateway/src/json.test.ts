import { expect, it } from 'vitest'
import { parseJsonObject } from './json.ts'

it.each(['{', '[]', 'null', '"text"', '{"a":"\\ud800"}', '{"a":["\\udc00x"]}', '{"\\ud800":1}', '{"secret-canary"'])(
  '%s is refused, without an echo of what it holds',
  (text) => {
    const parsed = parseJsonObject(text)
    expect(parsed.ok).toBe(false)
    expect(JSON.stringify(parsed)).not.toContain('canary')
  },
)

it.each(['{}', '{"a":"\\ud83d\\ude00"}', '{"a":{"b":["\\u2028"]}}'])('%s is an object', (text) => {
  expect(parseJsonObject(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown })
})
