import type { Statement } from '@millrace/db/sql/statement'
import type { TransportLimits } from '@millrace/db/sql/transport'
import type { D1Statement, D1Value } from './client.ts'
import { numbered } from './numbered.ts'
import { readSqlText, withPlaces } from './sql-text.ts'
import { notSent } from '../not-sent.ts'

/** https://developers.cloudflare.com/d1/platform/limits/; of parameters `numbered` has more fit. */
export const d1Limits: TransportLimits = {
  maxParameters: 100,
  // A Worker has 1,000 queries an invocation (50 on the free plan), and a batch's statements are counted one by one.
  maxBatchStatements: 500,
  maxStatementBytes: 2_000_000,
  maxRowBytes: 2_000_000,
}

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
  const isMany = values.length > d1Limits.maxParameters
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

function refuseTooLarge(sql: string, params: readonly D1Value[]): void {
  const { maxParameters, maxStatementBytes } = d1Limits
  if (params.length > maxParameters) {
    throw notSent(`${params.length} parameters, and D1 takes ${maxParameters}`)
  }
  // A character has three bytes at most: most texts need not be measured.
  if (sql.length * 3 > maxSqlBytes && bytesOf(sql) > maxSqlBytes) {
    throw notSent(`${bytesOf(sql)} bytes of SQL, and D1 takes ${maxSqlBytes}`)
  }
  const characters = params.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
  if (characters * 3 <= maxStatementBytes) return
  const bytes = params.reduce<number>((sum, value) => sum + (typeof value === 'string' ? bytesOf(value) : 0), 0)
  if (bytes > maxStatementBytes) {
    throw notSent(
      `${bytes} bytes of parameters, and a row of D1 has ${maxStatementBytes} at most`,
      'Store less in one document, or use another database: on D1 a row, its documents included, has 2 MB at most.',
    )
  }
}

const encoder = new TextEncoder()

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
