import { expect, test } from 'vitest'
import { isoOf, millisecondsOf } from './instants.ts'

const instants = [
  '1000-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00.000Z',
  '2024-02-29T12:34:56.789Z',
  '2024-02-29T23:59:59.999Z',
  '2024-03-01T00:00:00.001Z',
  '9999-12-31T23:59:59.999Z',
]

test('instants are written and read as Date does, in any order', () => {
  for (const first of instants) {
    for (const second of instants) {
      for (const iso of [first, second, first]) {
        expect(millisecondsOf(iso)).toBe(Date.parse(iso))
        expect(isoOf(Date.parse(iso))).toBe(iso)
      }
    }
  }
})
