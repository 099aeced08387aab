import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { indented } from './indented.ts'

test('members stand on lines of their own, and tokens stay as they are spelt', () => {
  expect(indented('{"a":10.50,"b":[1E2,{}],"c":{"d":"{\\",:"},"e":[]}')).toBe(
    '{\n  "a": 10.50,\n  "b": [\n    1E2,\n    {}\n  ],\n  "c": {\n    "d": "{\\",:"\n  },\n  "e": []\n}',
  )
})

test('the value is the same, whatever it is', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(JSON.parse(indented(json))).toEqual(JSON.parse(json))
      expect(indented(indented(json))).toBe(indented(json))
    }),
  )
})
