import { archiveTables, type ArchiveTable, type ArchiveTableName } from '../tables.ts'

export type GuideTableName = Exclude<ArchiveTableName, (typeof ownTables)[number]>

/** Tables that the guide has not: nothing is read into them. */
const ownTables = ['api_keys', 'schedules', 'execution_history', 'audit'] as const

/** A table of the guide, with the columns that are read of it where they are there. */
export interface GuideTable {
  readonly name: GuideTableName
  readonly archive: ArchiveTable
  readonly columns: readonly string[]
}

const columns: Readonly<Record<GuideTableName, readonly string[]>> = {
  users: [
    'id',
    'username',
    'email',
    'password_hash',
    'hashed_password',
    'is_active',
    'is_admin',
    'created_at',
    'updated_at',
  ],
  settings: ['id', 'user_id', 'settings_data', 'created_at', 'updated_at'],
  workflows: ['id', 'name', 'description', 'definition', 'owner_id', 'is_public', 'created_at', 'updated_at'],
  workflow_versions: [
    'id',
    'workflow_id',
    'version_number',
    'definition',
    'change_notes',
    'created_by',
    'created_at',
    'updated_at',
  ],
  workflow_shares: ['id', 'workflow_id', 'shared_with_user_id', 'permission', 'shared_by', 'created_at', 'updated_at'],
  executions: ['id', 'workflow_id', 'user_id', 'status', 'state', 'started_at', 'completed_at', 'updated_at'],
}

/** In the archive's order. */
export const guideTables: readonly GuideTable[] = archiveTables.flatMap((archive) => {
  const { name } = archive
  return isOfGuide(name) ? [{ name, archive, columns: columns[name] }] : []
})

function isOfGuide(name: ArchiveTableName): name is GuideTableName {
  return !ownTables.some((own) => own === name)
}
