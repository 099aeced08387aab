import * as backups from '@millrace/db/repositories/backups/backups'
import type { BackupView } from '@millrace/db/repositories/backups/backups'
import type { PoolStatus } from '@millrace/db/sql/transport'
import { appliedMigrationNames } from '@millrace/db/store/applied-migrations'
import { pendingMigrations, schemaNumber } from '@millrace/db/schema/known-migrations'
import type { Finding } from '@millrace/db/checklist/finding'
import type { CursorScope } from '../cursor.ts'
import { done, type Result } from '../result.ts'
import { version } from '../version.ts'
import type { UserContext } from './context.ts'
import { pageOf, startOf, type Page, type PageQuery } from './paging.ts'
import { checkAdministrator } from './standing.ts'

/** What whoever runs the service looks at first. */
export interface ServiceStatus {
  readonly version: string
  readonly dialect: string
  /** Number of the newest migration that the code needs. */
  readonly schema: number
  readonly pendingMigrations: readonly string[]
  readonly pool: PoolStatus | undefined
  readonly lastBackups: readonly BackupView[]
  readonly findings: readonly Finding[]
}

const lastBackups = 5

/** The service's status, for administrators. */
export async function getStatus(context: UserContext): Promise<Result<ServiceStatus>> {
  const { store, caller } = context
  const newest = await backups.listBackups(store, caller, { limit: lastBackups })
  if (!newest.ok) return newest
  const applied = await appliedMigrationNames(store)
  return done({
    version,
    dialect: store.dialect.name,
    schema: schemaNumber,
    pendingMigrations: pendingMigrations(applied),
    pool: await context.poolStatus(),
    lastBackups: newest.value.slice(0, lastBackups),
    findings: await context.checklist(applied),
  })
}

/** A page of all backups that are known, newest first, for administrators. */
export async function listBackups(
  context: UserContext,
  { limit, cursor }: PageQuery,
): Promise<Result<Page<BackupView>>> {
  const { store, caller } = context
  const cursors: CursorScope = { list: 'backups', filters: {}, userId: caller.userId }
  const start = await startOf(cursors, cursor, readPosition, () => checkAdministrator(context))
  if (!start.ok) return start
  const outcome = await backups.listBackups(store, caller, { limit, after: start.value })
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, ({ createdAt, name }) => [createdAt.getTime(), name]))
}

function readPosition([atMilliseconds, name, ...more]: readonly unknown[]) {
  if (!Number.isSafeInteger(atMilliseconds) || typeof name !== 'string' || more.length > 0) return undefined
  const at = new Date(Number(atMilliseconds))
  return Number.isNaN(at.getTime()) ? undefined : { at, name }
}
