import { sql } from 'drizzle-orm'
import { asProven, type UserCaller } from '../../access/access.ts'
import { callerShape, type CallerShape } from '../../access/conditions.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineQuery, defineShapedQuery, defineShapedStatement, defineStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { asGiven, claimedSelect, type ClaimedRow } from './claim-answer.ts'
import { backlogsOf, noteBacklogs, noteFailedClaim, toldBacklogs } from './claim-backlogs.ts'
import { areCallers, callerRows, candidates } from './claim-candidates.ts'
import {
  changedEntries,
  chosen,
  claimed,
  claimEntries,
  isClaimed,
  isStillClaimed,
  storeLeases,
} from './claim-change.ts'
import { headQuery, onlyWorkflowOf } from './claim-head.ts'
import { isPlain, notePlain } from './claim-plain.ts'
import {
  claimShape,
  claimValues,
  type Claim,
  type ClaimBind,
  type ClaimKey,
  type ClaimShape,
  type ClaimValues,
} from './claim-shape.ts'

export interface Tried {
  readonly rows: readonly ClaimedRow[]
  /** More than 0 where it met any, what it could not have among them. */
  readonly seen: number
}

/** Tries once, in one transaction, to take what is due. */
export async function claimOnce(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  key: ClaimKey | undefined,
): Promise<Tried> {
  const { dialect } = store
  const backlogs = await backlogsOf(store, caller, claim)
  const shape = claimShape(caller, claim, key, backlogs.workflowIds)
  const values = claimValues(caller, claim, key, backlogs.workflowIds, shape)
  const lookup = () => lookupQuery(dialect, values)
  if (dialect.claim.change.kind === 'whole') {
    const { rows, seen } = await claimWhole(store, claim, { shape, values, lookup })
    return { rows: asGiven(rows, claim), seen }
  }
  const { areAskedFor } = backlogs
  const { hasCredentials, limit } = shape
  const asked: Asked = { ...callerShape(caller), hasCredentials, limit: hasCredentials ? limit : 0, areAskedFor }
  const applied = await store
    .apply({
      locks: [],
      gate: updateStatement(dialect, shape, values),
      effects: [entriesStatement(dialect, values), ...(key ? [leasesStatement(dialect, values)] : [])],
      answer: (readAs) => (readAs === asProven ? lookup() : answerQuery(dialect, asked, values)),
      answersWhenClosed: true,
      proof: lookup(),
    })
    .catch((thrown: unknown) => {
      if (areAskedFor) noteFailedClaim(store, caller)
      throw thrown
    })
  if (areAskedFor) noteBacklogs(store, caller, applied.rows[0]?.backlogs)
  return { rows: asGiven(applied.rows, claim), seen: applied.isOpen ? applied.affected : 0 }
}

interface Built {
  readonly shape: ClaimShape
  readonly values: ClaimValues
  readonly lookup: () => Query<ClaimedRow>
}

/** By one statement; by a smaller one first where that has been enough for the workflow. */
async function claimWhole(store: Store, claim: Claim, { shape, values, lookup }: Built): Promise<Tried> {
  const { dialect } = store
  const before = beforeStatements(dialect, values)
  const workflowId = onlyWorkflowOf(claim, shape)
  const isTriedPlain = workflowId !== undefined && isPlain(store, workflowId)
  if (isTriedPlain) {
    const { rows } = await store.change({ locks: [], before, statement: headQuery(dialect, shape, values), lookup })
    if (rows.length > 0) return { rows, seen: rows.length }
  }
  const { rows } = await store.change({ locks: [], before, statement: wholeQuery(dialect, shape, values), lookup })
  if (workflowId !== undefined) notePlain(store, workflowId, rows, isTriedPlain)
  const seen = rows[0]?.seen ?? 0
  // What it saw and did not get may be its own: of a claim that was sent twice the second takes nothing.
  const isEmptyHanded = seen > 0 && rows[0]?.id === null
  const own = isEmptyHanded ? await store.read(ownQuery(dialect, values)) : []
  return { rows: own.length > 0 ? own : rows, seen }
}

function beforeStatements(dialect: Dialect, values: ClaimValues): readonly Statement[] {
  return dialect.claim.before.map((_, position) => beforeStatement(dialect, position, values))
}

const beforeStatement = defineShapedStatement<number, ClaimValues>()(
  (dialect, bind, position) => dialect.claim.before[position]?.(bind('operation')) ?? sql`select 1`,
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
      caller: callerRows(dialect, bind, shape),
      candidates: candidates(dialect, bind, shape, isTheCaller),
      source: (due) => chosen(dialect, bind, shape, due),
      set: claimed(dialect, bind, shape),
      executions,
      effects: [changedEntries(dialect, bind), ...(shape.isKeyed ? [storeLeases(dialect, bind)] : [])],
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
  return change.update({ source, set: claimed(dialect, bind, shape), executions: dialect.tables.executions })
})

const entriesStatement = defineStatement<ClaimValues>()(claimEntries)

const leasesStatement = defineStatement<ClaimValues>()(storeLeases)

interface Asked extends CallerShape, Pick<ClaimShape, 'hasCredentials' | 'limit'> {
  /** Which workflows have a backlog. */
  readonly areAskedFor: boolean
}

/** What was claimed, and which workflows have a backlog where that is asked for. */
const answerQuery = defineShapedQuery<Asked, ClaimValues>()((dialect, bind, asked) =>
  answerSelect(dialect, bind, asked),
)

function answerSelect(dialect: Dialect, bind: ClaimBind, asked: Asked) {
  return claimedSelect(dialect, bind, {
    condition: isClaimed(dialect, bind),
    isTheCaller: areCallers(dialect, bind, asked),
    ...(asked.areAskedFor ? { backlogs: toldBacklogs(dialect, bind) } : {}),
  })
}

const ownQuery = defineQuery<ClaimValues>()((dialect, bind) =>
  claimedSelect(dialect, bind, { condition: isClaimed(dialect, bind), isOnlyClaimed: true }),
)

/** What is still of the claim after its answer was lost. */
const lookupQuery = defineQuery<ClaimValues>()((dialect, bind) =>
  claimedSelect(dialect, bind, { condition: isStillClaimed(dialect, bind), isOnlyClaimed: true }),
)
