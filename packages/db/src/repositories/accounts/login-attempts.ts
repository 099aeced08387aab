import { and, count, eq, gt, min, not, sql, type SQL } from 'drizzle-orm'
import { all, anchorLost, done, isAnchor, restoreError, type Outcome } from '../../access/access.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement, defineQuery, defineStatement } from '../../sql/building.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import { insertAllWhere } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { limitsOf, type AttemptKind, type Limit, type RateLimits } from './rate-limits.ts'
import { existsIn } from '../../sql/exists.ts'

/** Whose attempts count together, and how many are let through. */
export interface CountedKeys {
  readonly kind: AttemptKind
  /**
   * Whom it concerns: a user's id, or a digest of a name that nobody has; empty where only the network counts. SQL where
   * the statement itself finds it.
   */
  readonly nameKey: SQL | string
  /** IPv4 address or IPv6 /64; empty where only the name counts. */
  readonly network: string
  readonly rates: RateLimits
}

/** One thing done that counts against a limit. */
export interface Attempt extends CountedKeys {
  readonly id: string
  readonly at: Date
}

export interface RateLimited {
  readonly ok: false
  readonly refusal: 'rate_limited'
  readonly kind: AttemptKind
  /** The limit that is reached; of several the one that holds for longest. */
  readonly reached: Limit
  readonly until: Date
  readonly retryAfterSeconds: number
}

/**
 * The statement that records an attempt, first in its batch. It also takes hold of rows that stand for its keys until
 * the transaction ends, so that those counted by the same key go one after the other: the statements after it see every
 * attempt before this one. Rows held are shared by keys of the same stripe, so that they stay few.
 * @param where Where it does not hold, nothing is written.
 */
export function recordAttempt(dialect: Dialect, attempt: Attempt, where: SQL = sql`1 = 1`): Statement {
  const { loginAttempts } = dialect.tables
  const { id, kind, nameKey, network, at: attemptedAt } = attempt
  const name = typeof nameKey === 'string' ? sql`${sql.param(nameKey, loginAttempts.nameKey)}` : nameKey
  const held = (text: SQL) => ({ id: text, kind: 'lock', nameKey: '', network: '', attemptedAt })
  const striped = (which: string, key: SQL) => dialect.concat(sql.raw(`'lock-${which}-'`), dialect.stripe(key))
  const recorded = { id, kind, nameKey: name, network, attemptedAt }
  const locks = [
    ...(nameKey === '' ? [] : [held(striped('name', name))]),
    ...(network === '' ? [] : [held(striped('network', sql`${sql.param(network, loginAttempts.network)}`))]),
  ]
  const [first, ...others] = [...locks, recorded] as const
  const ending = dialect.orUpdate([loginAttempts.id], [loginAttempts.id])
  const condition = sql`${where} ${ending}`
  return buildStatement(insertAllWhere(dialect, loginAttempts, [first, ...others], condition))
}

/** The condition that no limit is reached yet, or, where the attempt itself is recorded already, passed. */
export function isWithinLimits(
  dialect: Dialect,
  keys: CountedKeys,
  at: Date,
  { isRecorded }: { readonly isRecorded: boolean },
): SQL {
  const conditions = limitsOf(keys.kind, keys.rates).map((limit) => {
    const counted = countedBy(dialect, keys, limit, at)
    const attempts = sql`(${dialect.builder.select({ attempts: count() }).from(dialect.tables.loginAttempts).where(counted)})`
    return isRecorded
      ? sql`${attempts} <= ${sql.raw(String(limit.most))}`
      : sql`${attempts} < ${sql.raw(String(limit.most))}`
  })
  return sql`(${sql.join(conditions, sql` and `)})`
}

function countedBy(
  { tables: { loginAttempts } }: Dialect,
  { kind, nameKey, network }: CountedKeys,
  { by, withinMilliseconds }: Limit,
  at: Date,
): SQL | undefined {
  const since = new Date(at.getTime() - withinMilliseconds)
  return and(
    eq(loginAttempts.kind, kind),
    by.includes('nameKey') ? eq(loginAttempts.nameKey, nameKey) : undefined,
    by.includes('network') ? eq(loginAttempts.network, network) : undefined,
    gt(loginAttempts.attemptedAt, since),
  )
}

/** What {@link countFields} selects: for each limit, in order, how many there are and how old the oldest is. */
export interface CountRow {
  readonly count1: number | null
  readonly oldest1: Date | null
  readonly count2: number | null
  readonly oldest2: Date | null
  readonly count3: number | null
  readonly oldest3: Date | null
}

/** Columns that a read selects to know how far the limits are used up. */
export function countFields(dialect: Dialect, keys: CountedKeys, at: Date) {
  const { builder, tables } = dialect
  const { loginAttempts } = tables
  const none = sql`1 = 0`
  const counted = limitsOf(keys.kind, keys.rates).map((limit) => countedBy(dialect, keys, limit, at))
  const attempts = (position: number) =>
    sql`(${builder
      .select({ attempts: count() })
      .from(loginAttempts)
      .where(counted[position] ?? none)})`.mapWith(Number)
  const oldest = (position: number) =>
    sql`(${builder
      .select({ oldest: min(loginAttempts.attemptedAt) })
      .from(loginAttempts)
      .where(counted[position] ?? none)})`.mapWith(loginAttempts.attemptedAt)
  return {
    count1: attempts(0),
    oldest1: oldest(0),
    count2: attempts(1),
    oldest2: oldest(1),
    count3: attempts(2),
    oldest3: oldest(2),
  }
}

