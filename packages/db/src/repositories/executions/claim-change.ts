import { and, gte, lt, sql, type Column, type SQL } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { workerPlace, type ClaimBind, type ClaimShape } from './claim-shape.ts'
import { exhaustionErrors, isDue } from './due.ts'
import { entrySelect, insertEntries, lastSeqAfter } from './history.ts'
import { bytesOf, mostPageBytes } from '../../sql/page-bytes.ts'

/**
 * What a claim changes: the first `limit` with attempts left, as far as their documents fit, and the used up ones among
 * the candidates; each with its place in its kind.
 */
export function chosen(dialect: Dialect, bind: ClaimBind, shape: ClaimShape, candidates: SQL): SQL {
  const limit = shape.isShared ? bind('given') : sql.raw(String(shape.limit))
  const { executions } = dialect.tables
  const isStillDue = isDue(dialect, bind('at', executions.dueAt))
  const isFirst = dialect.claim.isFirst(sql`select 1 from ${executions} where ${isClaimed(dialect, bind)}`)
  const held = dialect.claim.held({
    candidates,
    executions,
    limit,
    isFirst,
    isStillDue,
    isExhausted: sql`case when ${executions.attempts} >= ${executions.maxAttempts} then 1 else 0 end`,
  })
  const placed = sql`select held.due_id, held.was_running, held.is_exhausted, row_number() over (partition by held.is_exhausted order by held.due_since, held.due_id) as place from (${held}) held`
  const isGiven = sql`(placed.is_exhausted = 1 or placed.place <= ${limit})`
  // Each of several that go together gets its one, however large, as it would alone.
  if (shape.limit === 1 || shape.isShared)
    return sql`select placed.due_id as chosen_id, placed.* from (${placed}) placed where ${isGiven}`
  return withinBytes(dialect, placed, isGiven)
}

/** Sizes are read of those few alone that are to be given. */
function withinBytes(dialect: Dialect, placed: SQL, isGiven: SQL): SQL {
  const { executions, workflowVersions } = dialect.tables
  const bytes = bytesOf(dialect, [executions.input, executions.state, workflowVersions.definition])
  const sized = sql`select placed.*, case when placed.is_exhausted = 1 then 0 else ${bytes} end as bytes from (${placed}) placed join ${executions} on ${executions.id} = placed.due_id left join ${workflowVersions} on ${workflowVersions.workflowId} = ${executions.workflowId} and ${workflowVersions.versionNumber} = ${executions.versionNumber} where ${isGiven}`
  const summed = sql`select sized.*, sum(sized.bytes) over (partition by sized.is_exhausted order by sized.place) as total from (${sized}) sized`
  return sql`select summed.due_id as chosen_id, summed.was_running, summed.is_exhausted, summed.place from (${summed}) summed where summed.is_exhausted = 1 or summed.total = summed.bytes or summed.total <= ${sql.raw(String(mostPageBytes))}`
}

/** What of a row in the statement tells what becomes of it: its place among those that are given, and 1 or 0. */
export interface Chosen {
  readonly place: SQL
  readonly wasRunning: SQL
  readonly isExhausted: SQL
}

const ofChosen: Chosen = {
  place: sql`chosen.place`,
  wasRunning: sql`chosen.was_running`,
  isExhausted: sql`chosen.is_exhausted`,
}

/**
 * What becomes of what is chosen. MySQL sets the columns of a joined update in any order: no value may depend on
 * another column that changes, other than on its own.
 */
