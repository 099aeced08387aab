import { and, eq, isNull, lte, sql, type Column, type SQL } from 'drizzle-orm'
import { all, isAnchor, isCaller } from '../../access/access.ts'
import { restoreMark } from '../../schema/schema.ts'
import type { WholeClaim } from '../../sql/claiming.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import { backlogPlace, credentialPlace, workflowPlace, type ClaimBind, type ClaimShape } from './claim-shape.ts'
import { lostLeases, type LostLeases } from './claim-lost.ts'
import { anyPendingKind, dueKinds, ownLostKind, type DueKind } from './due.ts'

/** A workflow's own; by their leases only where reading locks, as the others look among everyone's. */
const byDue = 'executions_workflow_id_status_due_at_created_at_id_index'
const byLease = 'executions_workflow_id_status_lease_until_id_index'

/** Everyone's. */
const byEveryonesDue = 'executions_status_due_at_created_at_id_index'
const byEveryonesLease = 'executions_status_lease_until_id_index'

/** The user of the claim, or of all that go together: none where any of their API keys or sessions is gone. */
export function areCallers(
  dialect: Dialect,
  bind: ClaimBind,
  { credential, hasCredentials, limit }: Pick<ClaimShape, 'credential' | 'hasCredentials' | 'limit'>,
): SQL {
  const { users, apiKeys, sessions } = dialect.tables
  const isTheCaller = isCaller(dialect, bind, credential)
  if (!hasCredentials) return isTheCaller
  const among = (column: Column) => {
    const places = Array.from({ length: limit }, (_, place) => bind(credentialPlace(place), column))
    return sql`${column} in (${sql.join(places, sql`, `)})`
  }
  const counted =
    credential === 'key'
      ? sql`select count(*) from ${apiKeys} where ${all(eq(apiKeys.userId, users.id), among(apiKeys.keySha256))}`
      : sql`select count(distinct ${sessions.familyId}) from ${sessions} where ${all(eq(sessions.userId, users.id), isNull(sessions.replacedAt), among(sessions.familyId))}`
  return all(isTheCaller, sql`(${counted}) = ${bind('credentialCount')}`)
}

/** The rows that tell the caller's standing: of these tables a claim of one statement reads nothing else. */
export function callerRows(dialect: Dialect, bind: ClaimBind, shape: ClaimShape): WholeClaim['caller'] {
  const { users, marks } = dialect.tables
  return [
    { table: users, where: areCallers(dialect, bind, shape) },
    { table: marks, where: isAnchor(dialect) },
  ]
}

/**
 * Due executions that the caller reaches, in their order, of each kind a window: `due_id`, `due_since`, `was_running`,
 * `is_exhausted`.
 */
export function candidates(
  dialect: Dialect,
  bind: ClaimBind,
  shape: ClaimShape,
  isTheCaller = areCallers(dialect, bind, shape),
): SQL {
  const { marks, users, workflows } = dialect.tables
  const isActing = mayClaim(dialect, bind, isTheCaller)
  const at = bind('at', dialect.tables.executions.dueAt)
  const kinds = dueKinds(dialect, at)
  const lost = lostLeases(dialect, kinds, at)
  const { many } = dialect.reach
  const through = (by: ReachedBy) =>
    reachedWorkflows(dialect, bind, shape, by.mostConstant).map((reached) => {
      const own = ownKinds(dialect, { kinds, at, reached, seeksLost: lost === undefined })
      return ownParts(dialect, { isActing, kinds: own, lost, shape, reached, by })
    })
  const everyones = () =>
    shape.workflowPlaces === undefined
      ? kinds.map((kind) => everyonesPart(dialect, shape, { isActing, kind }))
      : through({ gates: [marks], isReached: isEveryones(dialect), mostConstant: many?.mostBacklogs ?? 0 })
  const parts = [
    ...(shape.mayAdminister ? everyones() : []),
    ...through({ gates: [], isReached: eq(workflows.ownerId, users.id), mostConstant: many?.mostConstant ?? 0 }),
  ]
  // `union` keeps one of what is an administrator's own, and of a workflow that is named twice.
  const reached = sql.join(
    parts.map((part, position) => sql`select * from (${part}) ${sql.raw(`part_${position}`)}`),
    sql` union `,
  )
  const limit = sql.raw(String(shape.limit + shape.spare))
  const first = lost === undefined ? sql`` : sql`with ${lost.name} as materialized (${lost.select}) `
  return sql`${first}select * from (${reached}) reached order by due_since, due_id limit ${limit}`
}

