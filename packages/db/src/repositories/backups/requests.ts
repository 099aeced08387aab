import { and, desc, eq, exists, inArray, isNotNull, like, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  isThisCaller,
  type Outcome,
  type StandingRow,
  type UserCaller,
  administratorOf,
  absentFor,
} from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { BackupRow } from '../../schema/rows.ts'
import { backupMark } from '../../schema/schema.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, isRecorded } from '../audit/event.ts'
import { mayAdminister } from '../../access/conditions.ts'
import { fromCaller } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { isJoined } from '../../sql/joined.ts'

/* Scheduled backups as administrators ask for them. */

/** What became of a backup. A failed one says why, in a code. */
export type BackupResult = 'ok' | 'requested' | 'running' | `failed: ${string}`

/** What is neither done nor failed yet. */
export const unfinished = ['requested', 'running'] as const satisfies readonly BackupResult[]

export function isUnfinished(result: string): boolean {
  return unfinished.some((one) => one === result)
}

/** Names of scheduled backups: `2026-01-31T033000Z`. Others are those that the command line noted. */
export const scheduledName = '____-__-__T______Z'

/**
 * Asks for a backup, unless one was asked for or is being taken: then that one is the answer. Of two that ask at once
 * the second waits for the first, in the database.
 * @param operation Names this write: the id of its audit event.
 */
export async function requestBackup(
  store: Store,
  caller: UserCaller,
  backup: BackupRow,
  operation: string,
): Promise<Outcome<BackupRow>> {
  const { dialect } = store
  const { marks, backups } = dialect.tables
  const { rows, readAs } = await store.apply({
    locks: [...callerLocks(dialect, caller), rowLock(dialect, 'marks', 'no key update', eq(marks.name, backupMark))],
    gate: recordRequest(dialect, caller, backup, operation),
    effects: [buildStatement(insertWhere(dialect, backups, backup, isRecorded(dialect, operation)))],
    answer: (as) => pendingQuery(dialect, as(caller), backup.name),
    answersWhenClosed: true,
    proof: eventQuery(dialect, operation),
  })
  return foundFor(readAs(caller), rows)
}

/** The gate: from the mark's row, which those who ask at once hold one after the other. */
function recordRequest(dialect: Dialect, caller: UserCaller, { name, createdAt }: BackupRow, id: string): Statement {
  const { builder, tables } = dialect
  const { marks, backups } = tables
  const pending = builder
    .select({ name: backups.name })
    .from(backups)
    .where(or(isResult(dialect, unfinished), eq(backups.name, name)))
  const event = callerEvent(dialect, caller, {
    id,
    at: createdAt,
    type: 'backup.requested',
    subject: { type: 'backup', id: name },
  })
  const condition = all(eq(marks.name, backupMark), not(exists(pending)), mayAdminister(dialect, caller))
  return buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(sql`${marks} where ${condition}`)))
}

/** A scheduled backup that succeeded, by its name or the newest that was verified, for administrators. */
export async function findBackup(
  store: Store,
  caller: UserCaller,
  wanted: { readonly name: string } | 'latest',
): Promise<Outcome<BackupRow>> {
  const { backups } = store.dialect.tables
  const isWanted =
    wanted === 'latest'
      ? and(like(backups.name, scheduledName), isNotNull(backups.verifiedAt))
      : eq(backups.name, wanted.name)
  const rows = await store.read(backupsQuery(store.dialect, caller, and(isWanted, isResult(store.dialect, ['ok']))))
  return foundFor(caller, rows)
}

function foundFor(caller: UserCaller, rows: readonly FoundRow[]): Outcome<BackupRow> {
  const standing = administratorOf(caller, rows[0])
  if (!standing.ok) return standing
  const found = rows.find(isJoined<BackupRow>('name'))
  return found === undefined ? absentFor(caller) : done(backupOf(found))
}

/** The one that was asked for or is being taken; of that name where it has succeeded meanwhile. */
function pendingQuery(dialect: Dialect, caller: UserCaller, name: string) {
  const { backups } = dialect.tables
  return backupsQuery(dialect, caller, or(isResult(dialect, unfinished), eq(backups.name, name)))
}

function backupsQuery(dialect: Dialect, caller: UserCaller, condition: SQL | undefined): Query<FoundRow> {
  const { builder, tables } = dialect
  const { backups } = tables
  const found = builder
    .select(backupOf(backups))
    .from(backups)
    .where(condition)
    // What is under way before what succeeded in the same second.
    .orderBy(
      sql`case when ${isResult(dialect, unfinished)} then 0 else 1 end`,
      desc(backups.createdAt),
      desc(backups.name),
    )
    .limit(1)
    .as('found')
  const select = fromCaller(dialect, isThisCaller(dialect, caller), {
    fields: { ...backupOf(found) },
    joins: [[found, sql`1 = 1`]],
  })
  return buildQuery(select)
}

type FoundRow = StandingRow & { readonly [Name in keyof BackupRow]: BackupRow[Name] | null }

const members = [
  'name',
  'bytes',
  'rowCount',
  'sha256',
  'isEncrypted',
  'consistency',
  'result',
  'createdAt',
  'verifiedAt',
  'drilledAt',
] as const satisfies readonly (keyof BackupRow)[]

/** What is a backup's own of the table, of what was selected from it, or of a row with more. */
export function backupOf<Source extends { readonly [Name in keyof BackupRow]: unknown }>(
  source: Source,
): Pick<Source, keyof BackupRow> {
  return pick(source, members)
}

/** Finds the backup as it is there, for a write whose answer was lost. */
export function isAt(
  { builder, tables: { backups } }: Dialect,
  { name, result, createdAt }: BackupRow,
): Query<unknown> {
  return buildQuery(
    builder
      .select({ name: backups.name })
      .from(backups)
      .where(and(eq(backups.name, name), eq(backups.result, result), eq(backups.createdAt, createdAt))),
  )
}

export function isResult({ tables: { backups } }: Dialect, results: readonly BackupResult[]): SQL {
  return inArray(backups.result, [...results])
}