export function claimed(
  dialect: Dialect,
  bind: ClaimBind,
  shape: Pick<ClaimShape, 'hasWorkers' | 'limit'>,
  { place, wasRunning, isExhausted: used }: Chosen = ofChosen,
): readonly (readonly [Column, SQL])[] {
  const { executions } = dialect.tables
  const isExhausted = sql`${used} = 1`
  const at = (column: Column) => bind('at', column)
  const mark = dialect.concat(bind('firstMark', executions.lastOp), place)
  return [
    [executions.status, sql`case when ${isExhausted} then 'failed' else 'running' end`],
    [executions.attempts, sql`${executions.attempts} + 1 - ${used}`],
    [executions.fence, sql`${executions.fence} + 1 - ${used}`],
    [executions.leaseOwner, sql`case when ${isExhausted} then null else ${workerOf(dialect, bind, shape)} end`],
    [
      executions.leaseUntil,
      // PostgreSQL takes a parameter's type from the other branch, so null is written as one of the column's type.
      sql`case when ${isExhausted} then nullif(${executions.leaseUntil}, ${executions.leaseUntil}) else ${bind('leaseUntil', executions.leaseUntil)} end`,
    ],
    [
      executions.startedAt,
      sql`case when ${isExhausted} then ${executions.startedAt} else coalesce(${executions.startedAt}, ${at(executions.startedAt)}) end`,
    ],
    [
      executions.completedAt,
      sql`case when ${isExhausted} then ${at(executions.completedAt)} else ${executions.completedAt} end`,
    ],
    [
      executions.error,
      sql`case when ${isExhausted} and ${wasRunning} = 1 then ${sql.param(exhaustionErrors.leaseExpired)} when ${isExhausted} then ${sql.param(exhaustionErrors.attemptsUsedUp)} else ${executions.error} end`,
    ],
    [executions.waitFor, sql`null`],
    [executions.updatedAt, at(executions.updatedAt)],
    [executions.lastSeq, lastSeqAfter(dialect, sql`1 + ${wasRunning}`)],
    // What lost a lease is marked so: its entry says it.
    [executions.lastOp, dialect.concat(mark, sql`case when ${wasRunning} = 1 then 'x' else '' end`)],
  ]
}

function workerOf(
  { tables: { executions } }: Dialect,
  bind: ClaimBind,
  { hasWorkers, limit }: Pick<ClaimShape, 'hasWorkers' | 'limit'>,
): SQL {
  if (!hasWorkers) return bind('worker', executions.leaseOwner)
  const cases = Array.from(
    { length: limit },
    (_, place) => sql`when ${sql.raw(String(place + 1))} then ${bind(workerPlace(place), executions.leaseOwner)}`,
  )
  return sql`case chosen.place ${sql.join(cases, sql` `)} end`
}

/** The executions that a claim has taken, as long as nothing else has changed them. By the index of leases. */
export function isClaimed({ tables: { executions } }: Dialect, bind: ClaimBind): SQL {
  return sql`${executions.status} = 'running' and ${executions.leaseUntil} = ${bind('leaseUntil', executions.leaseUntil)} and ${isOfThis(executions, bind)}`
}

/**
 * The same after a lost answer: others may have renewed the lease since, under a fence that they read, or cancelled the
 * execution. Either leaves the mark. This reads all that are running, and what has ended since about then.
 */
export function isStillClaimed({ tables: { executions } }: Dialect, bind: ClaimBind): SQL {
  const isCancelled = sql`${executions.status} = 'cancelled' and ${executions.completedAt} >= ${bind('endedFrom', executions.completedAt)}`
  return sql`(${executions.status} = 'running' or ${isCancelled}) and ${isOfThis(executions, bind)}`
}

/** The used up ones that a claim has met. By the index of ends. */
function isFailed({ tables: { executions } }: Dialect, bind: ClaimBind): SQL {
  return sql`${executions.completedAt} = ${bind('at', executions.completedAt)} and ${executions.status} = 'failed' and ${isOfThis(executions, bind)}`
}

function isOfThis(executions: Dialect['tables']['executions'], bind: ClaimBind): SQL {
  return all(
    gte(executions.lastOp, bind('firstMark', executions.lastOp)),
    lt(executions.lastOp, bind('markEnd', executions.lastOp)),
  )
}

/**
 * `claimed` or `failed` for each, before it `lease_expired` where a lease was lost: of what a batch has marked, which its
 * entries find by their indexes.
 */
