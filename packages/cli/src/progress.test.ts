import { afterEach, expect, test, vi } from 'vitest'
import { barOf, progressLine, startProgress } from './progress.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('progress says rows, bytes, rate and time left', () => {
  const line = progressLine({ value: 1200, total: 5000, startTime: 0, eta: 6.2 }, 3_400_000, 'rows', 2000)
  expect(line).toBe('1,200 of 5,000 rows, 3.4 MB, 600 rows/s, 7 s left')
})

test('the bar is as full as the work is done', () => {
  expect([barOf(0), barOf(0.5), barOf(1)]).toEqual(['░'.repeat(24), '█'.repeat(12) + '░'.repeat(12), '█'.repeat(24)])
})

test('at the start there is no rate, and at the end no time left, to tell', () => {
  expect(progressLine({ value: 0, total: 10, startTime: 0, eta: 0 }, 0, 'rows', 0)).toBe('0 of 10 rows')
  expect(progressLine({ value: 10, total: 10, startTime: 0, eta: 0 }, 0, 'rows', 1000)).toBe('10 of 10 rows, 10 rows/s')
})

test('where standard error is not a terminal, there is a line every 10 s, and none after the end', () => {
  vi.useFakeTimers()
  let printed = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  const wasTerminal = process.stderr.isTTY
  process.stderr.isTTY = false
  try {
    const progress = startProgress(400, 'files')
    for (let second = 0; second < 35; second += 1) {
      progress.advance(10, 1_000_000)
      vi.advanceTimersByTime(1000)
    }
    progress.end()
    progress.advance(50, 0)
    vi.advanceTimersByTime(60_000)
  } finally {
    process.stderr.isTTY = wasTerminal
  }
  const lines = printed.split('\n').filter((line) => line !== '')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toBe('100 of 400 files, 10.0 MB, 10 files/s, 30 s left')
  expect(lines[2]).toBe('300 of 400 files, 30.0 MB, 10 files/s, 10 s left')
})
