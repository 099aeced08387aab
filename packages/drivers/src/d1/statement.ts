import type { Statement } from '@millrace/db/sql/statement'
import type { D1Statement, D1Value } from './client.ts'
import { d1Limits } from './limits.ts'
import { numbered } from './numbered.ts'
import { readSqlText, withPlaces } from './sql-text.ts'
import { notSent } from '../not-sent.ts'

const maxSqlBytes = 100_000

/**
 * A statement as D1 takes it. D1 binds every number as a float, so whole ones are cast: SQLite would else compare, join
 * and write them as such (`1.0`) wherever no column's type mends it.
 * @throws DatabaseError where D1 would refuse it for its size; nothing was sent then
 */
export function toD1(statement: Statement): D1Statement {
  const { text, parameters, columns } = statement
  const read = readSqlText(text)
  const values = parameters.map(valueOf)
  const isMany = values.length > d1Limits.maxParameters || isLong(values)
  const { params, refer } = isMany ? numbered(values, d1Limits.maxParameters) : { params: values, refer: anonymous }
  const sql = withPlaces(read, (position) =>
    isWhole(values[position]) ? `cast(${refer(position)} as integer)` : refer(position),
  )
  refuseTooLarge(sql, params)
  return { sql, params, isRead: read.isRead, columns }
}

const anonymous = () => '?'

function valueOf(parameter: unknown): D1Value {
  if (parameter === null || typeof parameter === 'string') return parameter
  if (typeof parameter === 'number' && Number.isFinite(parameter)) return parameter
  if (typeof parameter === 'bigint' && Number.isSafeInteger(Number(parameter))) return Number(parameter)
  throw new TypeError(`a parameter of type ${typeof parameter} has no place in a D1 statement`)
}

function isWhole(value: D1Value | undefined): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** A document that a statement names several times is sent once. */
function isLong(values: readonly D1Value[]): boolean {
  return values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0) > maxSqlBytes
}

function refuseTooLarge(sql: string, params: readonly D1Value[]): void {
  const { maxParameters, maxRowBytes } = d1Limits
  if (params.length > maxParameters) {
    throw notSent(`${params.length} parameters, and D1 takes ${maxParameters}`)
  }
  if (hasMoreBytes(sql, maxSqlBytes)) {
    throw notSent(`${bytesOf(sql)} bytes of SQL, and D1 takes ${maxSqlBytes}`)
  }
  const tooLarge = params.find((value) => typeof value === 'string' && hasMoreBytes(value, maxRowBytes))
  if (typeof tooLarge === 'string') {
    throw notSent(`a parameter of ${bytesOf(tooLarge)} bytes, and D1 takes ${maxRowBytes}`, 'row_too_large')
  }
}

const encoder = new TextEncoder()

/** A character has three bytes at most: most texts need not be measured. */
function hasMoreBytes(text: string, most: number): boolean {
  return text.length * 3 > most && bytesOf(text) > most
}

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
