import { and, eq, exists, inArray, isNull, not, sql, type SQL } from 'drizzle-orm'
import {
  all,
  any,
  callerInput,
  done,
  isCaller,
  refused,
  standingOf,
  type CallerInput,
  type Outcome,
  type Refusal,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { DocumentText } from '../../document/index.ts'
import type { SettingsRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { DatabaseError } from '../../sql/errors.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import { refuseLarge } from '../../sql/row-size.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Applied } from '../../store/guarded-write.ts'
import { insertWhere } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { untilSettled, type Raced } from '../../store/until-settled.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'
import { matches, type RevisionCondition } from '../workflows/revisions.ts'
import { mayAct } from '../../access/conditions.ts'
import { fromCaller } from '../../access/reads.ts'

/** A user's settings as they are stored: secrets sealed. Never written: no text, revision 0, no times. */
export interface StoredSettings {
  readonly data: DocumentText | undefined
  readonly revision: number
  readonly createdAt: Date | null
  readonly updatedAt: Date | null
}

export interface SettingsWrite {
  readonly data: DocumentText
  /** Id of the row, where there is none yet. */
  readonly id: string
  /** Names this write: the id of its audit event, which the row keeps too. */
  readonly operation: string
  readonly at: Date
}

interface ReadSettings extends StoredSettings {
  readonly lastOp: string | null
}

const settingsQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { users, settings } = dialect.tables
  return fromCaller(dialect, isCaller(dialect, bind), {
    fields: {
      data: settings.settingsData,
      revision: settings.revision,
      createdAt: settings.createdAt,
      updatedAt: settings.updatedAt,
      lastOp: settings.lastOp,
    },
    joins: [[settings, eq(settings.userId, users.id)]],
  })
})

type SettingsReadRow = StandingRow & { readonly [Name in keyof ReadSettings]: ReadSettings[Name] | null }

/** The caller's own settings. */
export async function getSettings(store: Store, caller: UserCaller): Promise<Outcome<StoredSettings>> {
  return readSettings(store, caller)
}

async function readSettings(store: Store, caller: UserCaller): Promise<Outcome<ReadSettings>> {
  const [row] = await store.read(settingsQuery(store.dialect, callerInput(caller)))
  return settingsOf(caller, row)
}

function settingsOf(caller: UserCaller, row: SettingsReadRow | undefined): Outcome<ReadSettings> {
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  const { data = null, revision = null, createdAt = null, updatedAt = null, lastOp = null } = row ?? {}
  return done({ data: data ?? undefined, revision: revision ?? 0, createdAt, updatedAt, lastOp })
}

/** Replaces the caller's settings, whatever they were, where they have one of the revisions. */
export async function putSettings(
  store: Store,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  write: SettingsWrite,
): Promise<Outcome<StoredSettings>> {
  const replace = async (gate: Statement): Promise<Outcome<StoredSettings> | Raced> => {
    const { isOpen, rows, readAs } = await replaceSettings(store, caller, gate, write)
    const found = settingsOf(readAs(caller), rows[0])
    if (!found.ok || isOpen) return found
    return matches(ifRevision, found.value.revision) ? 'raced' : refused('precondition_failed')
  }
  const { dialect } = store
  if (dialect.readsWithWrites) {
    return untilSettled(() => replace(putStatement(dialect, caller, ifRevision, write)), 'the settings')
  }
  // Elsewhere reading first costs fewer round trips: the write is then one statement, and its answer is known.
  const afterRead = () => changeOnce<Refusal>(store, caller, ifRevision, () => Promise.resolve(done(write)))
  // What others change at each attempt is replaced unread: such writes wait for each other, and none is in vain.
  const unread = () => replace(updateSettings(dialect, caller, write, isOfRevision(dialect, ifRevision)))
  let tried = 0
  return untilSettled(() => ((tried += 1) % 2 === 1 ? afterRead() : unread()), 'the settings', rowOf(caller))
}

