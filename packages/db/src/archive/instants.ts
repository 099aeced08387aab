const dayMilliseconds = 86_400_000

/** Rows that follow each other are mostly of one day: its text is made once. */
let knownDay = { day: Number.NaN, text: '' }

function dayOf(day: number): typeof knownDay {
  if (knownDay.day !== day) knownDay = { day, text: new Date(day * dayMilliseconds).toISOString().slice(0, 11) }
  return knownDay
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
const threeDigits = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

/** As `Date.toISOString`, several times faster for times of one day. Of the years 0 to 9999. */
export function isoOf(milliseconds: number): string {
  const day = Math.floor(milliseconds / dayMilliseconds)
  const rest = milliseconds - day * dayMilliseconds
  const seconds = Math.floor(rest / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${dayOf(day).text}${twoDigits[hours]}:${twoDigits[minutes - hours * 60]}:${twoDigits[seconds - minutes * 60]}.${threeDigits[rest - seconds * 1000]}Z`
}

/** As `Date.parse`, of a time in ISO 8601 with milliseconds, in UTC. */
export function millisecondsOf(iso: string): number {
  if (!iso.startsWith(knownDay.text) || knownDay.text === '') dayOf(Math.floor(Date.parse(iso) / dayMilliseconds))
  const digits = (at: number) => (iso.charCodeAt(at) - 48) * 10 + iso.charCodeAt(at + 1) - 48
  const seconds = (digits(11) * 60 + digits(14)) * 60 + digits(17)
  return knownDay.day * dayMilliseconds + seconds * 1000 + (iso.charCodeAt(20) - 48) * 100 + digits(21)
}
