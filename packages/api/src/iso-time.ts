const dayMilliseconds = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
const threeDigits = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

/** The day that was written last, and its text up to the `T`. */
let writtenDay = Number.NaN
let dayText = ''

/**
 * What JSON has for a moment, as `Date.prototype.toJSON` gives it: that takes a microsecond, which in a list is more than all else
 * that writes it. The moments of a list are mostly of few days.
 */
export function isoTime(at: Date): string | null {
  const milliseconds = at.getTime()
  if (Number.isNaN(milliseconds)) return null
  const day = Math.floor(milliseconds / dayMilliseconds)
  if (day !== writtenDay) {
    writtenDay = day
    dayText = at.toISOString().slice(0, -'00:00:00.000Z'.length)
  }
  const ofDay = milliseconds - day * dayMilliseconds
  const seconds = Math.floor(ofDay / 1000)
  const hour = twoDigits[Math.floor(seconds / 3600)] ?? ''
  const minute = twoDigits[Math.floor(seconds / 60) % 60] ?? ''
  return `${dayText}${hour}:${minute}:${twoDigits[seconds % 60] ?? ''}.${threeDigits[ofDay % 1000] ?? ''}Z`
}