/** Workflows of a claim that are reached together. */
interface ReachedWorkflows {
  readonly isReached: SQL
  /** Of an execution. */
  readonly belongs: SQL
  /** Whether it is one, whose id is a value. */
  readonly isOne: boolean
}

/**
 * All at once, or each that is named by itself where the dialect reads less so. Of many, those with a backlog one by one
 * and all others together. Until its new owner has done something with it, nobody knows what a transferred workflow would
 * do here.
 */
function reachedWorkflows(
  dialect: Dialect,
  bind: ClaimBind,
  shape: ClaimShape,
  mostConstant: number,
): readonly ReachedWorkflows[] {
  const { executions, workflows } = dialect.tables
  const { workflowPlaces = 0, backlogPlaces } = shape
  if (workflowPlaces > 0 && workflowPlaces <= mostConstant) {
    return Array.from({ length: workflowPlaces }, (_, place) => ({
      isReached: eq(workflows.id, bind(workflowPlace(place), workflows.id)),
      belongs: eq(executions.workflowId, bind(workflowPlace(place), executions.workflowId)),
      isOne: true,
    }))
  }
  const isWanted =
    shape.workflowPlaces === undefined ? isNull(workflows.transferredAt) : isNamed(workflows.id, bind, shape)
  const ids = shape.findsFirst
    ? firstOwn(dialect, bind)
    : Array.from({ length: backlogPlaces }, (_, place) => bind(backlogPlace(place), workflows.id))
  const isOther = ids.length === 0 ? undefined : sql`${workflows.id} not in (${sql.join([...ids], sql`, `)})`
  return [
    ...ids.map((id) => ({
      isReached: all(isWanted, eq(workflows.id, id)),
      belongs: eq(executions.workflowId, id),
      isOne: true,
    })),
    { isReached: all(isWanted, isOther), belongs: eq(executions.workflowId, workflows.id), isOne: false },
  ]
}

/**
 * The caller's first few workflows, as the statement itself finds them: constants to MariaDB's optimizer too. Of fewer one
 * is null, and then there are no others.
 */
function firstOwn(dialect: Dialect, bind: ClaimBind): readonly SQL[] {
  const { workflows } = dialect.tables
  const isOwn = all(eq(workflows.ownerId, bind('userId', workflows.ownerId)), isNull(workflows.transferredAt))
  return Array.from({ length: dialect.reach.many?.mostConstant ?? 0 }, (_, place) => {
    const offset = sql.raw(String(place))
    return sql`(select ${workflows.id} from ${workflows} where ${isOwn} order by ${workflows.createdAt}, ${workflows.id} limit 1 offset ${offset})`
  })
}

interface OwnKinds {
  readonly kinds: readonly DueKind[]
  readonly at: SQL
  readonly reached: ReachedWorkflows
  readonly seeksLost: boolean
}

/**
 * Of a workflow's own those that were running are of one kind: they are read all, or not at all. Where a join reads all
 * keys of a status, so are those that are pending.
 */
function ownKinds(dialect: Dialect, { kinds, at, reached, seeksLost }: OwnKinds): readonly DueKind[] {
  const running = seeksLost ? [ownLostKind(dialect, at)] : []
  const others = kinds.filter(({ status }) => status !== 'running')
  if (reached.isOne || dialect.reach.many === undefined) return [...others, ...running]
  return [anyPendingKind(dialect, at), ...others.filter(({ status }) => status !== 'pending'), ...running]
}

/** Why the caller reaches a workflow. */
interface ReachedBy {
  /** Beside the caller's own row. */
  readonly gates: readonly Dialect['tables']['marks'][]
  readonly isReached: SQL
  /**
   * How many named ones are reached each by itself. More for an administrator: of whose workflows there is a backlog, only
   * their owners' claims know.
   */
  readonly mostConstant: number
}

