import type { ResultSetHeader } from 'mysql2'
import type { RawResult } from '@millrace/db/sql/statement'

/** What mysql2 gives with `rowsAsArray`: a header for a write, else the rows. */
export function mysqlResultOf(rows: unknown): RawResult {
  // mysql2 reads the unsigned id as a signed one.
  if (isHeader(rows)) {
    return { rows: [], affected: rows.affectedRows, insertId: BigInt.asUintN(64, BigInt(rows.insertId)) }
  }
  return { rows: isRows(rows) ? rows : [], affected: 0 }
}

function isHeader(rows: unknown): rows is ResultSetHeader {
  return typeof rows === 'object' && rows !== null && 'affectedRows' in rows
}

function isRows(rows: unknown): rows is readonly (readonly unknown[])[] {
  return Array.isArray(rows)
}