function replaceSettings(
  store: Store,
  caller: UserCaller,
  gate: Statement,
  write: SettingsWrite,
): Promise<Applied<SettingsReadRow>> {
  const { dialect } = store
  const isThere = exists(settingsWhere(dialect, caller, eq(dialect.tables.settings.lastOp, write.operation)))
  return store.apply({
    locks: settingsLocks(dialect, caller),
    gate,
    effects: [
      recordEvent(dialect, changedEvent(dialect, caller, write), { when: isThere }),
      ...refuseLargeSettings(dialect, caller.userId, write),
    ],
    answer: (as) => settingsQuery(dialect, callerInput(as(caller))),
    answersWhenClosed: true,
    proof: eventQuery(dialect, write.operation),
  })
}

/** Sealed, secrets are longer than they were when they were sent. */
export function refuseLargeSettings(
  dialect: Dialect,
  userId: string,
  { operation }: Pick<SettingsWrite, 'operation'>,
): readonly Statement[] {
  const { settings } = dialect.tables
  return refuseLarge(dialect, settings, all(eq(settings.userId, userId), eq(settings.lastOp, operation)))
}

/** For who has to read them first. */
function rowOf({ userId }: UserCaller): string {
  return `settings/${userId}`
}

/** The user's row stands for its settings, of which there may be none yet to be locked. */
function settingsLocks(dialect: Dialect, caller: UserCaller): readonly RowLock[] {
  return callerLocks(dialect, caller, 'no key update')
}

/** The gate: makes the row or replaces what is in it. */
function putStatement(
  dialect: Dialect,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  write: SettingsWrite,
): Statement {
  const { builder, tables } = dialect
  const { settings } = tables
  const current = builder
    .select({ revision: settings.revision })
    .from(settings)
    .where(eq(settings.userId, caller.userId))
  const row = { ...newRow(caller, write), revision: sql`coalesce((${current}), 0) + 1` }
  const condition = all(mayAct(dialect, caller), isExpected(dialect, caller, ifRevision))
  const ending = dialect.orUpdate(
    [settings.userId],
    [settings.settingsData, settings.updatedAt, settings.revision, settings.lastOp],
  )
  return buildStatement(insertWhere(dialect, settings, row, sql`${condition} ${ending}`))
}

/** Of a row that is there. */
function isOfRevision({ tables: { settings } }: Dialect, ifRevision: RevisionCondition): SQL | undefined {
  return ifRevision === 'any' ? undefined : inArray(settings.revision, [...ifRevision])
}

/** Settings that were never written have revision 0. */
function isExpected(dialect: Dialect, caller: UserCaller, ifRevision: RevisionCondition): SQL | undefined {
  if (ifRevision === 'any') return undefined
  return any(
    exists(settingsWhere(dialect, caller, isOfRevision(dialect, ifRevision))),
    ...(ifRevision.includes(0) ? [not(exists(settingsWhere(dialect, caller)))] : []),
  )
}

function settingsWhere({ builder, tables: { settings } }: Dialect, { userId }: UserCaller, condition?: SQL) {
  return builder
    .select({ one: sql`1` })
    .from(settings)
    .where(and(eq(settings.userId, userId), condition))
}

/**
 * Writes what `change` makes of the caller's settings, or refuses as it does. The write is bound to what was read, and
 * begins anew when another came between: `change` may be called several times.
 */
export async function changeSettings<Reason extends string>(
  store: Store,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  change: (before: StoredSettings) => Promise<Outcome<SettingsWrite, Reason>>,
): Promise<Outcome<StoredSettings, Reason | Refusal>> {
  return untilSettled(() => changeOnce(store, caller, ifRevision, change), 'the settings', rowOf(caller))
}

