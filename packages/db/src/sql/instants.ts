const dayMilliseconds = 86_400_000
const minuteMilliseconds = 60_000
const digitsOf = (number: number, length: number) => String(number).padStart(length, '0')

/** The parts of a day's moments, with the signs that follow them: each that is put together would be a string of its own. */
const minutes = Array.from(
  { length: 1440 },
  (_, minute) => `${digitsOf(Math.floor(minute / 60), 2)}:${digitsOf(minute % 60, 2)}:`,
)
const seconds = Array.from({ length: 60 }, (_, second) => `${digitsOf(second, 2)}.`)
const milliseconds = Array.from({ length: 1000 }, (_, millisecond) => `${digitsOf(millisecond, 3)}Z`)

/** Moments that follow each other are mostly of one day: its text up to the `T` is made once. */
let knownDay = { day: Number.NaN, text: '' }

function dayOf(day: number): typeof knownDay {
  if (knownDay.day !== day) {
    const text = new Date(day * dayMilliseconds).toISOString().slice(0, -'00:00:00.000Z'.length)
    knownDay = { day, text }
  }
  return knownDay
}

/** As `Date.toISOString`, several times faster for moments of one day. */
export function isoOf(time: number): string {
  const day = Math.floor(time / dayMilliseconds)
  const ofDay = time - day * dayMilliseconds
  const minute = Math.floor(ofDay / minuteMilliseconds)
  const ofMinute = ofDay - minute * minuteMilliseconds
  return `${dayOf(day).text}${minutes[minute] ?? ''}${seconds[Math.floor(ofMinute / 1000)] ?? ''}${milliseconds[ofMinute % 1000] ?? ''}`
}

/** As `Date.parse`, of a time in ISO 8601 with milliseconds, in UTC, of the years 0 to 9999. */
export function millisecondsOf(iso: string): number {
  if (!iso.startsWith(knownDay.text) || knownDay.text === '') dayOf(Math.floor(Date.parse(iso) / dayMilliseconds))
  const digits = (at: number) => (iso.charCodeAt(at) - 48) * 10 + iso.charCodeAt(at + 1) - 48
  const secondsOfDay = (digits(11) * 60 + digits(14)) * 60 + digits(17)
  return knownDay.day * dayMilliseconds + secondsOfDay * 1000 + (iso.charCodeAt(20) - 48) * 100 + digits(21)
}
