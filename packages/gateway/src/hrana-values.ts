import type { SqliteColumn, SqliteRows, SqliteValue } from '@millrace/drivers/native/sqlite-connection'
import type { JsonObject } from './json.ts'

function valueBody(value: SqliteValue): JsonObject {
  if (value === null) return { type: 'null' }
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (typeof value === 'number') return { type: 'float', value }
  if (typeof value === 'string') return { type: 'text', value }
  return { type: 'blob', base64: unpaddedBase64(value) }
}

/** As sqld writes it. */
function unpaddedBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replace(/=+$/u, '')
}

export interface StmtOutcome extends SqliteRows {
  readonly affectedRowCount: number
  readonly lastInsertRowid: bigint | null
  readonly durationMs: number
}

/**
 * A StmtResult with the members that sqld sends. The binding does not count the rows that were read and written:
 * `rows_read` is the rows given, `rows_written` the rows changed.
 */
export function stmtResultBody(outcome: StmtOutcome): JsonObject {
  return {
    cols: outcome.columns.map(columnBody),
    rows: outcome.rows.map((row) => row.map(valueBody)),
    affected_row_count: outcome.affectedRowCount,
    last_insert_rowid: outcome.lastInsertRowid === null ? null : String(outcome.lastInsertRowid),
    replication_index: null,
    rows_read: outcome.rows.length,
    rows_written: outcome.affectedRowCount,
    query_duration_ms: Math.round(outcome.durationMs * 1000) / 1000,
  }
}

export function columnBody({ name, declaredType }: SqliteColumn): JsonObject {
  return { name, decltype: declaredType }
}