async function changeOnce<Reason extends string>(
  store: Store,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  change: (before: StoredSettings) => Promise<Outcome<SettingsWrite, Reason>>,
): Promise<Outcome<StoredSettings, Reason | Refusal> | Raced> {
  const before = await readSettings(store, caller)
  if (!before.ok) return before
  const changed = await change(before.value)
  if (!changed.ok) return changed
  if (!matches(ifRevision, before.value.revision)) return refused('precondition_failed')
  const written = await unlessRaced(() => writeAfter(store, caller, before.value, changed.value))
  return written === 'raced' || !written.isOpen ? 'raced' : done(settingsAfter(before.value, changed.value))
}

function writeAfter(
  store: Store,
  caller: UserCaller,
  before: ReadSettings,
  write: SettingsWrite,
): Promise<Applied<never>> {
  const { dialect } = store
  return store.apply({
    locks: settingsLocks(dialect, caller),
    gate:
      before.data === undefined
        ? insertSettings(dialect, caller, write)
        : updateSettings(dialect, caller, write, isUnchanged(dialect, before)),
    effects: [
      recordEvent(dialect, changedEvent(dialect, caller, write)),
      ...refuseLargeSettings(dialect, caller.userId, write),
    ],
    proof: eventQuery(dialect, write.operation),
  })
}

function settingsAfter({ revision, createdAt }: StoredSettings, { data, at }: SettingsWrite): StoredSettings {
  return { data, revision: revision + 1, createdAt: createdAt ?? at, updatedAt: at }
}

function updateSettings(
  dialect: Dialect,
  caller: UserCaller,
  { data, operation, at }: SettingsWrite,
  condition: SQL | undefined,
): Statement {
  const { settings } = dialect.tables
  const update = dialect.builder
    .update(settings)
    .set({ settingsData: data, updatedAt: at, revision: sql`${settings.revision} + 1`, lastOp: operation })
    .where(all(eq(settings.userId, caller.userId), condition, mayAct(dialect, caller)))
  return buildStatement(update)
}

/** Where there are settings by now, it does nothing, or the key of the user ends it. */
function insertSettings(dialect: Dialect, caller: UserCaller, write: SettingsWrite): Statement {
  const isFirst = dialect.gate.locksWhatIsMissing ? undefined : not(exists(settingsWhere(dialect, caller)))
  const condition = all(mayAct(dialect, caller), isFirst)
  return buildStatement(insertWhere(dialect, dialect.tables.settings, newRow(caller, write), condition))
}

function newRow({ userId }: UserCaller, { id, data, operation, at }: SettingsWrite): SettingsRow {
  return { id, userId, settingsData: data, createdAt: at, updatedAt: at, revision: 1, lastOp: operation }
}

function changedEvent(dialect: Dialect, caller: UserCaller, { operation, at }: SettingsWrite): AuditEvent {
  const { userId } = caller
  const revision = dialect.builder
    .select({ revision: dialect.tables.settings.revision })
    .from(dialect.tables.settings)
    .where(eq(dialect.tables.settings.userId, userId))
  return callerEvent(dialect, caller, {
    id: operation,
    at,
    type: 'settings.changed',
    subject: { type: 'settings', id: userId },
    ownerId: userId,
    data: { revision: sql`(${revision})` },
  })
}

/** By `last_op` too: resealing its secrets leaves a row's revision as it is. */
export function isUnchanged(
  { tables: { settings } }: Dialect,
  { revision, lastOp }: Pick<SettingsRow, 'revision' | 'lastOp'>,
) {
  return all(eq(settings.revision, revision), lastOp === null ? isNull(settings.lastOp) : eq(settings.lastOp, lastOp))
}

/** Of two first writes at once one meets the other's row; of a user that goes, one finds it gone. */
async function unlessRaced<Value>(write: () => Promise<Value>): Promise<Value | 'raced'> {
  try {
    return await write()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    const isRace = thrown.fault === 'unique_violation' || thrown.fault === 'foreign_key_violation'
    if (!isRace) throw thrown
    return 'raced'
  }
}
