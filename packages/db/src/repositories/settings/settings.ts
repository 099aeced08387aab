import { and, eq, exists, inArray, isNull, ne, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  callerInput,
  done,
  isAnchor,
  isCaller,
  mayAct,
  refused,
  standingFields,
  standingOf,
  type CallerInput,
  type Outcome,
  type Refusal,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { DatabaseError, databaseError } from '../../sql/errors.ts'
import type { SettingsRow } from '../../schema/rows.ts'
import { buildStatement, defineQuery, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { matches, type RevisionCondition } from '../workflows/revisions.ts'

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
  /** Names this write, in `last_op`. */
  readonly operation: string
  readonly at: Date
}

/** Each lost race is another write that came through; so many in a row are more than chance. */
const mostAttempts = 20

interface ReadSettings extends StoredSettings {
  readonly lastOp: string | null
}

const settingsQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, settings } = tables
  return builder
    .select({
      ...standingFields(dialect),
      data: settings.settingsData,
      revision: settings.revision,
      createdAt: settings.createdAt,
      updatedAt: settings.updatedAt,
      lastOp: settings.lastOp,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(settings, eq(settings.userId, users.id))
    .where(isAnchor(dialect))
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

/** Gives a row when the last write to the user's settings was that operation. */
export const appliedQuery = defineQuery<{ userId: string; operation: string }>()(
  ({ builder, tables: { settings } }, bind) =>
    builder
      .select({ id: settings.id })
      .from(settings)
      .where(
        and(
          eq(settings.userId, bind('userId', settings.userId)),
          eq(settings.lastOp, bind('operation', settings.lastOp)),
        ),
      ),
)

/** Replaces the caller's settings, whatever they were, where they have one of the revisions. */
export async function putSettings(
  store: Store,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  write: SettingsWrite,
): Promise<Outcome<StoredSettings>> {
  // Elsewhere reading first costs fewer round trips: the write is then one statement, and its answer is known.
  if (!store.dialect.readsWithWrites) {
    return changeSettings(store, caller, ifRevision, () => Promise.resolve(done(write)))
  }
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const row = await unlessRaced(() => replaceSettings(store, caller, ifRevision, write))
    if (row === 'raced') continue
    const found = settingsOf(caller, row)
    if (!found.ok || found.value.lastOp === write.operation) return found
    if (!matches(ifRevision, found.value.revision)) return refused('precondition_failed')
  }
  throw tooManyRaces()
}

async function replaceSettings(
  store: Store,
  caller: UserCaller,
  ifRevision: RevisionCondition,
  write: SettingsWrite,
): Promise<SettingsReadRow | undefined> {
  const { dialect } = store
  const { settings } = dialect.tables
  const isExpected = ifRevision === 'any' ? undefined : inArray(settings.revision, [...ifRevision])
  const { rows } = await store.write({
    writes: [
      updateSettings(dialect, caller, write, isExpected),
      ...(matches(ifRevision, 0) ? [insertSettings(dialect, caller, write)] : []),
    ],
    answer: settingsQuery(dialect, callerInput(caller)),
    applied: appliedQuery(dialect, { userId: caller.userId, operation: write.operation }),
  })
  return rows[0]
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
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const before = await readSettings(store, caller)
    if (!before.ok) return before
    const changed = await change(before.value)
    if (!changed.ok) return changed
    if (!matches(ifRevision, before.value.revision)) return refused('precondition_failed')
    const affected = await unlessRaced(() => writeAfter(store, caller, before.value, changed.value))
    if (affected === 1) return done(settingsAfter(before.value, changed.value))
  }
  throw tooManyRaces()
}

async function writeAfter(
  store: Store,
  caller: UserCaller,
  before: ReadSettings,
  write: SettingsWrite,
): Promise<number> {
  const { dialect } = store
  const { affected } = await store.write({
    writes: [
      before.data === undefined
        ? insertSettings(dialect, caller, write)
        : updateSettings(dialect, caller, write, isUnchanged(dialect, before)),
    ],
    applied: appliedQuery(dialect, { userId: caller.userId, operation: write.operation }),
  })
  return affected[0] ?? 0
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
    .where(
      all(
        eq(settings.userId, caller.userId),
        condition,
        // A batch whose answer was lost may be sent twice.
        or(isNull(settings.lastOp), ne(settings.lastOp, operation)),
        mayAct(dialect, caller),
      ),
    )
  return buildStatement(update)
}

function insertSettings(dialect: Dialect, caller: UserCaller, write: SettingsWrite): Statement {
  const { builder, tables } = dialect
  const { settings } = tables
  const present = builder
    .select({ one: sql`1` })
    .from(settings)
    .where(eq(settings.userId, caller.userId))
  const row = {
    id: write.id,
    userId: caller.userId,
    settingsData: write.data,
    createdAt: write.at,
    updatedAt: write.at,
    revision: 1,
    lastOp: write.operation,
  }
  return buildStatement(insertWhere(dialect, settings, row, all(mayAct(dialect, caller), not(exists(present)))))
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

function tooManyRaces(): DatabaseError {
  return databaseError('database_busy', 'the settings changed at each attempt to write them', { isNotApplied: true })
}
