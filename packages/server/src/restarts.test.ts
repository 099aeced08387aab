import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Restarts } from './restarts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const end = { code: 1, signal: null }

test('each failure in a row doubles the pause, up to half a minute', () => {
  const restarts = new Restarts()
  restarts.listening = 1
  for (const [failures, milliseconds] of [
    [0, 500],
    [1, 1000],
    [2, 2000],
    [9, 30_000],
  ] as const) {
    const start = vi.fn<() => void>()
    restarts.next(end, failures, start)
    vi.advanceTimersByTime(milliseconds - 1)
    expect(start).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(start).toHaveBeenCalledOnce()
  }
})

test('a group is given up when none listens and one has failed three times in a row, and is not started again', async () => {
  const restarts = new Restarts()
  const start = vi.fn<() => void>()
  restarts.next(end, 3, start)
  expect(await restarts.failed).toEqual(end)
  vi.runAllTimers()
  expect(start).not.toHaveBeenCalled()
})

test.each([
  ['another one listens', 1, 9],
  ['it has failed twice', 0, 2],
])('a group is not given up while %s', async (_what, listening, failures) => {
  const restarts = new Restarts()
  restarts.listening = listening
  restarts.next(end, failures, () => undefined)
  expect(await Promise.race([restarts.failed, Promise.resolve('goes on')])).toBe('goes on')
})
