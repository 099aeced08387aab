import { and, count, eq, exists, gt, min, not, sql, type SQL } from 'drizzle-orm'
import { all, isAnchor } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement, defineQuery, defineStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'

/** What is limited by count and time. */
export type AttemptKind = 'login' | 'register' | 'share'

/** One thing done that counts against a limit. */
export interface Attempt {
  readonly id: string
  readonly kind: AttemptKind
  /** Whom it concerns: a user's id, or a digest of a name that nobody has; empty where only the network counts. */
  readonly nameKey: string
  /** IPv4 address or IPv6 /64; empty where only the name counts. */
  readonly network: string
  readonly at: Date
}

/** At most so many attempts of the kind within that time, by those of its keys that it counts by. */
export interface Limit {
  readonly most: number
  readonly withinMilliseconds: number
  readonly by: readonly ('nameKey' | 'network')[]
}

const loginWindowMilliseconds = 15 * 60 * 1000
const hourMilliseconds = 60 * 60 * 1000

export const limits: Readonly<Record<AttemptKind, readonly [Limit, ...Limit[]]>> = {
  login: [
    { most: 5, withinMilliseconds: loginWindowMilliseconds, by: ['nameKey', 'network'] },
    { most: 50, withinMilliseconds: loginWindowMilliseconds, by: ['nameKey'] },
    { most: 100, withinMilliseconds: loginWindowMilliseconds, by: ['network'] },
  ],
  register: [{ most: 20, withinMilliseconds: hourMilliseconds, by: ['network'] }],
  share: [{ most: 100, withinMilliseconds: hourMilliseconds, by: ['nameKey'] }],
}

export interface RateLimited {
  readonly ok: false
  readonly refusal: 'rate_limited'
  readonly retryAfterSeconds: number
}

/** Whose attempts are counted; expressions where the statement itself finds the key. */
export interface CountedKeys {
  readonly kind: AttemptKind
  readonly nameKey: SQL | string
  readonly network: string
}

/**
 * The statement that records an attempt, first in its batch. It also takes hold of rows that stand for its keys until
 * the transaction ends, so that those counted by the same key go one after the other: the statements after it see every
 * attempt before this one. Rows held are shared by keys of the same stripe, so that they stay few.
 * @param isCounted Where it does not hold, nothing is recorded: a row to be held stands in the attempt's place.
 */
export function recordAttempt(dialect: Dialect, attempt: Attempt, isCounted?: SQL): Statement {
  const { loginAttempts } = dialect.tables
  const { id, kind, nameKey, network, at } = attempt
  const held = [
    ...(nameKey === '' ? [] : [`lock-name-${stripeOf(nameKey)}`]),
    ...(network === '' ? [] : [`lock-network-${stripeOf(network)}`]),
  ]
  const lock = sql.raw(`'lock'`)
  const counted = sql.raw(`'${kind}'`)
  const locks = held.map((name) => rowOf(sql`${name}`, lock, '', ''))
  const unless = `lock-none-${stripeOf(nameKey)}`
  const recorded =
    isCounted === undefined
      ? rowOf(sql`${id}`, counted, nameKey, network)
      : rowOf(
          sql`case when ${isCounted} then ${sql.param(id, loginAttempts.id)} else ${sql.param(unless, loginAttempts.id)} end`,
          sql`case when ${isCounted} then ${counted} else ${lock} end`,
          nameKey,
          network,
        )
  const ending = dialect.orUpdate([loginAttempts.id], [loginAttempts.id])
  return buildStatement(
    dialect.builder.insert(loginAttempts).select(sql`values ${sql.join([...locks, recorded], sql`, `)} ${ending}`),
  )

  function rowOf(rowId: SQL, rowKind: SQL, rowNameKey: string, rowNetwork: string): SQL {
    const attemptedAt = sql.param(at, loginAttempts.attemptedAt)
    return sql`(${rowId}, ${rowKind}, ${rowNameKey}, ${rowNetwork}, ${attemptedAt})`
  }
}

const stripes = 256

function stripeOf(key: string): number {
  let hash = 0
  for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 2_147_483_647
  return hash % stripes
}

