import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareBytes } from './text-order.ts'

const anyText = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())

test('texts order as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(anyText, anyText, (left, right) => {
      expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)))
    }),
  )
})

test.each([
  ['a', 'a'],
  ['', 'a'],
  ['a', 'a\u0001'],
  ['\uFFFD', '\u{10000}'],
  ['\uE000', '\u{1F600}'],
  ['\u{1F600}', '\u{1F600}a'],
])('%j is not behind %j', (left, right) => {
  expect(compareBytes(left, right)).toBeLessThanOrEqual(0)
  expect(Math.sign(compareBytes(right, left))).toBe(left === right ? 0 : 1)
})
