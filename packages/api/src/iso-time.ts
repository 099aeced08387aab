const dayMilliseconds = 86_400_000
const minuteMilliseconds = 60_000
const digits = (number: number, length: number) => String(number).padStart(length, '0')

/** The parts of a day's moments, with the signs that follow them: each that is put together would be a string of its own. */
const minutes = Array.from(
  { length: 1440 },
  (_, minute) => `${digits(Math.floor(minute / 60), 2)}:${digits(minute % 60, 2)}:`,
)
const seconds = Array.from({ length: 60 }, (_, second) => `${digits(second, 2)}.`)
const milliseconds = Array.from({ length: 1000 }, (_, millisecond) => `${digits(millisecond, 3)}Z`)

/** The day that was written last, and its text up to the `T`. */
let writtenDay = Number.NaN
let dayText = ''

/**
 * What JSON has for a moment, as `Date.prototype.toJSON` gives it: that takes a microsecond, which in a list is more than all else
 * that writes it. The moments of a list are mostly of few days.
 */
export function isoTime(at: Date): string | null {
  const time = at.getTime()
  if (Number.isNaN(time)) return null
  const day = Math.floor(time / dayMilliseconds)
  if (day !== writtenDay) {
    writtenDay = day
    dayText = at.toISOString().slice(0, -'00:00:00.000Z'.length)
  }
  const ofDay = time - day * dayMilliseconds
  const minute = Math.floor(ofDay / minuteMilliseconds)
  const ofMinute = ofDay - minute * minuteMilliseconds
  return `${dayText}${minutes[minute] ?? ''}${seconds[Math.floor(ofMinute / 1000)] ?? ''}${milliseconds[ofMinute % 1000] ?? ''}`
}
