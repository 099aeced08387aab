export interface ReadTime {
  /** Cut to the millisecond, as the archive writes it. */
  readonly instant: string
  /** Sorts as the moments do, with what was cut off. */
  readonly order: string
}

const shape = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?$/

/**
 * Reads a time as SQLAlchemy's dialects and their databases write one: `YYYY-MM-DD`, optionally with a blank or `T`, a
 * time, a fraction, `Z` or an offset; without the last it is UTC. Undefined where it is none, or outside the years 1000 to
 * 9999.
 */
export function readTime(text: string): ReadTime | undefined {
  const parts = shape.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset] = parts
  const shift = offsetMilliseconds(offset)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59 || shift === undefined) return undefined
  const digits = fraction.padEnd(3, '0')
  const local = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${digits.slice(0, 3)}Z`)
  // The 30th of February is no time, though a Date takes it for one in March.
  if (Number.isNaN(local.getTime()) || local.getUTCDate() !== Number(day)) return undefined
  const moment = new Date(local.getTime() - shift)
  const years = moment.getUTCFullYear()
  if (years < 1000 || years > 9999) return undefined
  const instant = moment.toISOString()
  return { instant, order: `${instant} ${digits.slice(3).replace(/0+$/, '')}` }
}

/** Undefined for an offset that no clock has. */
function offsetMilliseconds(offset: string | undefined): number | undefined {
  if (offset === undefined || offset === 'Z') return 0
  const digits = offset.slice(1).replaceAll(':', '')
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)))
  if (hours === undefined || minutes === undefined || seconds === undefined) return undefined
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  return (offset.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds) * 1000
}
