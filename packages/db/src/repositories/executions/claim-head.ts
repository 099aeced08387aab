import { eq, sql, type SQL } from 'drizzle-orm'
import { all, isCaller } from '../../access/access.ts'
import { defineShapedQuery } from '../../sql/building.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { takenSelect } from './claim-answer.ts'
import { mayClaim } from './claim-candidates.ts'
import { claimed, isClaimed, takenEntry, type Chosen } from './claim-change.ts'
import { workflowPlace, type Claim, type ClaimBind, type ClaimShape, type ClaimValues } from './claim-shape.ts'
import { dueKinds } from './due.ts'

/*
 * A claim of one execution of one workflow, where nothing else of it is due but executions that have waited since their
 * creation. These stand in the order of claims in one index, so it takes the first: a third of the plan that looks for
 * everything. Where anything else is due, or the first one is used up, it takes nothing, and the other statement decides.
 */

/** The one workflow of a claim that may be given by its head; undefined of any other claim. */
export function onlyWorkflowOf(
  { workflowIds = [], isAnotherTry = false }: Claim,
  shape: ClaimShape,
): string | undefined {
  const [workflowId, ...others] = workflowIds
  const isOfOne = shape.limit === 1 && !shape.isShared && !shape.isKeyed && !isAnotherTry
  return isOfOne && others.length === 0 ? workflowId : undefined
}

export const headQuery = defineShapedQuery<ClaimShape, ClaimValues>()((dialect, bind, shape) => {
  const { change } = dialect.claim
  if (change.kind !== 'whole') throw new TypeError('this dialect claims by a batch')
  const { executions } = dialect.tables
  const answer = takenSelect(dialect)
  const whole = change.composeHead({
    head: headOf(dialect, bind, shape),
    set: claimed(dialect, bind, shape, plain),
    executions,
    effects: [takenEntry(dialect, bind)],
    answer: answer.getSQL(),
  })
  return { toSQL: () => dialect.toSQL(whole), _: answer._ }
})

/** The planner reckons with these, so that nothing is asked of the row. */
const plain: Chosen = { place: sql`1`, wasRunning: sql`0`, isExhausted: sql`0` }

function headOf(dialect: Dialect, bind: ClaimBind, shape: ClaimShape): SQL {
  const { executions } = dialect.tables
  const { id, attempts, maxAttempts, dueAt, workflowId, leaseUntil } = executions
  const isOfWorkflow = eq(workflowId, bind(workflowPlace(0), workflowId))
  const [waiting, ...others] = dueKinds(dialect, bind('at', dueAt))
  // Everyone's leases: no index has a workflow's own by them.
  const alsoDue = others.map(({ status, condition, order }) =>
    status === 'running'
      ? { where: condition, order: sql`${leaseUntil}` }
      : { where: all(isOfWorkflow, condition), order },
  )
  // In an index's order, though one is as good as any: in no order, planners find the first soon in whatever they read.
  const isNone = ({ where, order }: { readonly where: SQL; readonly order: SQL }) =>
    sql`(select ${id} from ${executions} where ${where} order by ${order} limit 1) is null`
  const where = all(
    isOfWorkflow,
    waiting.condition,
    ownsIt(dialect, bind, shape),
    ...alsoDue.map(isNone),
    isNone({ where: isClaimed(dialect, bind), order: sql`${leaseUntil}` }),
  )
  return sql`select ${id} as head_id, case when ${attempts} >= ${maxAttempts} then 1 else 0 end as is_exhausted from ${executions} where ${where} order by ${waiting.order} limit 1`
}

function ownsIt(dialect: Dialect, bind: ClaimBind, { credential }: ClaimShape): SQL {
  const { users, workflows } = dialect.tables
  const owns = all(
    mayClaim(dialect, bind, isCaller(dialect, bind, credential)),
    eq(workflows.ownerId, users.id),
    eq(workflows.id, bind(workflowPlace(0), workflows.id)),
  )
  return sql`exists (select 1 from ${users} cross join ${workflows} where ${owns})`
}
