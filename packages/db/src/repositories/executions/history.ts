import { eq, getTableColumns, sql, type Column, type SQL } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import type { Tables } from '../../schema/schema.ts'
import { buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'

type HistoryRow = Tables['executionHistory']['$inferSelect']

/** What an entry says; its execution and place follow from the row of `executions`. */
export type EntryValues = {
  readonly [Name in keyof Omit<HistoryRow, 'executionId' | 'seq' | 'type'>]?: HistoryRow[Name] | SQL | Column
} & { readonly type: HistoryRow['type'] | SQL }

/**
 * The select of one entry for each row of `executions` that the source gives, for an insert into the history. It reads
 * `last_seq`, which the write has raised by the number of its entries.
 * @param back How many entries of the same write come after this one.
 * @param source What stands behind `from`; `executions` is the table or what a statement returned of it.
 */
export function entrySelect(dialect: Dialect, values: EntryValues, source: SQL, back = 0): SQL {
  const { lastSeq } = dialect.tables.executions
  return entryAt(dialect, back === 0 ? sql`${lastSeq}` : sql`${lastSeq} - ${sql.raw(String(back))}`, values, source)
}

/** The same with a place of its own. */
export function entryAt(dialect: Dialect, seq: SQL, values: EntryValues, source: SQL): SQL {
  const { executions, executionHistory } = dialect.tables
  const columns: Readonly<Record<string, Column>> = getTableColumns(executionHistory)
  const given: Readonly<Record<string, unknown>> = { ...values, executionId: sql`${executions.id}`, seq }
  const list = Object.entries(columns).map(([name, column]) => typed(dialect, given[name] ?? null, column))
  return sql`select ${sql.join(list, sql`, `)} from ${source}`
}

function typed(dialect: Dialect, value: unknown, column: Column): SQL {
  if (value instanceof Object && 'getSQL' in value) return sql`${value}`
  return dialect.typed(value === null ? sql`null` : sql`${sql.param(value, column)}`, column)
}

/** The insert of the entries that the selects give. */
export function insertEntries({ builder, tables: { executionHistory } }: Dialect, selects: readonly SQL[]) {
  return builder.insert(executionHistory).select(sql.join([...selects], sql` union all `))
}

/** What `last_seq` becomes when a write leaves so many entries. */
export function lastSeqAfter(dialect: Dialect, entries: SQL | number): SQL {
  const { executions, executionHistory } = dialect.tables
  const more = typeof entries === 'number' ? sql.raw(String(entries)) : entries
  return sql`${dialect.history.newest(executions, executionHistory)} + ${more}`
}

/** The one entry of a write to one execution, as an effect behind its gate. */
export function recordEntry(dialect: Dialect, executionId: string, values: EntryValues): Statement {
  const { executions } = dialect.tables
  const source = sql`${executions} where ${eq(executions.id, executionId)}`
  return buildStatement(insertEntries(dialect, [entrySelect(dialect, values, source)]))
}
