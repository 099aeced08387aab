import { and, desc, eq, lt, lte, or, sql } from 'drizzle-orm'
import {
  done,
  isAnchor,
  isThisCaller,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { BackupRow } from '../../schema/rows.ts'
import { buildQuery, buildStatement, defineQuery, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'

const namedQuery = defineQuery<{ name: string }>()(({ builder, tables: { backups } }, bind) =>
  builder
    .select({ name: backups.name })
    .from(backups)
    .where(eq(backups.name, bind('name', backups.name))),
)

const digestQuery = defineQuery<{ sha256: string }>()(({ builder, tables: { backups } }, bind) =>
  builder
    .select({ name: backups.name })
    .from(backups)
    .where(eq(backups.sha256, bind('sha256', backups.sha256))),
)

/** Records a backup that a command has taken. @param eventId Of the audit event that tells of it. */
export async function recordBackup(store: Store, backup: BackupRow, eventId: string): Promise<void> {
  const { dialect } = store
  await store.apply({
    locks: [],
    gate: insertBackup(dialect, backup),
    effects: [recordEvent(dialect, completedEvent(backup, eventId))],
    proof: eventQuery(dialect, eventId),
  })
}

function insertBackup({ builder, tables: { backups } }: Dialect, backup: BackupRow): Statement {
  return buildStatement(builder.insert(backups).values(backup))
}

function completedEvent({ name, bytes, rowCount, createdAt }: BackupRow, id: string): AuditEvent {
  return {
    id,
    at: createdAt,
    type: 'backup.completed',
    actor: { kind: 'command', userId: null, id: 'backup' },
    subject: { type: 'backup', id: name },
    data: { bytes, rows: rowCount },
    origin: { requestId: null, network: null },
  }
}

/**
 * Records that an archive was restored for trial and found right: with the backup of that digest, or, when this database
 * knows none, as one of its own.
 */
export async function recordDrill(store: Store, backup: BackupRow & { readonly sha256: string }): Promise<void> {
  const { builder, tables } = store.dialect
  const { backups } = tables
  const known = await store.read(digestQuery(store.dialect, { sha256: backup.sha256 }))
  if (known.length === 0) {
    const { name } = backup
    await store.write({ writes: [insertBackup(store.dialect, backup)], applied: namedQuery(store.dialect, { name }) })
    return
  }
  const { drilledAt, verifiedAt } = backup
  const update = builder.update(backups).set({ drilledAt, verifiedAt }).where(eq(backups.sha256, backup.sha256))
  await store.write({ writes: [buildStatement(update)] })
}

/** A backup as administrators see it. */
export type BackupView = Pick<
  BackupRow,
  'name' | 'bytes' | 'rowCount' | 'isEncrypted' | 'result' | 'createdAt' | 'verifiedAt' | 'drilledAt'
>

const newestQuery = defineQuery<object>()(({ builder, tables: { backups } }) =>
  builder
    .select({
      name: backups.name,
      bytes: backups.bytes,
      rowCount: backups.rowCount,
      isEncrypted: backups.isEncrypted,
      result: backups.result,
      createdAt: backups.createdAt,
      verifiedAt: backups.verifiedAt,
      drilledAt: backups.drilledAt,
    })
    .from(backups)
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1),
)

/** The newest backup, whatever came of it, for an operator; a restore under way does not keep it from being read. */
export async function newestBackup(store: Store): Promise<BackupView | undefined> {
  const [row] = await store.read(newestQuery(store.dialect, {}))
  return row
}

export interface BackupListing {
  readonly limit: number
  readonly after?: { readonly at: Date; readonly name: string } | undefined
}

/** A page of all backups, newest first, and one more where there are more; for administrators. */
export async function listBackups(
  store: Store,
  caller: UserCaller,
  listing: BackupListing,
): Promise<Outcome<readonly BackupView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  if (!standing.value.isAdmin) return refused('forbidden')
  return done(
    rows.filter(isWhole).map(({ name, bytes, rowCount, isEncrypted, result, createdAt, verifiedAt, drilledAt }) => ({
      name,
      bytes,
      rowCount,
      isEncrypted,
      result,
      createdAt,
      verifiedAt,
      drilledAt,
    })),
  )
}

function listQuery(dialect: Dialect, caller: UserCaller, { limit, after }: BackupListing) {
  const { builder, tables } = dialect
  const { marks, users, backups } = tables
  const page = builder
    .select({
      name: backups.name,
      bytes: backups.bytes,
      rowCount: backups.rowCount,
      isEncrypted: backups.isEncrypted,
      result: backups.result,
      createdAt: backups.createdAt,
      verifiedAt: backups.verifiedAt,
      drilledAt: backups.drilledAt,
    })
    .from(backups)
    .where(
      // The first condition alone bounds the index; MySQL bounds none by a comparison of pairs.
      after && and(lte(backups.createdAt, after.at), or(lt(backups.createdAt, after.at), lt(backups.name, after.name))),
    )
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(limit + 1)
    .as('page')
  const select = builder
    .select({
      ...standingFields(dialect),
      name: page.name,
      bytes: page.bytes,
      rowCount: page.rowCount,
      isEncrypted: page.isEncrypted,
      result: page.result,
      createdAt: page.createdAt,
      verifiedAt: page.verifiedAt,
      drilledAt: page.drilledAt,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.createdAt), desc(page.name))
  return buildQuery(select)
}

/** A left join gives all of a row or nothing of it. */
function isWhole<Row extends { readonly name: string | null }>(row: Row): row is Row & BackupView {
  return row.name !== null
}
