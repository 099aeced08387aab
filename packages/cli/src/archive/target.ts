import { refuseUnlessRestorable } from '@millrace/db/archive/load'
import type { Database } from '@millrace/db/store/database'
import type { TransportLimits } from '@millrace/db/sql/transport'
import { migrate, migrationStatus } from '@millrace/db/migrate/migrate'
import { connect, refuseMissingResumed, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { readMigrations } from '../migrations.ts'

interface EmptyTargetOptions {
  readonly isResumed: boolean
  /** Looks whether the rows fit into the database, while nothing in it is changed. Not called where it is resumed. */
  readonly check?: (limits: TransportLimits) => Promise<void>
}

/**
 * Opens the database that rows will go into and migrates it if need be. One that can't take them is refused before
 * anything in it is changed.
 */
export async function openEmptyTarget(
  context: Context,
  chosen: ChosenDatabase,
  { isResumed, check }: EmptyTargetOptions,
): Promise<Database> {
  if (isResumed) refuseMissingResumed(context, chosen)
  const { database } = await connect(context, chosen)
  if (isResumed) return database
  await check?.(database.transport().limits)
  await migrateEmptyTarget(context, chosen, database)
  return database
}

/** Refuses a database that rows can't go into; changes nothing. */
export async function refuseUnfitTarget(
  context: Context,
  { target }: ChosenDatabase,
  database: Database,
): Promise<void> {
  const migrations = readMigrations(context.directories.workspace, target.dialect)
  const { applied } = await migrationStatus(database, migrations)
  if (applied.length > 0) await refuseUnlessRestorable(database)
}

/** Migrates a database that rows will go into, if need be. */
export async function migrateEmptyTarget(context: Context, chosen: ChosenDatabase, database: Database): Promise<void> {
  const migrations = readMigrations(context.directories.workspace, chosen.target.dialect)
  await refuseUnfitTarget(context, chosen, database)
  const { pending } = await migrationStatus(database, migrations)
  if (pending.length === 0) return
  await migrate(database, migrations, { signal: context.lifetime.interruption })
  context.output.note(`Migrated ${chosen.shownUrl}.`)
}
