import { isoOf } from '@millrace/db/sql/instants'

/**
 * What JSON has for a moment, as `Date.prototype.toJSON` gives it: that takes a microsecond, which in a list is more than all else
 * that writes it.
 */
export function isoTime(at: Date): string | null {
  const time = at.getTime()
  return Number.isNaN(time) ? null : isoOf(time)
}
