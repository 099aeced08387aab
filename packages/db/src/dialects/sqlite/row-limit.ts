import { getTableColumns, sql, type Column } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import { bytesOf } from '../../sql/page-bytes.ts'
import { bytesBesideText, rowTooLargeWords } from '../../sql/row-size.ts'
import { buildStatement } from '../../sql/building.ts'

/**
 * What writes that ask for no size may add to a row: the owner of a lease, a mark, the error of an execution whose attempts
 * are used up, an owner. Each is a few hundred bytes at most.
 */
const bytesForMarks = 2000

/** The dialect where the platform promises rows of so many bytes only, and may take larger ones or not. */
export function withRowLimit(dialect: Dialect, maxRowBytes: number): Dialect {
  return {
    ...dialect,
    rowSize: {
      refusal(table, where, freeBytes) {
        const most = sql.raw(String(maxRowBytes - bytesForMarks - freeBytes))
        const columns: readonly Column[] = Object.values(getTableColumns(table))
        const beside = sql.raw(String(columns.length * bytesBesideText))
        const measured = sql`select ${bytesOf(dialect, columns)} + ${beside} as bytes from ${table} where ${where}`
        // The path is none, so that the error's message holds it. It depends on the row, so that nothing evaluates it early.
        const statement = sql`select case when bytes <= ${most} then 1 else json_extract('[]', ${sql.raw(`'${rowTooLargeWords}: '`)} || bytes || ${sql.raw(`' of '`)} || ${most}) end from (${measured}) measured`
        return buildStatement({ toSQL: () => dialect.toSQL(statement) })
      },
    },
  }
}
