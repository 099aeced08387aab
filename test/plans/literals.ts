import pg from 'pg'
import type { Statement } from '@millrace/db/sql/statement'

/** A parameter as `execute` of PostgreSQL has it. */
export function literalOf(value: Statement['parameters'][number]): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return pg.escapeLiteral(value)
  if (typeof value === 'number' || typeof value === 'bigint') return pg.escapeLiteral(String(value))
  throw new TypeError('statements for PostgreSQL have text, numbers and nulls')
}
