import { sql } from 'drizzle-orm'
import { done, standingOf, type Outcome, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineShapedQuery, defineShapedStatement, defineStatement, defineQuery } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { type Kept, underKey } from '../../store/idempotency.ts'
import type { Store } from '../../store/store.ts'
import { claimedOf, claimedSelect, placeIn, type ClaimedExecution, type ClaimedRow } from './claim-answer.ts'
import { callerRows, candidates } from './claim-candidates.ts'
import { changedEntries, chosen, claimed, claimEntries, isClaimed, keepLeases } from './claim-change.ts'
import { replayLeases } from './claim-replay.ts'
import { claimShape, claimValues, type Claim, type ClaimKey, type ClaimShape, type ClaimValues } from './claim-shape.ts'
import { keepRefusal } from '../../store/kept-refusals.ts'

export type { ClaimedExecution } from './claim-answer.ts'
export type { Claim } from './claim-shape.ts'

interface Leases {
  readonly items: readonly ClaimedExecution[]
  readonly isReplayed: boolean
}

/**
 * Claims due executions of the caller's own workflows, of everyone's with the admin role, oldest first. Those that it
 * meets with their attempts used up become failed and don't count. Under a key one that was given nothing is answered so
 * again.
 */
export async function claimExecutions(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  key?: ClaimKey,
): Promise<Outcome<Leases> | Kept> {
  const written = await underKey(store, caller, key, () => claimUntilSettled(store, caller, claim, key))
  if (written.ok || written.refusal !== 'replay') return written
  return replayLeases(store, caller, claim.at, written.answer.body)
}

/** How long a claim looks past rows that others hold at the moment. */
const patienceMilliseconds = 5000

/**
 * A claim that got nothing, though there was something, met used up ones, which are out of the way now, or such as
 * other claims were taking: it looks again.
 */
async function claimUntilSettled(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  key: ClaimKey | undefined,
): Promise<Outcome<Leases> | Kept> {
  const startedAt = Date.now()
  for (let tried = 0; ; tried += 1) {
    // A name of its own for each try: what it changed tells what the try did.
    const operation = tried === 0 ? claim.operation : `${claim.operation}.${tried}`
    const { rows, seen } = await claimOnce(store, caller, { ...claim, operation, isAnotherTry: tried > 0 }, key)
    const items = claimedOf(rows, ({ lastOp }) => placeIn(lastOp))
    // What has been given is given, whatever has become of the caller since.
    if (items.length > 0) return done({ items, isReplayed: false })
    const standing = standingOf(caller, rows[0])
    if (!standing.ok) return tried === 0 ? standing : done({ items: [], isReplayed: false })
    if (seen === 0 || Date.now() - startedAt > patienceMilliseconds) break
    if (tried > 0) await pause(Math.min(20, 2 ** tried))
  }
  const nothing = done({ items: [], isReplayed: false })
  if (key === undefined) return nothing
  return (await keepRefusal(store, caller, { ...key, answer: { status: 200, headers: {}, body: '[]' } })) ?? nothing
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds * (0.5 + Math.random() / 2))
  })
}

interface Tried {
  readonly rows: readonly ClaimedRow[]
  /** How many it met, what it could not have among them. */
  readonly seen: number
}

async function claimOnce(store: Store, caller: UserCaller, claim: Claim, key: ClaimKey | undefined): Promise<Tried> {
  const { dialect } = store
  const shape = claimShape(caller, claim, key)
  const values = claimValues(caller, claim, key)
  const lookup = () => lookupQuery(dialect, values)
  if (dialect.claim.change.kind === 'whole') {
    const statement = wholeQuery(dialect, shape, values)
    const { rows } = await store.change({ before: beforeStatements(dialect, values), statement, lookup })
    const seen = rows[0]?.seen ?? 0
    // What it saw and did not get may be its own: of a claim that was sent twice the second takes nothing.
    const isEmptyHanded = seen > 0 && rows[0]?.id === null
    const own = isEmptyHanded ? await store.read(lookup()) : []
    return { rows: own.length > 0 ? own : rows, seen }
  }
  const applied = await store.apply({
    locks: [],
    gate: updateStatement(dialect, shape, values),
    effects: [entriesStatement(dialect, values), ...(key ? [leasesStatement(dialect, shape, values)] : [])],
    answer: answerQuery(dialect, values),
    answersWhenClosed: true,
    proof: lookup(),
  })
  return { rows: applied.rows, seen: applied.isOpen ? applied.affected : 0 }
}

function beforeStatements(dialect: Dialect, values: ClaimValues): readonly Statement[] {
  return dialect.claim.before(sql`''`).map((_, position) => beforeStatement(dialect, position, values))
}

const beforeStatement = defineShapedStatement<number, ClaimValues>()(
  (dialect, bind, position) => dialect.claim.before(bind('operation'))[position] ?? sql`select 1`,
)

const wholeQuery = defineShapedQuery<ClaimShape, ClaimValues>()((dialect, bind, shape) => {
  const { executions } = dialect.tables
  const { change } = dialect.claim
  const condition = sql`${executions.status} = 'running'`
  const isTheCaller = sql`1 = 1`
  const answer = claimedSelect(dialect, bind, { condition })
  const toSQL = () => {
    if (change.kind === 'batch') return answer.toSQL()
    const whole = change.compose({
      caller: callerRows(dialect, bind),
      candidates: candidates(dialect, bind, shape, isTheCaller),
      source: (due) => chosen(dialect, bind, shape, due),
      set: claimed(dialect, bind),
      executions,
      effects: [changedEntries(dialect, bind), ...(shape.isKeyed ? [keepLeases(dialect, bind, shape)] : [])],
      answer: (seen) => claimedSelect(dialect, bind, { condition, seen, isTheCaller }).getSQL(),
    })
    return dialect.toSQL(whole)
  }
  return { toSQL, _: answer._ }
})

const updateStatement = defineShapedStatement<ClaimShape, ClaimValues>()((dialect, bind, shape) => {
  const { change } = dialect.claim
  if (change.kind === 'whole') throw new TypeError('this dialect claims by one statement')
  const source = chosen(dialect, bind, shape, sql`(${candidates(dialect, bind, shape)})`)
  return change.update({ source, set: claimed(dialect, bind), executions: dialect.tables.executions })
})

const entriesStatement = defineStatement<ClaimValues>()(claimEntries)

const leasesStatement = defineShapedStatement<ClaimShape, ClaimValues>()(keepLeases)

const answerQuery = defineQuery<ClaimValues>()((dialect, bind) =>
  claimedSelect(dialect, bind, { condition: isClaimed(dialect, bind) }),
)

const lookupQuery = defineQuery<ClaimValues>()((dialect, bind) =>
  claimedSelect(dialect, bind, { condition: isClaimed(dialect, bind), isOnlyClaimed: true }),
)