export function claimEntries(dialect: Dialect, bind: ClaimBind): SQL {
  const { executions, executionHistory } = dialect.tables
  // Of a claim that was sent twice the second finds what the first has marked, and its entries.
  const isNew = sql`not exists (select 1 from ${executionHistory} where ${executionHistory.executionId} = ${executions.id} and ${executionHistory.seq} = ${executions.lastSeq})`
  const { fence, leaseOwner } = executions
  const isTaken = all(isClaimed(dialect, bind), isNew)
  const isSpent = all(isFailed(dialect, bind), isNew)
  const { expired, at, actor } = entryParts(dialect, bind)
  return insertEntries(dialect, [
    expired(sql`${fence} - 1`, and(isTaken, hadLease(executions))),
    expired(fence, and(isSpent, hadLease(executions))),
    entrySelect(
      dialect,
      { type: 'claimed', at, fence, worker: leaseOwner, actor },
      sql`${executions} where ${isTaken}`,
    ),
    entrySelect(dialect, { type: 'failed', at, fence }, sql`${executions} where ${isSpent}`),
  ]).getSQL()
}

/** The same where `executions` has nothing but what this very statement has changed. */
export function changedEntries(dialect: Dialect, bind: ClaimBind): SQL {
  const { executions } = dialect.tables
  const { fence, status, leaseOwner } = executions
  const ofTaken = (value: SQL) => sql`case when ${status} = 'running' then ${value} end`
  const type = sql`case when ${status} = 'running' then 'claimed' else 'failed' end`
  const { expired, at, actor } = entryParts(dialect, bind)
  return insertEntries(dialect, [
    expired(sql`case when ${status} = 'running' then ${fence} - 1 else ${fence} end`, hadLease(executions)),
    // Whatever has failed has no worker any more.
    entrySelect(dialect, { type, at, fence, worker: leaseOwner, actor: ofTaken(actor) }, sql`${executions}`),
  ]).getSQL()
}

/** The entry of one that had no lease to lose, and is taken. */
export function takenEntry(dialect: Dialect, bind: ClaimBind): SQL {
  const { executions } = dialect.tables
  const { fence, leaseOwner } = executions
  const { at, actor } = entryParts(dialect, bind)
  return insertEntries(dialect, [
    entrySelect(dialect, { type: 'claimed', at, fence, worker: leaseOwner, actor }, sql`${executions}`),
  ]).getSQL()
}

function entryParts(dialect: Dialect, bind: ClaimBind) {
  const { executions } = dialect.tables
  const at = dialect.typed(bind('at', executions.updatedAt), executions.updatedAt)
  return {
    at,
    actor: dialect.typed(bind('userId', executions.userId), executions.userId),
    // The fence of the claim whose lease ran out: the one before, where another has followed.
    expired: (fence: SQL | Column, where: SQL | undefined) =>
      entrySelect(dialect, { type: 'lease_expired', at, fence }, sql`${executions} where ${where}`, 1),
  }
}

function hadLease({ lastOp }: Dialect['tables']['executions']): SQL {
  return sql`${lastOp} like '%x'`
}

/** What was given stands under the key: that something was, says that the caller might claim. */
export function storeLeases(dialect: Dialect, bind: ClaimBind): SQL {
  const { executions, idempotencyKeys } = dialect.tables
  const leases = dialect.jsonLists([sql`${executions.id}`, sql`${executions.fence}`, sql`${executions.lastOp}`])
  const row = {
    userId: bind('userId', idempotencyKeys.userId),
    idempotencyKey: bind('idempotencyKey', idempotencyKeys.idempotencyKey),
    fingerprint: bind('fingerprint', idempotencyKeys.fingerprint),
    status: bind('storedStatus', idempotencyKeys.status),
    headers: bind('storedHeaders', idempotencyKeys.headers),
    body: sql`(select ${leases} from ${executions} where ${isClaimed(dialect, bind)})`,
    createdAt: bind('at', idempotencyKeys.createdAt),
  }
  const isGiven = sql`exists (select 1 from ${executions} where ${isClaimed(dialect, bind)})`
  return insertWhere(dialect, idempotencyKeys, row, isGiven).getSQL()
}
