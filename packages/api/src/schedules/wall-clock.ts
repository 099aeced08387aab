/**
 * The clock on the wall of a time zone. What it shows is held as a Date whose UTC fields are the wall's, so that two
 * walls compare and a timetable is walked without a zone.
 */
export interface WallClock {
  /** What the wall shows at a moment. */
  at(moment: Date): Date
  /**
   * The moment when the wall shows this: of a time that it shows twice the first, of a time that it leaves out the moment
   * when it jumps over it.
   */
  momentOf(wall: Date): Date
}

const dayMilliseconds = 86_400_000

const utc: WallClock = { at: (moment) => moment, momentOf: (wall) => wall }

/** @throws RangeError when there is no such time zone. */
export function wallClockOf(timeZone: string): WallClock {
  if (timeZone === 'UTC') return utc
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const offsetAt = (moment: number): number => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
    const [year = 0, month = 1, day = 1] = ['year' as const, 'month' as const, 'day' as const].map((part) =>
      parts.get(part),
    )
    const [hour = 0, minute = 0, second = 0] = ['hour' as const, 'minute' as const, 'second' as const].map((part) =>
      parts.get(part),
    )
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000
  }
  return {
    at: (moment) => new Date(moment.getTime() + offsetAt(moment.getTime())),
    momentOf: (wall) => new Date(momentOf(wall.getTime(), offsetAt)),
  }
}

function momentOf(wall: number, offsetAt: (moment: number) => number): number {
  const [before, after] = [offsetAt(wall - dayMilliseconds), offsetAt(wall + dayMilliseconds)]
  if (before === after) return wall - before
  const shown = [wall - before, wall - after].filter((moment) => moment + offsetAt(moment) === wall)
  return shown.length > 0 ? Math.min(...shown) : jumpBetween(wall - after, wall - before, offsetAt)
}

/** The moment when the offset changes, to the second: offsets change on whole seconds. */
function jumpBetween(earlier: number, later: number, offsetAt: (moment: number) => number): number {
  const old = offsetAt(earlier)
  let [low, high] = [Math.floor(earlier / 1000), Math.ceil(later / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === old) low = middle
    else high = middle
  }
  return high * 1000
}
