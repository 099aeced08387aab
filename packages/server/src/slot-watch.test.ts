import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchSlots } from './slot-watch.ts'

const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-01-02T00:00:30.000Z')

beforeEach(() => {
  vi.useFakeTimers({ now: start })
})
afterEach(() => {
  vi.useRealTimers()
})

/** The slots that began, as ISO times. */
function watched(every: number) {
  const begun: string[] = []
  const slotAt = (at: Date) => new Date(Math.floor(at.getTime() / every) * every)
  const watch = watchSlots(slotAt, {
    clock: () => new Date(),
    begin: (slot) => {
      begun.push(slot.toISOString())
    },
  })
  return { begun, watch }
}

test('each slot begins at its time, once', () => {
  const { begun } = watched(5 * minute)
  vi.advanceTimersByTime(4.5 * minute - 1)
  expect(begun).toEqual([])
  vi.advanceTimersByTime(1)
  expect(begun).toEqual(['2026-01-02T00:05:00.000Z'])
  vi.advanceTimersByTime(10 * minute)
  expect(begun).toEqual(['2026-01-02T00:05:00.000Z', '2026-01-02T00:10:00.000Z', '2026-01-02T00:15:00.000Z'])
})

test('a machine that slept, or whose clock was set ahead, begins the newest slot within a minute', () => {
  const { begun } = watched(24 * hour)
  // Timers stand still while a machine sleeps, and its clock does not.
  vi.setSystemTime(start + 49 * hour)
  vi.advanceTimersByTime(minute)
  expect(begun).toEqual(['2026-01-04T00:00:00.000Z'])
})

test('a clock that was set back begins the slot that it is in now, and then the next one', () => {
  const { begun } = watched(5 * minute)
  vi.setSystemTime(start - hour)
  vi.advanceTimersByTime(minute)
  expect(begun).toEqual(['2026-01-01T23:00:00.000Z'])
  vi.advanceTimersByTime(4 * minute)
  expect(begun).toEqual(['2026-01-01T23:00:00.000Z', '2026-01-01T23:05:00.000Z'])
})

test('once stopped, none begins', () => {
  const { begun, watch } = watched(minute)
  watch.stop()
  vi.advanceTimersByTime(hour)
  expect(begun).toEqual([])
})
