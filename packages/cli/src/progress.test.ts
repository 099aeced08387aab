import { expect, test } from 'vitest'
import { progressLine } from './progress.ts'

test('progress says rows, bytes, rate and time left', () => {
  const line = progressLine({ value: 1200, total: 5000, startTime: 0, eta: 6.2 }, 3_400_000, 'rows', 2000)
  expect(line).toBe('1,200 of 5,000 rows, 3.4 MB, 600 rows/s, 7 s left')
})

test('at the start and at the end there is no time left to tell', () => {
  expect(progressLine({ value: 0, total: 10, startTime: 0, eta: 0 }, 0, 'rows', 0)).toBe('0 of 10 rows, 0 rows/s')
  expect(progressLine({ value: 10, total: 10, startTime: 0, eta: 0 }, 0, 'rows', 1000)).toBe('10 of 10 rows, 10 rows/s')
})
