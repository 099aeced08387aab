import { eq, inArray } from 'drizzle-orm'
import type { Database } from '../store/database.ts'
import { findDrift, type Drift } from './drift.ts'
import { DatabaseError, databaseError } from '../sql/errors.ts'
import { hashOf, migrationLock, statementsOf, type Migration } from '../sql/migration.ts'
import { MigrationError } from './error.ts'
import { holdMigrationLock, type HeldLock, type LockTiming } from './lock.ts'
import { isRebuild, transactRebuild } from './rebuild.ts'
import { type AppliedRecord, noteStatement, readRecords, recordStatement, recordsOrNone } from './records.ts'
import { readQuery } from '../store/read-query.ts'
import { restoreMark } from '../schema/schema.ts'
import { defineQuery } from '../sql/building.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'

/** What a database knows of the code's migrations, and the code of the database's. */
export interface MigrationStatus {
  readonly applied: readonly { readonly name: string; readonly hash: string; readonly at: Date }[]
  readonly pending: readonly string[]
  /** Applied, with another text than the code has now. */
  readonly changed: readonly string[]
  /** Applied by newer code: no fault, old code runs on the new schema while a deployment goes on. */
  readonly newer: readonly string[]
}

export interface MigrateOptions {
  /** Names of changed migrations whose new text is taken as what was applied. */
  readonly acceptChanged?: readonly string[]
  readonly onProgress?: (progress: MigrationProgress) => void
  readonly lockTiming?: LockTiming
  /** Ends the work before the next statement; the lock is given back. */
  readonly signal?: AbortSignal
}

export type MigrationProgress =
  | { readonly step: 'waiting_for_lock' }
  | { readonly step: 'applying'; readonly name: string; readonly statement: number; readonly of: number }
  | { readonly step: 'left_out'; readonly name: string; readonly statement: string }

/** Compares what is recorded with what the code knows; makes nothing. A database without a record has none applied. */
export async function migrationStatus(database: Database, migrations: readonly Migration[]): Promise<MigrationStatus> {
  const records = await recordsOrNone(database.transport())
  return statusOf(records, migrations)
}

/**
 * Refuses a database that is being restored into, whether or not it has this version's schema; one without a record of
 * migrations has no mark.
 * @throws DatabaseError `restore_in_progress`
 */
export async function refuseWhileRestoring(database: Database): Promise<void> {
  const transport = database.transport()
  if ((await recordsOrNone(transport)).length > 0) await refuseMark(transport)
}

/**
 * Applies the migrations that the database lacks, oldest first, under a lock: all or nothing where DDL is
 * transactional, else statement by statement with progress recorded, so that a second run goes on where one broke off.
 * @throws MigrationError when an applied migration was edited, or tables are there that no migration made.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<{ readonly applied: readonly string[] }> {
  const transport = database.transport()
  await refuseForeignDatabase(transport)
  await makeBookkeeping(transport)
  await refuseMark(transport)
  const lock = await lockFor(transport, options)
  try {
    await acceptChanged(transport, migrations, options.acceptChanged ?? [])
    const records = await readRecords(transport)
    const { changed, pending } = await statusOf(records, migrations)
    if (changed.length > 0) throw changedError(changed)
    const missing = migrations.filter(({ name }) => pending.includes(name))
    if (missing.length === 0) return { applied: [] }
    if (records.length === 0) refuseTables(await tablesOfNoMigration(transport))
    const apply = database.dialect.migration.isDdlTransactional ? applyTogether : applyByStatement
    await apply({ transport, lock, records, options }, missing)
    return { applied: missing.map(({ name }) => name) }
  } finally {
    await lock.release()
  }
}

/**
 * Records a migration as applied whose SQL was run by other means, after comparing the live schema with the code's.
 * Foreign keys that are missing are recorded as left out: platforms that want deploy requests may refuse them.
 * @throws MigrationError when the schema lacks something else.
 */
export async function recordMigration(
  database: Database,
  migrations: readonly Migration[],
  name: string,
  options: Pick<MigrateOptions, 'onProgress' | 'lockTiming' | 'signal'> = {},
): Promise<void> {
  const transport = database.transport()
  const migration = knownMigration(migrations, name, '--record')
  await makeBookkeeping(transport)
  await refuseMark(transport)
  const lock = await lockFor(transport, options)
  try {
    const drifts = await findDrift(transport)
    const missing = drifts.filter(({ kind }) => kind !== 'foreign_key')
    if (missing.length > 0) throw differsError(name, missing)
    const leftOut = drifts.flatMap(({ sql }) => sql ?? [])
    const records = await readRecords(transport)
    if (!records.some((record) => record.name === name)) {
      await transport.run(await recordStatement(transport, migration, { done: 0, isWhole: false }))
    }
    await transport.run(noteStatement(transport.dialect, name, { hash: await hashOf(migration) }))
    await transport.run(noteStatement(transport.dialect, name, { leftOut: linesOf(leftOut), appliedAt: new Date() }))
  } finally {
    await lock.release()
  }
}

