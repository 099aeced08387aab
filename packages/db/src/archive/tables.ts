import { primaryKeyOf } from '../dialects/expected-shape.ts'
import { sqlite } from '../dialects/sqlite/dialect.ts'
import { auditActorKinds, auditSubjects, auditTypes } from '../schema/audit-types.ts'
import {
  executionStatuses,
  historyTypes,
  roles,
  scheduleCatchUps,
  scheduleOverlaps,
  sharePermissions,
  type Tables,
} from '../schema/schema.ts'
import { describedColumns, type ArchiveColumn } from './described-columns.ts'

export type { ArchiveColumn, ColumnKind } from './described-columns.ts'

/** The archive's tables, in its order: whatever a row refers to stands before it. Each with its name among the schema's. */
const order = [
  ['users', 'users'],
  ['api_keys', 'apiKeys'],
  ['settings', 'settings'],
  ['workflows', 'workflows'],
  ['workflow_versions', 'workflowVersions'],
  ['workflow_shares', 'workflowShares'],
  ['schedules', 'schedules'],
  ['executions', 'executions'],
  ['execution_history', 'executionHistory'],
  ['audit', 'audit'],
] as const satisfies readonly (readonly [name: string, property: keyof Tables])[]

export type ArchiveTableName = (typeof order)[number][0]

export interface ArchiveTable {
  readonly name: ArchiveTableName
  /** Its name among the tables of the schema. */
  readonly property: keyof Tables
  /** In RFC 8785's order, which is that of the row's text. */
  readonly columns: readonly ArchiveColumn[]
  /** The primary key, by which its rows are ordered. */
  readonly key: readonly string[]
  /** Number of the schema that it came with: older archives have no rows of it. */
  readonly since: number
}

/** Columns of the schema that no archive has: made from others, of a moment's work, or a help for writers. */
const leftOut: ReadonlySet<string> = new Set([
  'username_key',
  'email_key',
  'name_key',
  'last_op',
  'lease_owner',
  'lease_until',
  'last_seq',
])

/** What of a column the schema does not say: its only values, and that text is a document. */
const particulars: Readonly<Record<string, Partial<ArchiveColumn>>> = {
  'users.role': { values: roles },
  'workflow_shares.permission': { values: sharePermissions },
  'schedules.overlap': { values: scheduleOverlaps },
  'schedules.catch_up': { values: scheduleCatchUps },
  'executions.status': { values: executionStatuses },
  'executions.wait_for': { kind: 'document' },
  'execution_history.type': { values: historyTypes },
  'audit.type': { values: auditTypes },
  'audit.actor_kind': { values: auditActorKinds },
  'audit.subject_type': { values: auditSubjects },
}

/** Tables and columns that came with a later schema than the first. */
const since: Readonly<Record<string, number>> = {
  schedules: 2,
  execution_history: 2,
  audit: 2,
  'workflows.transferred_at': 2,
  'executions.wait_for': 2,
  'executions.schedule_id': 2,
}

/** The schema's tables in the order above, with the columns that docs/contract/cli.md's "The archive" names. */
export const archiveTables: readonly ArchiveTable[] = order.map(([name, property]) => {
  const columns = columnsOf(name).map((column): ArchiveColumn => {
    const came = since[`${name}.${column.name}`]
    return { ...column, ...particulars[`${name}.${column.name}`], ...(came !== undefined && { since: came }) }
  })
  return { name, property, key: keyOf(property), since: since[name] ?? 1, columns }
})

function columnsOf(name: ArchiveTableName): readonly ArchiveColumn[] {
  const columns = describedColumns.get(name) ?? []
  return columns
    .filter((column) => !leftOut.has(column.name))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function keyOf(property: keyof Tables): readonly string[] {
  return primaryKeyOf(sqlite.configOf(sqlite.tables[property]))
}

/** A table as an archive of that schema has it; undefined where it has none of that name. */
export function tableOfSchema(name: string, schema: number): ArchiveTable | undefined {
  const table = tableNamed(name)
  if (table === undefined || table.since > schema) return undefined
  if (table.columns.every(({ since = 1 }) => since <= schema)) return table
  return { ...table, columns: table.columns.filter(({ since = 1 }) => since <= schema) }
}

export function tableNamed(name: string): ArchiveTable | undefined {
  return archiveTables.find((known) => known.name === name)
}

/** A row's primary key for people. */
export function describeKey({ key }: ArchiveTable, row: Readonly<Record<string, unknown>>): string {
  return key.map((name) => JSON.stringify(row[name])).join(', ')
}
