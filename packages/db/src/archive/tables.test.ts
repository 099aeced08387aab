import { getTableColumns, type Column } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { sqlite } from '../dialects/sqlite/dialect.ts'
import { archiveTables, type ArchiveTableName } from './tables.ts'

/** docs/contract/cli.md's "The archive", table by table in its order: archives that were written are read by these. */
const columnsOf: Readonly<Record<ArchiveTableName, string>> = {
  users:
    'created_at:time disabled_at?:time email:text id:id password_hash:text role:text tokens_valid_from:time ' +
    'updated_at:time username:text',
  api_keys:
    'created_at:time expires_at?:time id:id key_sha256:id last_used_at?:time name:text prefix:text scopes:text ' +
    'user_id:id',
  settings: 'created_at:time id:id revision:count settings_data:document updated_at:time user_id:id',
  workflows:
    'created_at:time definition:document description?:text id:id is_public:flag name:text owner_id?:id ' +
    'revision:count transferred_at?:time updated_at:time version_number:count',
  workflow_versions:
    'change_notes?:text created_at:time created_by?:id definition:document id:id version_number:count ' +
    'workflow_id:id',
  workflow_shares: 'created_at:time id:id permission:text shared_by?:id shared_with_user_id:id workflow_id:id',
  schedules:
    'catch_up:text created_at:time created_by?:id cron:text disabled_reason?:text id:id input?:document ' +
    'is_enabled:flag last_at?:time last_execution_id?:id max_attempts:count name:text next_at?:time ' +
    'overlap:text revision:count time_zone:text updated_at:time workflow_id:id',
  executions:
    'attempts:count completed_at?:time created_at:time due_at?:time error?:document fence:count id:id ' +
    'input?:document max_attempts:count schedule_id?:id started_at?:time state?:document status:text ' +
    'updated_at:time user_id?:id version_number:count wait_for?:document workflow_id:id',
  execution_history:
    'actor?:id at:time attempt?:count error?:document execution_id:id fence?:count key?:text name?:text ' +
    'output?:document payload?:document seq:count started_at?:time type:text worker?:text',
  audit:
    'actor_id?:text actor_kind:text actor_user_id?:id at:time data:document id:id network?:id owner_id?:id ' +
    'request_id?:id subject_id?:text subject_type:text type:text workflow_id?:id',
}

test("the archive's tables stand in its order", () => {
  expect(archiveTables.map(({ name }) => name)).toEqual(Object.keys(columnsOf))
})

test.each(archiveTables)('the archive has these columns, as they were described: $name', ({ name, columns }) => {
  const found = columns.map((column) => `${column.name}${column.isNullable ? '?' : ''}:${column.kind}`)
  expect(found.join(' ')).toBe(columnsOf[name])
})

test.each(archiveTables)('a row is known by its primary key: $name', ({ key, property }) => {
  const primary = sqlite.configOf(sqlite.tables[property]).primaryKeys.flatMap((found) => found.columns)
  const single = Object.values<Column>(getTableColumns(sqlite.tables[property])).filter((column) => column.primary)
  expect(key).toEqual([...primary, ...single].map((column) => column.name))
})