function differsError(name: string, missing: readonly Drift[]): MigrationError {
  return new MigrationError('schema_differs', {
    what: `The migration ${name} is not recorded: the database is not as it would leave it.`,
    why: missing.map(({ message }) => message).join(' '),
    fix: 'Run its SQL first, as `millrace migrate --dry-run` prints it.',
  })
}

function lockFor(
  transport: Transport,
  { lockTiming, signal, onProgress }: Pick<MigrateOptions, 'onProgress' | 'lockTiming' | 'signal'>,
): Promise<HeldLock> {
  return holdMigrationLock(transport, {
    ...(lockTiming === undefined ? {} : { timing: lockTiming }),
    ...(signal === undefined ? {} : { signal }),
    onWait: () => onProgress?.({ step: 'waiting_for_lock' }),
  })
}

interface Work {
  readonly transport: Transport
  readonly lock: HeldLock
  readonly records: readonly AppliedRecord[]
  readonly options: MigrateOptions
}

/** The record comes first: where another got ahead, its key refuses the whole transaction. */
async function applyTogether({ transport, lock, options }: Work, migrations: readonly Migration[]): Promise<void> {
  const batch: Statement[] = []
  for (const migration of migrations) {
    const statements = statementsOf(migration)
    options.onProgress?.({
      step: 'applying',
      name: migration.name,
      statement: statements.length,
      of: statements.length,
    })
    batch.push(await recordStatement(transport, migration, { done: statements.length, isWhole: true }))
    batch.push(...statements.map((text) => ({ text, parameters: [] })))
  }
  options.signal?.throwIfAborted()
  lock.ensureHeld()
  if (isRebuild(transport, batch)) await transactRebuild(transport, batch)
  else await transport.transact(batch, [])
}

async function applyByStatement(work: Work, migrations: readonly Migration[]): Promise<void> {
  for (const migration of migrations) {
    const record = work.records.find(({ name }) => name === migration.name)
    if (record === undefined)
      await work.transport.run(await recordStatement(work.transport, migration, { done: 0, isWhole: false }))
    await applyStatements(work, migration, record)
  }
}

async function applyStatements(
  { transport, lock, options }: Work,
  migration: Migration,
  record: AppliedRecord | undefined,
): Promise<void> {
  const { dialect } = transport
  const statements = statementsOf(migration)
  const leftOut = [record?.leftOut ?? []].flat()
  const start = record?.statementsDone ?? 0
  for (const [position, text] of statements.entries()) {
    if (position < start) continue
    options.signal?.throwIfAborted()
    lock.ensureHeld()
    options.onProgress?.({ step: 'applying', name: migration.name, statement: position + 1, of: statements.length })
    // Only the first of a resumed run can have been in flight when the earlier one broke off.
    const isDone = record !== undefined && position === start && (await isInPlace(transport, text))
    if (!isDone && !(await applyOrLeaveOut(transport, text))) {
      leftOut.push(text)
      options.onProgress?.({ step: 'left_out', name: migration.name, statement: text })
    }
    await transport.run(
      noteStatement(dialect, migration.name, { statementsDone: position + 1, leftOut: linesOf(leftOut) }),
    )
  }
  const { name } = migration
  await transport.run(noteStatement(dialect, name, { leftOut: linesOf(leftOut), appliedAt: new Date() }))
}

function linesOf(statements: readonly string[]): string | null {
  return statements.length === 0 ? null : statements.join('\n')
}

async function isInPlace(transport: Transport, statement: string): Promise<boolean> {
  const question = transport.dialect.migration.whatItLeaves(statement)
  if (question === undefined) return false
  const { rows } = await transport.run(question)
  return rows.length > 0
}

/** @returns false when the server takes no foreign keys and the statement was left out. */
async function applyOrLeaveOut(transport: Transport, text: string): Promise<boolean> {
  const { migration } = transport.dialect
  try {
    await transport.run({ text, parameters: [] })
    return true
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    if (migration.isForeignKeyRefusal(thrown)) return false
    if (migration.isDirectDdlRefusal(thrown)) throw directDdlError(thrown)
    throw thrown
  }
}

async function makeBookkeeping(transport: Transport): Promise<void> {
  const { migration } = transport.dialect
  const rows = await markNames(transport)
  if (rows?.length === 2) return
  for (let tried = 1; ; tried += 1) {
    try {
      // Tables that are there are not asked for again: a platform may refuse even `if not exists`.
      if (rows === undefined) for (const statement of migration.bookkeepingTables) await transport.run(statement)
      await transport.run(migration.bookkeepingRows)
      return
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError)) throw thrown
      if (migration.isDirectDdlRefusal(thrown)) throw directDdlError(thrown)
      if (!migration.isBookkeepingRace(thrown) || tried >= 5) throw thrown
    }
  }
}

