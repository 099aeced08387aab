import { version } from '@millrace/api/version'
import type { Database } from '@millrace/db/store/database'
import { DatabaseError } from '@millrace/db/sql/errors'
import { type BackupView, newestBackup } from '@millrace/db/repositories/backups/backups'
import { countDueSchedules, readServiceState } from '@millrace/db/repositories/backups/service-state'
import { schemaNumber } from '@millrace/db/schema/known-migrations'
import { chooseDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { examine } from '../doctor/examine.ts'
import { openUnchanged } from '../doctor/open.ts'
import { summaryOf, type FoundStatus, type ServiceStatus, type ShownBackup } from './status.ts'

/** Asks the database itself; what it does not tell is null. Changes nothing. */
export async function databaseStatus(
  context: Context,
  databaseOption: string | undefined,
  isDevelopment: boolean,
): Promise<FoundStatus> {
  const { url, givenBy, shownUrl, target } = chooseDatabase(context, databaseOption)
  const findings = await examine(context, { url, givenBy, isDevelopment })
  const opened = await openUnchanged(context, target)
  const asked = opened.isOpen ? await ask(opened.database) : nothing
  const isRestoring = findings.some(({ id, level }) => id === 'restore.unfinished' && level === 'fail')
  return {
    shown: shownUrl,
    status: {
      version,
      dialect: target.dialect,
      schema: schemaNumber,
      restoreInProgress: isRestoring,
      ...asked,
      ...summaryOf(findings),
    },
  }
}

type Asked = Pick<ServiceStatus, 'pendingMigrations' | 'executions' | 'schedules' | 'lastBackup'>

const nothing: Asked = { pendingMigrations: null, executions: null, schedules: null, lastBackup: null }

async function ask(database: Database): Promise<Asked> {
  try {
    const pendingMigrations = await database.pendingMigrations()
    if (pendingMigrations.length > 0) return { ...nothing, pendingMigrations }
    const store = database.store()
    const { executions } = await readServiceState(store, new Date())
    const backup = await newestBackup(store)
    const schedules = { due: await countDueSchedules(store, new Date()) }
    return { pendingMigrations, executions, schedules, lastBackup: backup === undefined ? null : shownOf(backup) }
  } catch (thrown) {
    // The checklist tells why it does not answer.
    if (thrown instanceof DatabaseError) return nothing
    throw thrown
  }
}

function shownOf(backup: BackupView): ShownBackup {
  const { name, bytes, rowCount, isEncrypted, result, createdAt, verifiedAt, drilledAt } = backup
  return {
    name,
    bytes,
    rows: rowCount,
    createdAt: createdAt.toISOString(),
    encrypted: isEncrypted,
    verifiedAt: verifiedAt?.toISOString() ?? null,
    drilledAt: drilledAt?.toISOString() ?? null,
    result,
  }
}