/** Undefined while the limits let another attempt through, or let the recorded one through. */
export function rateLimitOf(
  { kind, rates }: Pick<CountedKeys, 'kind' | 'rates'>,
  row: CountRow,
  at: Date,
  { isRecorded }: { readonly isRecorded: boolean },
): RateLimited | undefined {
  const counts = [
    [row.count1, row.oldest1],
    [row.count2, row.oldest2],
    [row.count3, row.oldest3],
  ] as const
  const [longest] = limitsOf(kind, rates)
    .flatMap((reached, position) => {
      const [attempts, oldest] = counts[position] ?? [0, null]
      const isReached = (attempts ?? 0) >= (isRecorded ? reached.most + 1 : reached.most)
      const until = new Date((oldest ?? at).getTime() + reached.withinMilliseconds)
      return isReached ? [{ reached, until }] : []
    })
    .toSorted((one, other) => other.until.getTime() - one.until.getTime())
  if (longest === undefined) return undefined
  const retryAfterSeconds = Math.max(1, Math.ceil((longest.until.getTime() - at.getTime()) / 1000))
  return { ok: false, refusal: 'rate_limited', kind, ...longest, retryAfterSeconds }
}

/** Gives a row when the attempt is there. */
export const attemptQuery = defineQuery<{ id: string }>()(({ builder, tables: { loginAttempts } }, bind) =>
  builder
    .select({ id: loginAttempts.id })
    .from(loginAttempts)
    .where(eq(loginAttempts.id, bind('id', loginAttempts.id))),
)

/** Gives a row when the attempt is not there. */
const withdrawnQuery = defineQuery<{ id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, loginAttempts } = tables
  const attempt = existsIn(dialect, loginAttempts, eq(loginAttempts.id, bind('id', loginAttempts.id)))
  return builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(attempt)))
})

const withdrawStatement = defineStatement<{ id: string }>()(({ builder, tables: { loginAttempts } }, bind) =>
  builder.delete(loginAttempts).where(eq(loginAttempts.id, bind('id', loginAttempts.id))),
)

function countQuery(dialect: Dialect, attempt: Attempt) {
  const { marks } = dialect.tables
  return buildQuery(
    dialect.builder
      .select(countFields(dialect, attempt, attempt.at))
      .from(marks)
      .where(isAnchor(dialect)),
  )
}

/**
 * Counts an attempt: of many at once, each is counted before the next, and one beyond a limit is refused and leaves no
 * trace, so that being refused does not prolong the refusal.
 */
export async function countAttempt(store: Store, attempt: Attempt): Promise<RateLimited | undefined> {
  const { dialect } = store
  const { rows } = await store.apply({
    locks: [],
    gate: recordAttempt(dialect, attempt),
    answer: countQuery(dialect, attempt),
    proof: attemptQuery(dialect, { id: attempt.id }),
  })
  const [row] = rows
  const limited = row === undefined ? undefined : rateLimitOf(attempt, row, attempt.at, { isRecorded: true })
  if (limited !== undefined) await takeBack(store, attempt)
  return limited
}

/**
 * Counts an attempt with what is done beside it, as {@link countAttempt} does, and reads what decides about it.
 * @param answer reads the counts too: {@link countFields}
 */
export async function attempted<Row extends CountRow>(
  store: Store,
  attempt: Attempt,
  answer: Query<Row>,
  { locks = [], effects = [] }: { readonly locks?: readonly RowLock[]; readonly effects?: readonly Statement[] } = {},
): Promise<Outcome<Row, never> | RateLimited> {
  const { dialect } = store
  const gate = recordAttempt(dialect, attempt, isNotRestoring(dialect))
  const proof = attemptQuery(dialect, { id: attempt.id })
  const { isOpen, rows } = await store.apply({ locks, gate, effects, answer, proof })
  if (!isOpen) throw restoreError()
  const [row] = rows
  if (row === undefined) throw anchorLost()
  const limited = rateLimitOf(attempt, row, attempt.at, { isRecorded: true })
  if (limited === undefined) return done(row)
  await takeBack(store, attempt)
  return limited
}

/** Takes an attempt back, as if it had not been made; with it goes what tells of that. */
export async function takeBack(
  store: Store,
  { id }: Pick<Attempt, 'id'>,
  effects: readonly Statement[] = [],
): Promise<void> {
  const { dialect } = store
  const gate = withdrawStatement(dialect, { id })
  await store.apply({ locks: [], gate, effects, proof: withdrawnQuery(dialect, { id }) })
}

/** Forgets the attempts of a name from a network. */
export function clearAttempts(
  { builder, tables: { loginAttempts } }: Dialect,
  { kind, nameKey, network }: Pick<Attempt, 'kind' | 'nameKey' | 'network'>,
): Statement {
  return buildStatement(
    builder
      .delete(loginAttempts)
      .where(and(eq(loginAttempts.kind, kind), eq(loginAttempts.nameKey, nameKey), eq(loginAttempts.network, network))),
  )
}
