const unitMilliseconds = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Seconds, or a number with a unit: `'90s'`, `'5m'`, `'2h'`, `'3d'`. */
export type Duration = number | `${number}${keyof typeof unitMilliseconds}`

/** @throws TypeError where it is no duration, RangeError where it is negative or no time can be that far away. */
export function millisecondsOf(duration: Duration): number {
  const milliseconds = typeof duration === 'number' ? duration * 1000 : parse(duration)
  if (!Number.isFinite(milliseconds)) {
    throw new TypeError(`${duration} is not a duration: give seconds, or a number with s, m, h or d ('90s', '3d').`)
  }
  if (milliseconds < 0 || milliseconds > 100 * 366 * unitMilliseconds.d) {
    throw new RangeError(`${duration} is not between now and a hundred years from now.`)
  }
  return milliseconds
}

function parse(text: string): number {
  const found = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text)
  const [, count, unit] = found ?? []
  return count === undefined || !isUnit(unit) ? Number.NaN : Number(count) * unitMilliseconds[unit]
}

function isUnit(text: string | undefined): text is keyof typeof unitMilliseconds {
  return text !== undefined && text in unitMilliseconds
}