/** The condition that no limit is reached yet, or, where the attempt itself is recorded already, passed. */
export function isWithinLimits(
  dialect: Dialect,
  keys: CountedKeys,
  at: Date,
  { isRecorded }: { readonly isRecorded: boolean },
): SQL {
  const conditions = limits[keys.kind].map((limit) => {
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

/** Columns that tell of each limit of the kind how far it is used up. */
export function countFields(dialect: Dialect, keys: CountedKeys, at: Date) {
  const { builder, tables } = dialect
  const { loginAttempts } = tables
  const counted = limits[keys.kind].map((limit) => countedBy(dialect, keys, limit, at))
  const none = sql`1 = 0`
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
  kind: AttemptKind,
  row: CountRow,
  at: Date,
  { isRecorded }: { readonly isRecorded: boolean },
): RateLimited | undefined {
  const counts = [
    [row.count1, row.oldest1],
    [row.count2, row.oldest2],
    [row.count3, row.oldest3],
  ] as const
  const waits = limits[kind].flatMap(({ most, withinMilliseconds }, position) => {
    const [attempts, oldest] = counts[position] ?? [0, null]
    const isReached = (attempts ?? 0) >= (isRecorded ? most + 1 : most)
    return isReached ? [(oldest ?? at).getTime() + withinMilliseconds - at.getTime()] : []
  })
  if (waits.length === 0) return undefined
  return { ok: false, refusal: 'rate_limited', retryAfterSeconds: Math.max(1, Math.ceil(Math.max(...waits) / 1000)) }
}

const recordedQuery = defineQuery<{ id: string }>()(({ builder, tables: { loginAttempts } }, bind) =>
  builder
    .select({ id: loginAttempts.id })
    .from(loginAttempts)
    .where(eq(loginAttempts.id, bind('id', loginAttempts.id))),
)

/** Gives a row when the attempt is not there. */
const withdrawnQuery = defineQuery<{ id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, loginAttempts } = tables
  const attempt = builder
    .select({ one: sql`1` })
    .from(loginAttempts)
    .where(eq(loginAttempts.id, bind('id', loginAttempts.id)))
  return builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(attempt))))
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
 * Counts a failure: of many at once, each is counted before the next, and one beyond a limit is refused and leaves no
 * trace, so that being refused does not prolong the refusal.
 */
export async function countAttempt(store: Store, attempt: Attempt): Promise<RateLimited | undefined> {
  const { rows } = await store.write({
    writes: [recordAttempt(store.dialect, attempt)],
    answer: countQuery(store.dialect, attempt),
    applied: recordedQuery(store.dialect, { id: attempt.id }),
  })
  const [row] = rows
  const limited = row === undefined ? undefined : rateLimitOf(attempt.kind, row, attempt.at, { isRecorded: true })
  if (limited === undefined) return undefined
  await store.write({
    writes: [withdrawStatement(store.dialect, { id: attempt.id })],
    applied: withdrawnQuery(store.dialect, { id: attempt.id }),
  })
  return limited
}

/** Takes back an attempt whose batch did nothing else; tells whether that was for a limit. */
export async function withdrawAttempt(store: Store, attempt: Attempt): Promise<RateLimited | undefined> {
  const { rows } = await store.write({
    writes: [withdrawStatement(store.dialect, { id: attempt.id })],
    answer: countQuery(store.dialect, attempt),
    applied: withdrawnQuery(store.dialect, { id: attempt.id }),
  })
  const [row] = rows
  return row === undefined ? undefined : rateLimitOf(attempt.kind, row, attempt.at, { isRecorded: false })
}

/** Forgets the failures of a name from a network, under a condition. */
export function clearAttempts(
  { builder, tables: { loginAttempts } }: Dialect,
  { kind, nameKey, network }: Pick<Attempt, 'kind' | 'nameKey' | 'network'>,
  condition: SQL,
): Statement {
  return buildStatement(
    builder
      .delete(loginAttempts)
      .where(
        and(
          eq(loginAttempts.kind, kind),
          eq(loginAttempts.nameKey, nameKey),
          eq(loginAttempts.network, network),
          condition,
        ),
      ),
  )
}
