import { and, desc, eq, gte, sql } from 'drizzle-orm'
import {
  done,
  isThisCaller,
  type Outcome,
  restoreError,
  type UserCaller,
  administratorOf,
} from '../../access/access.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { BackupRow } from '../../schema/rows.ts'
import { buildQuery, buildStatement, defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'
import { fromCaller } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { pageOf } from '../../access/pages.ts'
import { isBehind } from '../../sql/keyset.ts'
import { isJoined } from '../../sql/joined.ts'
import { backupOf } from './requests.ts'

const digestQuery = defineQuery<{ sha256: string }>()(({ builder, tables: { backups } }, bind) =>
  builder
    .select({ name: backups.name })
    .from(backups)
    .where(eq(backups.sha256, bind('sha256', backups.sha256))),
)

/**
 * Records a backup that a command has taken.
 * @param eventId of the audit event that tells of it
 * @throws DatabaseError `restore_in_progress` where others restore into the database: the event would be a row that their archive does not have
 */
export async function recordBackup(store: Store, backup: BackupRow, eventId: string): Promise<void> {
  const { dialect } = store
  const { isOpen } = await store.apply({
    locks: [],
    gate: buildStatement(insertWhere(dialect, dialect.tables.backups, backup, isNotRestoring(dialect))),
    effects: [recordEvent(dialect, completedEvent(backup, eventId))],
    proof: eventQuery(dialect, eventId),
  })
  if (!isOpen) throw restoreError()
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

/** A backup that was restored for trial and found right. */
export type DrilledBackup = BackupRow & { readonly sha256: string; readonly drilledAt: Date }

/**
 * Records that an archive was restored for trial and found right: with the backup of that digest, or, when this database
 * knows none, as one of its own. One of the same name is then replaced: its file has other content by now.
 */
export async function recordDrill(store: Store, backup: DrilledBackup): Promise<void> {
  const { dialect } = store
  const { backups } = dialect.tables
  const { drilledAt, verifiedAt } = backup
  const proof = buildQuery(drilledQuery(dialect, backup))
  // Read first: after a lost answer a closed gate says nothing, so no gate may be closed because the archive is new.
  const known = await store.read(digestQuery(dialect, { sha256: backup.sha256 }))
  if (known.length > 0) {
    const update = dialect.builder
      .update(backups)
      .set({ drilledAt, verifiedAt })
      .where(eq(backups.sha256, backup.sha256))
    const { isOpen } = await store.apply({ locks: [], gate: buildStatement(update), proof })
    // MySQL counts no row where all was so already. Where the row is gone by now, the drill is a new one.
    if (isOpen || (await store.read(proof)).length > 0) return
  }
  const { name: _key, ...columns } = backupOf(backups)
  const insert = insertWhere(
    dialect,
    backups,
    backup,
    sql`1 = 1 ${dialect.orUpdate([backups.name], Object.values(columns))}`,
  )
  await store.apply({ locks: [], gate: buildStatement(insert), proof })
}

/** Of a drill's lost answer: another's that came later says the same of the archive. */
function drilledQuery({ builder, tables: { backups } }: Dialect, { sha256, drilledAt }: DrilledBackup) {
  return builder
    .select({ name: backups.name })
    .from(backups)
    .where(and(eq(backups.sha256, sha256), gte(backups.drilledAt, drilledAt)))
}

/** A backup as administrators see it. */
export type BackupView = Pick<BackupRow, (typeof viewMembers)[number]>

const viewMembers = [
  'name',
  'bytes',
  'rowCount',
  'isEncrypted',
  'result',
  'createdAt',
  'verifiedAt',
  'drilledAt',
] as const satisfies readonly (keyof BackupRow)[]

const newestQuery = defineQuery<object>()(({ builder, tables: { backups } }) =>
  builder
    .select(pick(backups, viewMembers))
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
  const standing = administratorOf(caller, rows[0])
  return standing.ok ? done(rows.filter(isJoined<BackupView>('name')).map((row) => pick(row, viewMembers))) : standing
}

function listQuery(dialect: Dialect, caller: UserCaller, { limit, after }: BackupListing) {
  const { backups } = dialect.tables
  const { createdAt, name } = backups
  const page = pageOf(dialect, {
    table: backups,
    fields: pick(backups, viewMembers),
    where: isBehind({ at: createdAt, id: name }, after && { at: after.at, id: after.name }),
    newest: [createdAt, name],
    limit,
  })
  return buildQuery(fromCaller(dialect, isThisCaller(dialect, caller), page))
}
