import { and, asc, desc, eq, exists, like, not, sql, type SQL } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { BackupRow } from '../../schema/rows.ts'
import { backupMark } from '../../schema/schema.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { backupOf, isAt, isResult, scheduledName } from './requests.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { eventQuery, insertEventFrom, type AuditEvent } from '../audit/event.ts'
import { existsIn } from '../../sql/exists.ts'

/* The backups that the schedule takes: their rows, and the mark of the run that is under way. */

/** What a run has begun, for the one that ends it where this one can't. */
export interface BegunBackup {
  readonly name: string
  /** Of its multipart upload; null before there is one. */
  readonly uploadId: string | null
  /** Whether it is tried again by the schedule where it is cut off. */
  readonly isTrial: boolean
}

/** What the schedule looks at: whether someone asked for a backup, and whether a run was cut off. */
export interface BackupsDue {
  readonly requested: string | undefined
  readonly begun: BegunBackup | undefined
  /** Whether a restore into this database is under way: then nothing is taken, and nothing ended. */
  readonly isRestoring: boolean
}

/** The oldest backup that was asked for, and what the mark says was begun. */
export async function readBackupsDue(store: Store): Promise<BackupsDue> {
  const { builder, tables } = store.dialect
  const { marks, backups } = tables
  const oldest = builder
    .select({ name: backups.name })
    .from(backups)
    .where(isResult(store.dialect, ['requested']))
    .orderBy(asc(backups.createdAt), asc(backups.name))
    .limit(1)
    .as('oldest')
  const [row] = await store.read(
    buildQuery(
      builder
        .select({
          begun: marks.value,
          requested: oldest.name,
          isRestoring: sql`case when ${isNotRestoring(store.dialect)} then 0 else 1 end`.mapWith(Number),
        })
        .from(marks)
        .leftJoin(oldest, sql`1 = 1`)
        .where(eq(marks.name, backupMark)),
    ),
  )
  const { requested, begun = null, isRestoring } = row ?? {}
  return { requested: requested ?? undefined, begun: parseBegun(begun), isRestoring: isRestoring === 1 }
}

function parseBegun(text: string | null): BegunBackup | undefined {
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string')
      return undefined
    const uploadId = 'uploadId' in value && typeof value.uploadId === 'string' ? value.uploadId : null
    return { name: value.name, uploadId, isTrial: 'isTrial' in value && value.isTrial === true }
  } catch {
    return undefined
  }
}

/** Makes the rows of marks that an older migrator has not made. */
export async function ensureBackupMark(store: Store): Promise<void> {
  await store.tidy([store.dialect.migration.bookkeepingRows])
}

/** Notes what the run that holds the lease has begun. @returns whether it still holds it */
export async function noteBegun(store: Store, owner: string, begun: BegunBackup): Promise<boolean> {
  const value = JSON.stringify(begun)
  const { builder, tables } = store.dialect
  const { marks } = tables
  const { isOpen } = await store.apply({
    locks: [],
    gate: buildStatement(builder.update(marks).set({ value }).where(isOwn(store.dialect, owner))),
    // Of the holder's own notes none says the same as an earlier one.
    proof: buildQuery(
      builder
        .select({ name: marks.name })
        .from(marks)
        .where(and(isOwn(store.dialect, owner), eq(marks.value, value))),
    ),
  })
  return isOpen
}

/** A scheduled backup's row, whatever became of it. */
export async function listScheduledBackups(store: Store): Promise<readonly BackupRow[]> {
  const { builder, tables } = store.dialect
  const { backups } = tables
  return store.read(
    buildQuery(
      builder
        .select(backupOf(backups))
        .from(backups)
        .where(like(backups.name, scheduledName))
        .orderBy(desc(backups.createdAt), desc(backups.name)),
    ),
  )
}

/** Notes a backup: a new one, or in the place of the one of that name. @returns whether the run still holds the lease */
export async function putBackup(store: Store, owner: string, backup: BackupRow): Promise<boolean> {
  const { dialect } = store
  const { backups } = dialect.tables
  const { name: _key, ...columns } = backupOf(backups)
  const ending = dialect.orUpdate([backups.name], Object.values(columns))
  await store.apply({
    locks: leaseLocks(dialect, 'share'),
    gate: buildStatement(insertWhere(dialect, backups, backup, sql`${holdsLease(dialect, owner)} ${ending}`)),
    proof: isAt(dialect, backup),
  })
  // MySQL counts no row where all was so already.
  return (await store.read(isAt(dialect, backup))).length > 0
}

/** Id and time of the event that tells what became of a backup. */
export interface BackupEnd {
  readonly id: string
  readonly at: Date
}