/** Marks that the migrator needs and that are there; undefined where a table is missing. */
async function markNames(transport: Transport): Promise<readonly string[] | undefined> {
  try {
    await readRecords(transport)
    const rows = await readQuery(transport, markNamesQuery(transport.dialect, {}))
    return rows.map(({ name }) => name)
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'database_schema_outdated') return undefined
    throw thrown
  }
}

function directDdlError({ message }: DatabaseError): MigrationError {
  return new MigrationError('direct_ddl_refused', {
    what: 'This database refuses direct schema changes.',
    why: message,
    fix: 'Apply the SQL of `millrace migrate --dry-run` by a deploy request, then `millrace migrate --record NAME`.',
  })
}

/** Before anything is made: a database of another program stays as it is. */
async function refuseForeignDatabase(transport: Transport): Promise<void> {
  if ((await recordsOrNone(transport)).length > 0) return
  const tables = await tablesOfNoMigration(transport)
  // Another migrator may have made them just now: its record comes with them or before.
  if (tables.length > 0 && (await recordsOrNone(transport)).length === 0) refuseTables(tables)
}

/** Tables that migrations make, where there is no record of any. */
async function tablesOfNoMigration(transport: Transport): Promise<readonly string[]> {
  const { rows } = await transport.run(transport.dialect.migration.tableNames)
  const present = new Set(rows.map(([name]) => String(name)))
  const ours = ['users', 'workflows', 'workflow_versions', 'workflow_shares', 'executions', 'settings']
  return ours.filter((name) => present.has(name))
}

function refuseTables(foreign: readonly string[]): void {
  if (foreign.length === 0) return
  throw new MigrationError('not_empty', {
    what: 'The database has tables that no migration made.',
    why: `There is no record of migrations, but there are the tables ${foreign.join(', ')}.`,
    fix: 'Keep this database as it is and move its rows into an empty one: millrace copy --from THIS_URL --to EMPTY_URL',
  })
}

async function refuseMark(transport: Transport): Promise<void> {
  const rows = await readQuery(transport, restoreMarkQuery(transport.dialect, {}))
  if (rows.some(({ value }) => value !== null)) {
    throw databaseError('restore_in_progress', 'a restore into this database is under way', { isNotApplied: true })
  }
}

async function acceptChanged(
  transport: Transport,
  migrations: readonly Migration[],
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const migration = knownMigration(migrations, name, '--accept-changed')
    await transport.run(noteStatement(transport.dialect, name, { hash: await hashOf(migration) }))
  }
}

/** Throws a MigrationError for a name that the code does not know. */
export function knownMigration(migrations: readonly Migration[], name: string, flag: string): Migration {
  const migration = migrations.find((known) => known.name === name)
  if (migration !== undefined) return migration
  throw new MigrationError('unknown_migration', {
    what: `There is no migration ${name}.`,
    why: `The code knows ${migrations.map((known) => known.name).join(', ')}.`,
    fix: `Give ${flag} one of these names.`,
  })
}

function changedError(changed: readonly string[]): MigrationError {
  return new MigrationError('migration_changed', {
    what: `Migrations were edited after they had been applied: ${changed.join(', ')}.`,
    why: 'Their text no longer has the hash that the database recorded, so code and schema may differ.',
    fix: `Restore their text, or, where the difference is harmless: millrace migrate --accept-changed ${changed[0] ?? ''}`,
  })
}

async function statusOf(records: readonly AppliedRecord[], migrations: readonly Migration[]): Promise<MigrationStatus> {
  const byName = new Map(records.map((record) => [record.name, record]))
  const known = new Set(migrations.map(({ name }) => name))
  const changed: string[] = []
  const pending: string[] = []
  for (const migration of migrations) {
    const record = byName.get(migration.name)
    if ((record?.appliedAt ?? null) === null) pending.push(migration.name)
    if (record !== undefined && record.hash !== (await hashOf(migration))) changed.push(migration.name)
  }
  return {
    applied: records.flatMap(({ name, hash, appliedAt }) =>
      appliedAt === null ? [] : [{ name, hash, at: appliedAt }],
    ),
    pending,
    changed,
    newer: records.filter(({ name, appliedAt }) => appliedAt !== null && !known.has(name)).map(({ name }) => name),
  }
}

const markNamesQuery = defineQuery<object>()(({ builder, tables: { marks } }) =>
  builder
    .select({ name: marks.name })
    .from(marks)
    .where(inArray(marks.name, [restoreMark, migrationLock])),
)

const restoreMarkQuery = defineQuery<object>()(({ builder, tables: { marks } }) =>
  builder.select({ value: marks.value }).from(marks).where(eq(marks.name, restoreMark)),
)
