import { expect, test } from 'vitest'
import { isoTime } from './iso-time.ts'

test('a moment is written as JSON has it', () => {
  const moments = [0, -1, 999, 59_999, 86_399_999, 86_400_000, 951_782_400_000, 1_700_000_000_123, -62_135_596_800_001]
  for (const milliseconds of [...moments, 253_402_300_799_999, 8_640_000_000_000_000, -8_640_000_000_000_000]) {
    const at = new Date(milliseconds)
    expect(isoTime(at)).toBe(at.toJSON())
  }
})

test('what is no moment is null, as in JSON, and leaves the next one as it is', () => {
  expect(isoTime(new Date(Number.NaN))).toBeNull()
  expect(isoTime(new Date(5))).toBe('1970-01-01T00:00:00.005Z')
})
