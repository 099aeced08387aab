import { v5 } from 'uuid'
import { nameKey } from '../../schema/names.ts'
import { executionStatuses, sharePermissions } from '../../schema/schema.ts'
import type { ArchiveRow, ArchiveValue } from '../row.ts'
import type { GuideTableName } from './guide-tables.ts'
import { isLonger, type RowReading } from './row-reading.ts'
import type { SettingsSecrets } from './settings-secrets.ts'

/** An archive's row but for what only the rows of other tables can tell. */
export type AdoptedRow = Readonly<Record<string, ArchiveValue>>

/** Namespace of the ids that adoption makes; by UUIDv5, so that a second run makes the same (RFC 9562, 5.5). */
const namespace = 'b0f4bb5e-1c1a-5f0c-8a34-6d5b0c1e9d2f'

const longest = { name: 255, email: 254, hash: 255, description: 100_000, notes: 10_000 } as const

type ReadRow = (reading: RowReading, secrets: SettingsSecrets) => AdoptedRow

/** Reads a foreign table's row; what is wrong with it the reading gathers. */
export const readers: Readonly<Record<GuideTableName, ReadRow>> = {
  users(reading) {
    const created = reading.created()
    return {
      id: reading.id('id'),
      username: nameOf(reading, 'username', longest.name),
      email: nameOf(reading, 'email', longest.email),
      password_hash: passwordHashOf(reading),
      created_at: created,
      role: reading.has('is_admin') && reading.flag('is_admin') ? 'admin' : 'user',
      disabled_at: reading.has('is_active') && !reading.flag('is_active') ? reading.at : null,
      // An account of the future must not wait for it to log in.
      tokens_valid_from: created < reading.at ? created : reading.at,
      updated_at: reading.updated(created),
    }
  },

  settings(reading, secrets) {
    const created = reading.created()
    const data = reading.requiredObject('settings_data', (text) => secrets.survey(text) !== 'unfit')
    const userId = reading.requiredReference('user_id')
    return {
      id: reading.cell('id') === null ? idFor(String(userId)) : reading.id('id'),
      user_id: userId,
      settings_data: data,
      created_at: created,
      updated_at: reading.updated(created),
      revision: 1,
    }
  },

  workflows(reading) {
    const created = reading.created()
    return {
      id: reading.id('id'),
      name: reading.requiredText('name', { most: longest.name }),
      description: reading.text('description', { most: longest.description }),
      definition: reading.requiredObject('definition'),
      owner_id: reading.reference('owner_id'),
      is_public: reading.flag('is_public'),
      created_at: created,
      updated_at: reading.updated(created),
      revision: 1,
    }
  },

  workflow_versions: (reading) => ({
    id: reading.id('id'),
    workflow_id: reading.requiredReference('workflow_id'),
    version_number: reading.versionNumber('version_number'),
    definition: reading.requiredObject('definition'),
    change_notes: reading.text('change_notes', { most: longest.notes }),
    created_by: reading.reference('created_by'),
    created_at: reading.created(),
  }),

  workflow_shares: (reading) => ({
    id: reading.id('id'),
    workflow_id: reading.requiredReference('workflow_id'),
    shared_with_user_id: reading.requiredReference('shared_with_user_id'),
    permission: reading.oneOf('permission', sharePermissions, 'unknown_permission'),
    created_at: reading.created(),
    shared_by: reading.reference('shared_by'),
  }),

  executions(reading) {
    const created = reading.created('started_at')
    return {
      id: reading.id('id'),
      workflow_id: reading.requiredReference('workflow_id'),
      user_id: reading.reference('user_id'),
      status: reading.oneOf('status', executionStatuses, 'unknown_status'),
      state: reading.document('state'),
      started_at: reading.time('started_at')?.instant ?? null,
      completed_at: reading.time('completed_at')?.instant ?? null,
      input: null,
      error: null,
      attempts: 0,
      max_attempts: 3,
      fence: 0,
      due_at: null,
      created_at: created,
      updated_at: reading.updated(created),
    }
  },
}

/** The version that a workflow gets whose definition is none of its versions'. */
export function addedVersion(workflow: AdoptedRow, versionNumber: number): ArchiveRow {
  const { id, definition, owner_id: ownerId, updated_at: updatedAt } = workflow
  return {
    id: idFor(`version ${versionNumber} of ${String(id)}`),
    workflow_id: id ?? null,
    version_number: versionNumber,
    definition: definition ?? null,
    change_notes: 'adopted',
    created_by: ownerId ?? null,
    created_at: updatedAt ?? null,
  }
}

function idFor(name: string): string {
  return v5(name, namespace)
}

/** The key of a name can be longer than the name, and has a column of its own. */
function nameOf(reading: RowReading, column: string, most: number): string {
  const name = reading.requiredText(column, { most })
  if (isLonger(nameKey(name), longest.name)) reading.refuse('too_long')
  return name
}

function passwordHashOf(reading: RowReading): string {
  const column = reading.cell('password_hash') === null ? 'hashed_password' : 'password_hash'
  return reading.requiredText(column, { most: longest.hash })
}
