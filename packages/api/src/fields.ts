import * as z from 'zod'
import { codePointLength } from './code-points.ts'
import { isId } from './ids.ts'
import { isInKeptYears } from './years.ts'

/** Text of so many Unicode code points, which is how JSON Schema counts too. */
export function text(min: number, max: number) {
  return z
    .string()
    .refine((value) => isOfLength(value, min, max), { error: `must have ${min} to ${max} characters`, abort: true })
    .meta({ minLength: min, maxLength: max })
}

function isOfLength(value: string, min: number, max: number): boolean {
  if (value.length < min || value.length > 2 * max) return false
  if (value.length <= max && min <= 1) return true
  const length = codePointLength(value)
  return length >= min && length <= max
}

export const id = z
  .string()
  .refine(isId, { error: 'is not a valid id' })
  .meta({ minLength: 1, maxLength: 64, description: 'An opaque id; new ones are UUIDv7.' })

/** The greatest revision, version number, `seq` or attempt that a request may name: there are no greater ones. */
export const greatestCount = 2_147_483_647

/** A whole number in a path or query. */
export function integer(min: number, max: number) {
  return z
    .string()
    .refine((value) => /^(0|[1-9]\d{0,9})$/.test(value) && Number(value) >= min && Number(value) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number)
    .meta({ type: 'integer', minimum: min, maximum: max })
}

/** A moment in ISO 8601 with any offset. Years are those that every database keeps. */
export const moment = z
  .string()
  // An unencoded `+` in a query arrives as a blank: `…T09:30:00 02:00` means the offset.
  .transform((value) => value.replace(/ (?=\d\d:\d\d$)/, '+'))
  .pipe(z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time such as 2026-01-31T09:30:00.000Z' }))
  .transform((value) => new Date(value))
  .refine(isInKeptYears, { error: 'must be in the years 1000 to 9999' })
  .meta({ type: 'string', format: 'date-time' })

/** A moment in an answer: ISO 8601 in UTC with milliseconds. */
export const instant = z.iso.datetime({ precision: 3 })
