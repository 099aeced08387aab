import { and, eq, gt, gte, inArray, isNull, lt, lte, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  hasCredential,
  isAnchor,
  isThisCaller,
  mayAct,
  standingFields,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { restoreMark } from '../../schema/schema.ts'
import { buildQuery, buildStatement, type Query, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { dueKinds, exhaustionErrors, isDue, type DueKind } from './due.ts'
import { mayOnExecution, viewFields, viewOf, type ExecutionView } from './executions.ts'
import { withKey, type Idempotent, type Kept } from '../../store/idempotency.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { isNotRestoring } from '../../store/restore-mark.ts'

/** An execution with what a worker needs to run it. */
export type ClaimedExecution = ExecutionView & { readonly definition: DocumentText }

export interface Claim {
  /** Names this write, and with a number for its place each execution that it claims. */
  readonly operation: string
  readonly worker: string
  /** How many at most, 1 to 50. */
  readonly limit: number
  readonly at: Date
  readonly leaseUntil: Date
  /** Of these workflows only; of all that the caller reaches when undefined. */
  readonly workflowIds: readonly string[] | undefined
}

/** The claim ends early at so many bytes of input, state and definition; one execution is always given. */
const mostDocumentBytes = 8 * 1024 * 1024

/** How many with used up attempts a claim gets past in one go. */
const mostExhausted = 100

/**
 * Claims due executions of the caller's own workflows, of everyone's with the admin role, oldest first. Those that it
 * meets with their attempts used up become failed and don't count.
 */
export async function claimExecutions(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  idempotent?: Omit<Idempotent, 'answer'>,
): Promise<Outcome<{ readonly items: readonly ClaimedExecution[]; readonly isReplayed: boolean }> | Kept> {
  const written = await withKey(store, caller, idempotent, () => claimUntilSettled(store, caller, claim, idempotent))
  if (written.ok || written.refusal !== 'replay') return written
  return replayed(store, caller, claim.at, written.answer.body)
}

/** Where nothing but used up ones was met, those are out of the way now. */
async function claimUntilSettled(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  idempotent: Omit<Idempotent, 'answer'> | undefined,
): Promise<Outcome<{ readonly items: readonly ClaimedExecution[]; readonly isReplayed: false }>> {
  for (;;) {
    const { changed, rows } = await claimOnce(store, caller, claim, idempotent)
    const standing = standingOf(caller, rows[0])
    if (!standing.ok) return standing
    const items = rows.filter(isWhole).toSorted((one, other) => placeOf(one.lastOp) - placeOf(other.lastOp))
    const isBlocked = items.length === 0 && changed >= mostExhausted && idempotent === undefined
    if (!isBlocked) return done({ items: items.map(claimedOf), isReplayed: false })
  }
}

async function claimOnce(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  idempotent: Omit<Idempotent, 'answer'> | undefined,
): Promise<{ readonly changed: number; readonly rows: readonly ClaimedRow[] }> {
  const { dialect } = store
  const waits = dialect.claim.waitForOthers(caller).map((wait) => statementOf(dialect, wait))
  const writes = [
    ...waits,
    claimStatement(dialect, caller, claim),
    ...(idempotent === undefined ? [] : [keepLeases(dialect, caller, claim, idempotent)]),
  ]
  const answer = claimedQuery(dialect, caller, claim)
  const applied = appliedQuery(dialect, caller, claim)
  if (dialect.readsWithWrites || writes.length > 1) {
    const { affected, rows } = await store.write({ writes, answer, applied })
    return { changed: affected[waits.length] ?? 0, rows }
  }
  const { affected } = await store.write({ writes, applied })
  return { changed: affected[0] ?? 0, rows: await store.read(answer) }
}

function statementOf(dialect: Dialect, statement: SQL): Statement {
  return buildStatement({ toSQL: () => dialect.toSQL(statement) })
}

/** `operation:1`, `operation:2`, …: the order in which they were due, which their own columns no longer tell. */
function placeOf(lastOp: string | null): number {
  return Number(lastOp?.slice(lastOp.lastIndexOf(':') + 1) ?? 0)
}

function claimStatement(dialect: Dialect, caller: UserCaller, claim: Claim): Statement {
  const { executions } = dialect.tables
  const isExhausted = sql`chosen.is_exhausted = 1`
  const { at, leaseUntil, operation, worker } = claim
  return statementOf(
    dialect,
    dialect.claim.update(executions, {
      source: chosen(dialect, caller, claim),
      // MySQL sets the columns of a joined update in any order: no value may depend on another column that changes,
      // other than on its own.
      set: [
        [executions.status, sql`case when ${isExhausted} then 'failed' else 'running' end`],
        [executions.attempts, sql`${executions.attempts} + 1 - chosen.is_exhausted`],
        [executions.fence, sql`${executions.fence} + 1 - chosen.is_exhausted`],
        [executions.leaseOwner, sql`case when ${isExhausted} then null else ${worker} end`],
        [
          executions.leaseUntil,
          // PostgreSQL takes a parameter's type from the other branch, so null is written as one of the column's type.
          sql`case when ${isExhausted} then nullif(${executions.leaseUntil}, ${executions.leaseUntil}) else ${sql.param(leaseUntil, executions.leaseUntil)} end`,
        ],
        [
          executions.startedAt,
          sql`case when ${isExhausted} then ${executions.startedAt} else coalesce(${executions.startedAt}, ${sql.param(at, executions.startedAt)}) end`,
        ],
        [
          executions.completedAt,
          sql`case when ${isExhausted} then ${sql.param(at, executions.completedAt)} else ${executions.completedAt} end`,
        ],
        [
          executions.error,
          sql`case when ${isExhausted} and chosen.was_running = 1 then ${exhaustionErrors.leaseExpired} when ${isExhausted} then ${exhaustionErrors.attemptsUsedUp} else ${executions.error} end`,
        ],
        [executions.updatedAt, sql`${sql.param(at, executions.updatedAt)}`],
        [executions.lastOp, dialect.concat(sql`${`${operation}:`}`, sql`chosen.place`)],
      ],
      where: isDue(dialect, at),
    }),
  )
}

/**
 * What a claim changes: the first `limit` with attempts left, as far as their documents fit, and the used up ones among
 * the candidates. Sizes are read of those few alone.
 */
function chosen(dialect: Dialect, caller: UserCaller, claim: Claim): SQL {
  const { executions, workflowVersions } = dialect.tables
  const bytes = sql.join(
    [executions.input, executions.state, workflowVersions.definition].map(
      (column) => sql`coalesce(octet_length(${dialect.exactText(column)}), 0)`,
    ),
    sql` + `,
  )
  const placed = sql`select candidates.due_id, candidates.is_exhausted, candidates.was_running, row_number() over (partition by candidates.is_exhausted order by candidates.due_since, candidates.due_id) as place from (${candidates(dialect, caller, claim)}) candidates`
  const taken = sql`select 1 from ${executions} where ${isClaimedBy(dialect, claim)}`
  const condition = all(
    sql`(placed.is_exhausted = 1 or placed.place <= ${sql.raw(String(claim.limit))})`,
    isDue(dialect, claim.at),
    dialect.claim.isFirst(taken),
  )
  const held = dialect.claim.chosen(
    sql`select placed.due_id, placed.is_exhausted, placed.was_running, placed.place, ${bytes} as bytes from (${placed}) placed join ${executions} on ${executions.id} = placed.due_id left join ${workflowVersions} on ${workflowVersions.workflowId} = ${executions.workflowId} and ${workflowVersions.versionNumber} = ${executions.versionNumber} where ${condition}`,
    executions,
  )
  const summed = sql`select held.due_id, held.is_exhausted, held.was_running, held.place, held.bytes, sum(held.bytes) over (partition by held.is_exhausted order by held.place) as total from (${held}) held`
  return sql`select summed.due_id as chosen_id, summed.is_exhausted, summed.was_running, summed.place from (${summed}) summed where summed.is_exhausted = 1 or summed.total = summed.bytes or summed.total <= ${sql.raw(String(mostDocumentBytes))}`
}

/** Due ones in their order, a window of each kind: as many as are wanted, and room for used up ones among them. */
function candidates(dialect: Dialect, caller: UserCaller, claim: Claim): SQL {
  const kinds = dueKinds(dialect, claim.at)
  const parts = [
    ...(caller.mayAdminister ? kinds.map((kind) => everyonesPart(dialect, caller, claim, kind)) : []),
    ...kinds.map((kind) => ownPart(dialect, caller, claim, kind)),
  ]
  // `union` keeps one of what is an administrator's own.
  return sql.join(
    parts.map((part, position) => sql`select * from (${part}) ${sql.raw(`part_${position}`)}`),
    sql` union `,
  )
}

function ownPart(dialect: Dialect, caller: UserCaller, claim: Claim, kind: DueKind): SQL {
  const { executions, users, workflows } = dialect.tables
  const { workflowIds } = claim
  return dialect.reach.through({
    ...candidatePart(dialect, claim, kind),
    parents: [users, workflows],
    parentWhere: all(
      isActing(dialect, caller),
      eq(workflows.ownerId, users.id),
      workflowIds === undefined ? undefined : inArray(workflows.id, [...workflowIds]),
    ),
    belongs: eq(executions.workflowId, workflows.id),
    index: 'executions_workflow_id_status_due_at_created_at_id_index',
    where: kind.condition,
  })
}

function everyonesPart(dialect: Dialect, caller: UserCaller, claim: Claim, kind: DueKind): SQL {
  const { executions, users, marks } = dialect.tables
  const { workflowIds } = claim
  // Where reading locks, an administrator so waits for everyone's claims, and they for it: all others only share that
  // row, as they look for a restore. Nobody else meets it here, so these parts come first.
  const isEveryones = sql`${marks.name} = case when ${users.role} = 'admin' then ${restoreMark} end`
  return dialect.reach.behind({
    ...candidatePart(dialect, claim, kind),
    gates: [users, marks],
    gateWhere: all(isActing(dialect, caller), isEveryones),
    where: all(
      kind.condition,
      workflowIds === undefined ? undefined : inArray(executions.workflowId, [...workflowIds]),
    ),
  })
}

/**
 * The caller's own row, and that the caller may act: of the row that is locked itself, since MySQL would lock another
 * reading of it less, and two claims that hold that much would each wait for the other.
 */
function isActing(dialect: Dialect, caller: UserCaller): SQL {
  const { users } = dialect.tables
  return all(
    eq(users.id, caller.userId),
    isNull(users.disabledAt),
    lte(users.tokensValidFrom, caller.issuedAt),
    hasCredential(dialect, caller),
    isNotRestoring(dialect),
  )
}

function candidatePart(dialect: Dialect, { limit }: Claim, { status, since, order }: DueKind) {
  const { executions } = dialect.tables
  const isExhausted = sql`case when ${executions.attempts} >= ${executions.maxAttempts} then 1 else 0 end`
  const wasRunning = sql.raw(status === 'running' ? '1' : '0')
  return {
    table: executions,
    fields: sql`${executions.id} as due_id, ${since} as due_since, ${isExhausted} as is_exhausted, ${wasRunning} as was_running`,
    order,
    limit: limit + mostExhausted,
    isLocking: true,
  }
}

/** The executions that a claim has taken, as long as nothing else has changed them. By the index of leases. */
function isClaimedBy({ tables: { executions } }: Dialect, { operation, leaseUntil }: Claim): SQL {
  return all(
    eq(executions.status, 'running'),
    eq(executions.leaseUntil, leaseUntil),
    gte(executions.lastOp, `${operation}:`),
    // `;` follows `:` by bytes.
    lt(executions.lastOp, `${operation};`),
  )
}

function claimedFields(dialect: Dialect) {
  const { executions, workflowVersions } = dialect.tables
  return {
    ...standingFields(dialect),
    ...viewFields(dialect),
    definition: workflowVersions.definition,
    lastOp: executions.lastOp,
  }
}

function claimedQuery(dialect: Dialect, caller: UserCaller, claim: Claim): Query<ClaimedRow> {
  return leasesQuery(dialect, caller, isClaimedBy(dialect, claim))
}

function leasesQuery(dialect: Dialect, caller: UserCaller, condition: SQL): Query<ClaimedRow> {
  const { builder, tables } = dialect
  const { marks, users, executions, workflows, workflowVersions } = tables
  return buildQuery(
    builder
      .select(claimedFields(dialect))
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(executions, condition)
      .leftJoin(workflows, eq(workflows.id, executions.workflowId))
      .leftJoin(
        workflowVersions,
        and(
          eq(workflowVersions.workflowId, executions.workflowId),
          eq(workflowVersions.versionNumber, executions.versionNumber),
        ),
      )
      .where(isAnchor(dialect)),
  )
}

type ClaimedRow = StandingRow & {
  readonly [Name in keyof ClaimedExecution | 'lastOp']: (ClaimedExecution & { readonly lastOp: string })[Name] | null
}

function isWhole<Row extends { readonly id: string | null; readonly definition: DocumentText | null }>(
  row: Row,
): row is Row & ClaimedExecution & { readonly lastOp: string } {
  return row.id !== null && row.definition !== null
}

function claimedOf(row: ClaimedExecution): ClaimedExecution {
  return { ...viewOf(row), definition: row.definition }
}

/** Waits, where rows can be waited for, until a claim of the caller's that is under way has ended. */
function appliedQuery(dialect: Dialect, caller: UserCaller, claim: Claim): Query<unknown> {
  const { builder, tables } = dialect
  const { users, executions } = tables
  const select = builder
    .select({ id: executions.id })
    .from(users)
    .innerJoin(executions, isClaimedBy(dialect, claim))
    .where(eq(users.id, caller.userId))
  const { sql: text, params: parameters } = dialect.toSQL(dialect.locking(select.getSQL()))
  return { ...buildQuery(select), text, parameters }
}

/** Takes the key after the claim, with the leases that it gave in place of an answer: `[[id, fence, last_op], …]`. */
function keepLeases(
  dialect: Dialect,
  caller: UserCaller,
  claim: Claim,
  { key, fingerprint, at }: Omit<Idempotent, 'answer'>,
): Statement {
  const { executions, idempotencyKeys } = dialect.tables
  const leases = dialect.jsonLists([sql`${executions.id}`, sql`${executions.fence}`, sql`${executions.lastOp}`])
  const row = {
    userId: caller.userId,
    idempotencyKey: key,
    fingerprint,
    status: 200,
    headers: '{}',
    body: sql`(select ${leases} from ${executions} where ${isClaimedBy(dialect, claim)})`,
    createdAt: at,
  }
  return buildStatement(insertWhere(dialect, idempotencyKeys, row, mayAct(dialect, caller)))
}

/** The same leases again, with what they are on: those that still last, and that the caller still may work. */
async function replayed(
  store: Store,
  caller: UserCaller,
  at: Date,
  body: string,
): Promise<Outcome<{ readonly items: readonly ClaimedExecution[]; readonly isReplayed: true }>> {
  const { dialect } = store
  const { executions } = dialect.tables
  const leases = parseLeases(body)
  const condition = all(
    inArray(executions.id, [...leases.keys()]),
    eq(executions.status, 'running'),
    gt(executions.leaseUntil, at),
    mayOnExecution(dialect, caller, 'owner'),
  )
  const rows = await store.read(leasesQuery(dialect, caller, leases.size === 0 ? sql`1 = 0` : condition))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  const items = rows
    .filter(isWhole)
    .filter(({ id, fence }) => leases.get(id)?.fence === fence)
    .toSorted((one, other) => (leases.get(one.id)?.place ?? 0) - (leases.get(other.id)?.place ?? 0))
  return done({ items: items.map(claimedOf), isReplayed: true })
}

function parseLeases(body: string): ReadonlyMap<string, { readonly fence: number; readonly place: number }> {
  const parsed: unknown = JSON.parse(body)
  const leases: readonly unknown[] = Array.isArray(parsed) ? parsed : []
  return new Map(
    leases.flatMap((lease) => {
      if (!isList(lease)) return []
      const [id, fence, lastOp] = lease
      return [[String(id), { fence: Number(fence), place: placeOf(String(lastOp)) }] as const]
    }),
  )
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