interface OwnParts {
  readonly by: ReachedBy
  readonly isActing: SQL
  readonly kinds: readonly DueKind[]
  readonly lost: LostLeases | undefined
  readonly shape: ClaimShape
  readonly reached: ReachedWorkflows
}

function ownParts(dialect: Dialect, { by, isActing, kinds, lost, shape, reached }: OwnParts): SQL {
  const { executions, users, workflows } = dialect.tables
  const few = lost && { among: lost.name, isMore: lost.isMore, others: candidatePart(dialect, shape, lost.others) }
  return dialect.reach.throughEach(
    {
      table: executions,
      parents: [users, ...by.gates, workflows],
      parentWhere: all(isActing, by.isReached, reached.isReached),
      belongs: reached.belongs,
      isLocking: true,
      isOneParent: reached.isOne,
    },
    kinds.map((part) => candidatePart(dialect, shape, part)),
    few,
  )
}

/**
 * Whether the caller is an administrator. Where reading locks, an administrator so waits for everyone's claims, and they for
 * it: all others only share that row, as they look for a restore. Nobody else meets it here, so these parts come first.
 */
function isEveryones({ tables: { marks, users } }: Dialect): SQL {
  return sql`${marks.name} = case when ${users.role} = 'admin' then ${restoreMark} end`
}

function everyonesPart(
  dialect: Dialect,
  shape: ClaimShape,
  { isActing, kind }: { readonly isActing: SQL; readonly kind: DueKind },
): SQL {
  const { executions, users, workflows, marks } = dialect.tables
  // A scalar, so that no planner makes a join of it, which would lose the order; in a `case`, as planners take `is null`
  // of an expression for true of one row in 200, and then sort all rather than read along an index.
  const transferredAt = sql`(select ${workflows.transferredAt} from ${workflows} where ${workflows.id} = ${executions.workflowId})`
  const isAccepted = sql`case when ${transferredAt} is null then 1 = 1 else 1 = 0 end`
  return dialect.reach.behind({
    ...candidatePart(dialect, shape, kind),
    index: kind.status === 'running' ? byEveryonesLease : byEveryonesDue,
    table: executions,
    isLocking: true,
    gates: [users, marks],
    gateWhere: all(isActing, isEveryones(dialect)),
    where: all(kind.condition, isAccepted),
  })
}

function isNamed(column: Column, bind: ClaimBind, { workflowPlaces = 0 }: ClaimShape): SQL {
  if (workflowPlaces === 0) return sql`1 = 0`
  const ids = Array.from({ length: workflowPlaces }, (_, place) => bind(workflowPlace(place), column))
  return sql`${column} in (${sql.join(ids, sql`, `)})`
}

/**
 * The caller's own row, and that the caller may act: of the row that is locked itself, since MySQL would lock another
 * reading of it less, and two claims that hold that much would each wait for the other.
 */
export function mayClaim(dialect: Dialect, bind: ClaimBind, isTheCaller: SQL): SQL {
  const { users } = dialect.tables
  return all(
    isTheCaller,
    and(isNull(users.disabledAt), lte(users.tokensValidFrom, bind('issuedAt', users.tokensValidFrom))),
    isNotRestoring(dialect),
  )
}

function candidatePart(dialect: Dialect, { limit, spare }: ClaimShape, kind: DueKind) {
  const { condition, order, status } = kind
  const index = status === 'running' ? byLease : byDue
  return { fields: candidateFields(dialect, kind), where: condition, order, limit: limit + spare, index }
}

function candidateFields(
  { tables: { executions } }: Dialect,
  { status, since }: Pick<DueKind, 'status' | 'since'>,
): SQL {
  const isExhausted = sql`case when ${executions.attempts} >= ${executions.maxAttempts} then 1 else 0 end`
  const wasRunning = sql.raw(status === 'running' ? '1' : '0')
  return sql`${executions.id} as due_id, ${since} as due_since, ${wasRunning} as was_running, ${isExhausted} as is_exhausted`
}