/** Notes a backup that failed before there was anything of it, unless there is one of its name. */
export async function addBackup(store: Store, owner: string, backup: BackupRow, end: BackupEnd): Promise<void> {
  const { dialect } = store
  const { backups } = dialect.tables
  const there = dialect.builder.select({ name: backups.name }).from(backups).where(eq(backups.name, backup.name))
  await store.apply({
    locks: leaseLocks(dialect, 'share'),
    gate: recordEnd(dialect, owner, backup, end, not(exists(there))),
    effects: [buildStatement(dialect.builder.insert(backups).values(backup))],
    proof: eventQuery(dialect, end.id),
  })
}

/** The run's lease is a row that another run takes over. */
function leaseLocks(dialect: Dialect, strength: 'share' | 'no key update'): readonly RowLock[] {
  return [rowLock(dialect, 'marks', strength, eq(dialect.tables.marks.name, backupMark))]
}

/**
 * The gate of what ends a backup: from the lease that the run still holds. Closed while others restore into this database,
 * since events are among what they prove: the next run ends what was begun.
 */
function recordEnd(
  dialect: Dialect,
  owner: string,
  { name, result, bytes, rowCount }: BackupRow,
  { id, at }: BackupEnd,
  condition?: SQL,
): Statement {
  const { marks } = dialect.tables
  const event: AuditEvent = {
    id,
    at,
    type: result === 'ok' ? 'backup.completed' : 'backup.failed',
    actor: { kind: 'system', userId: null, id: null },
    subject: { type: 'backup', id: name },
    data: result === 'ok' ? { bytes, rows: rowCount } : { result },
    origin: { requestId: null, network: null },
  }
  const source = sql`${marks} where ${all(isOwn(dialect, owner), isNotRestoring(dialect), condition)}`
  return buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(source)))
}

function update(
  dialect: Dialect,
  owner: string,
  { name, ...values }: Pick<BackupRow, 'name'> & Partial<BackupRow>,
): Statement {
  const { builder, tables } = dialect
  const { backups } = tables
  return buildStatement(
    builder
      .update(backups)
      .set(values)
      .where(all(eq(backups.name, name), holdsLease(dialect, owner))),
  )
}

/** Notes what became of a backup, and that nothing is begun any more. @returns whether the run still held the lease */
export async function endBackup(store: Store, owner: string, backup: BackupRow, end: BackupEnd): Promise<boolean> {
  const { dialect } = store
  const { isOpen } = await store.apply({
    locks: leaseLocks(dialect, 'no key update'),
    gate: recordEnd(dialect, owner, backup, end),
    effects: [update(dialect, owner, backup), forget(dialect, owner)],
    proof: eventQuery(dialect, end.id),
  })
  return isOpen
}

/** Leaves a backup that was begun to the next run: it is asked for again. */
export async function postponeBackup(store: Store, owner: string, backup: BackupRow): Promise<void> {
  const { dialect } = store
  await store.apply({
    locks: leaseLocks(dialect, 'no key update'),
    gate: forget(dialect, owner),
    effects: [update(dialect, owner, backup)],
    proof: isAt(dialect, backup),
  })
}

function forget({ builder, tables: { marks } }: Dialect, owner: string): Statement {
  return buildStatement(
    builder
      .update(marks)
      .set({ value: null })
      .where(all(eq(marks.name, backupMark), eq(marks.owner, owner))),
  )
}

/** Changes what became of a backup that the run found otherwise. @returns whether the run still held the lease */
export async function changeBackup(
  store: Store,
  owner: string,
  name: string,
  change: Partial<Omit<BackupRow, 'name'>>,
): Promise<boolean> {
  const [changed = 0] = await store.tidy([update(store.dialect, owner, { name, ...change })])
  return changed > 0
}

/** Removes the row of a backup. @returns whether the run still held the lease, and it was there */
export async function removeBackup(store: Store, owner: string, name: string): Promise<boolean> {
  const { builder, tables } = store.dialect
  const { backups } = tables
  const removal = builder.delete(backups).where(all(eq(backups.name, name), holdsLease(store.dialect, owner)))
  const [removed = 0] = await store.tidy([buildStatement(removal)])
  return removed > 0
}

function isOwn({ tables: { marks } }: Dialect, owner: string): SQL {
  return all(eq(marks.name, backupMark), eq(marks.owner, owner))
}

/** The condition in a write that the run still holds the lease: one that was overtaken writes nothing more. */
function holdsLease(dialect: Dialect, owner: string): SQL {
  const { tables } = dialect
  return existsIn(dialect, tables.marks, isOwn(dialect, owner))
}
