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

/** What a column holds, and how the archive writes it. */
export type ColumnKind =
  /** A key of 1 to 64 characters that doesn't end in a space: databases that pad would take it for another. */
  | 'id'
  | 'text'
  /** A JSON document's exact text, as a string. */
  | 'document'
  /** ISO 8601 in UTC with milliseconds. */
  | 'time'
  | 'flag'
  /** A safe integer. */
  | 'count'

export interface ArchiveColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly isNullable: boolean
  /** The only values that it may have. */
  readonly values?: readonly string[]
  /** In characters; what the narrowest database takes. */
  readonly maxLength?: number
  /** Number of the schema that it came with, where that is not the first: in older archives it is absent, and null. */
  readonly since?: number
}

export type ArchiveTableName =
  | 'users'
  | 'api_keys'
  | 'settings'
  | 'workflows'
  | 'workflow_versions'
  | 'workflow_shares'
  | 'schedules'
  | 'executions'
  | 'execution_history'
  | 'audit'

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

type ColumnOptions = Pick<ArchiveColumn, 'values' | 'maxLength' | 'since'>

function column(kind: ColumnKind, name: string, options: ColumnOptions = {}): ArchiveColumn {
  return { name: name.replace('?', ''), kind, isNullable: name.endsWith('?'), ...options }
}

const id = (name: string, options: ColumnOptions = {}) => column('id', name, options)
const text = (name: string, maxLength?: number) => column('text', name, maxLength === undefined ? {} : { maxLength })
const oneOf = (name: string, values: readonly string[]) => column('text', name, { values })
const document = (name: string, options: ColumnOptions = {}) => column('document', name, options)
const time = (name: string, options: ColumnOptions = {}) => column('time', name, options)
const flag = (name: string) => column('flag', name)
const count = (name: string) => column('count', name)

function table(
  name: ArchiveTableName,
  property: keyof Tables,
  columns: readonly ArchiveColumn[],
  { key = ['id'], since = 1 }: Partial<Pick<ArchiveTable, 'key' | 'since'>> = {},
): ArchiveTable {
  return { name, property, key, since, columns: columns.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}

/** What came with the migration `0002_durable_executions`. */
const durable = { since: 2 }

/**
 * The archive's tables, in its order: whatever a row refers to stands before it. Columns are CLI.md's "The archive": a
 * `?` marks those that may be null.
 */
export const archiveTables: readonly ArchiveTable[] = [
  table('users', 'users', [
    id('id'),
    text('username', 255),
    text('email', 255),
    text('password_hash', 255),
    time('created_at'),
    oneOf('role', roles),
    time('disabled_at?'),
    time('tokens_valid_from'),
    time('updated_at'),
  ]),
  table('api_keys', 'apiKeys', [
    id('id'),
    id('user_id'),
    text('name', 100),
    text('scopes', 255),
    text('prefix', 64),
    id('key_sha256'),
    time('expires_at?'),
    time('created_at'),
    time('last_used_at?'),
  ]),
  table('settings', 'settings', [
    id('id'),
    id('user_id'),
    document('settings_data'),
    time('created_at'),
    time('updated_at'),
    count('revision'),
  ]),
  table('workflows', 'workflows', [
    id('id'),
    text('name', 255),
    text('description?'),
    document('definition'),
    id('owner_id?'),
    flag('is_public'),
    time('created_at'),
    time('updated_at'),
    count('version_number'),
    count('revision'),
    time('transferred_at?', durable),
  ]),
  table(
    'workflow_versions',
    'workflowVersions',
    [
      id('id'),
      id('workflow_id'),
      count('version_number'),
      document('definition'),
      text('change_notes?'),
      id('created_by?'),
      time('created_at'),
    ],
    { key: ['workflow_id', 'version_number'] },
  ),
  table('workflow_shares', 'workflowShares', [
    id('id'),
    id('workflow_id'),
    id('shared_with_user_id'),
    oneOf('permission', sharePermissions),
    time('created_at'),
    id('shared_by?'),
  ]),
  table(
    'schedules',
    'schedules',
    [
      id('id'),
      id('workflow_id'),
      text('name', 255),
      text('cron', 255),
      text('time_zone', 64),
      document('input?'),
      count('max_attempts'),
      flag('is_enabled'),
      text('disabled_reason?', 255),
      oneOf('overlap', scheduleOverlaps),
      oneOf('catch_up', scheduleCatchUps),
      time('next_at?'),
      time('last_at?'),
      id('last_execution_id?'),
      count('revision'),
      id('created_by?'),
      time('created_at'),
      time('updated_at'),
    ],
    durable,
  ),
  table('executions', 'executions', [
    id('id'),
    id('workflow_id'),
    id('user_id?'),
    oneOf('status', executionStatuses),
    document('state?'),
    time('started_at?'),
    time('completed_at?'),
    count('version_number'),
    document('input?'),
    document('error?'),
    count('attempts'),
    count('max_attempts'),
    count('fence'),
    time('due_at?'),
    time('created_at'),
    time('updated_at'),
    document('wait_for?', durable),
    id('schedule_id?', durable),
  ]),
  table(
    'execution_history',
    'executionHistory',
    [
      id('execution_id'),
      count('seq'),
      oneOf('type', historyTypes),
      time('at'),
      count('fence?'),
      text('worker?', 100),
      id('actor?'),
      text('key?', 256),
      text('name?', 101),
      document('output?'),
      document('error?'),
      document('payload?'),
      count('attempt?'),
      time('started_at?'),
    ],
    { key: ['execution_id', 'seq'], ...durable },
  ),
  table(
    'audit',
    'audit',
    [
      id('id'),
      time('at'),
      oneOf('type', auditTypes),
      oneOf('actor_kind', auditActorKinds),
      id('actor_user_id?'),
      text('actor_id?', 255),
      oneOf('subject_type', auditSubjects),
      text('subject_id?', 255),
      id('workflow_id?'),
      id('owner_id?'),
      document('data'),
      id('network?'),
      id('request_id?'),
    ],
    durable,
  ),
]

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
