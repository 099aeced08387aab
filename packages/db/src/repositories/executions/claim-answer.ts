import { eq, isNotNull, sql, type Query as DrizzleQuery, type SQL } from 'drizzle-orm'
import { all, isAnchor, isCaller, standingFields, type StandingRow } from '../../access/access.ts'
import type { Role } from '../../schema/schema.ts'
import type { DocumentText } from '../../document/index.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Claim, ClaimBind } from './claim-shape.ts'
import { viewFields, viewOf, type ExecutionView } from './executions.ts'

/** An execution with what a worker needs to run it. */
export type ClaimedExecution = ExecutionView & { readonly definition: DocumentText }

export type ClaimedRow = StandingRow & {
  readonly [Name in keyof ClaimedExecution | 'lastOp']: (ClaimedExecution & { readonly lastOp: string })[Name] | null
} & {
  /** 1 where the claim looked at candidates, else 0; null where its statement does not tell. */
  readonly seen: number | null
  /** Where it is asked for: workflows of the caller with much that is pending, as a JSON array of ids. */
  readonly backlogs?: string | null
}

interface ClaimedSource {
  readonly condition: SQL
  readonly seen?: SQL
  /** No row at all where nothing is claimed. */
  readonly isOnlyClaimed?: boolean
  /** Which of the users is the caller, where that is not to be asked. */
  readonly isTheCaller?: SQL
  readonly backlogs?: SQL<string | null>
}

interface ClaimedSelect {
  toSQL(): DrizzleQuery
  getSQL(): SQL
  readonly _: { readonly selectedFields: object; readonly result: readonly ClaimedRow[] }
}

/** What is claimed, with the caller's standing: a row without an execution where there is none. */
export function claimedSelect(
  dialect: Dialect,
  bind: ClaimBind,
  { condition, seen = sql`null`, isOnlyClaimed = false, isTheCaller, backlogs }: ClaimedSource,
): ClaimedSelect {
  const { builder, tables } = dialect
  const { marks, users, executions, workflows, workflowVersions } = tables
  return builder
    .select({
      ...standingFields(dialect),
      ...claimedFields(dialect, seen),
      ...(backlogs === undefined ? {} : { backlogs: backlogs.as('backlogs') }),
    })
    .from(marks)
    .leftJoin(users, isTheCaller ?? isCaller(dialect, bind))
    .leftJoin(executions, condition)
    .leftJoin(workflows, eq(workflows.id, executions.workflowId))
    .leftJoin(workflowVersions, isItsVersion(dialect))
    .where(all(isAnchor(dialect), isOnlyClaimed ? isNotNull(executions.id) : undefined))
}

/** What is claimed alone: whose caller stands as it must, or there is no row. */
export function takenSelect(dialect: Dialect): ClaimedSelect {
  const { builder, tables } = dialect
  const { executions, workflows, workflowVersions } = tables
  const none = {
    restore: noText,
    callerId: noText,
    role: sql<Role | null>`null`,
    disabledAt: noMoment,
    tokensValidFrom: noMoment,
  }
  return builder
    .select({ ...none, ...claimedFields(dialect, sql`1`) })
    .from(executions)
    .leftJoin(workflows, eq(workflows.id, executions.workflowId))
    .leftJoin(workflowVersions, isItsVersion(dialect))
}

const noText = sql<string | null>`null`
const noMoment = sql<Date | null>`null`

function claimedFields(dialect: Dialect, seen: SQL) {
  const { executions, workflowVersions } = dialect.tables
  return {
    ...viewFields(dialect),
    definition: workflowVersions.definition,
    lastOp: executions.lastOp,
    seen: sql<number | null>`${seen}`.mapWith(Number).as('seen'),
  }
}

function isItsVersion({ tables: { executions, workflowVersions } }: Dialect): SQL {
  return all(
    eq(workflowVersions.workflowId, executions.workflowId),
    eq(workflowVersions.versionNumber, executions.versionNumber),
  )
}

/**
 * As the claim gave them: one that was cancelled before a lost answer was looked up has a fence more since, and its worker
 * learns of it as if it had been cancelled a moment later.
 */
export function asGiven(rows: readonly ClaimedRow[], { at, leaseUntil }: Pick<Claim, 'at' | 'leaseUntil'>) {
  return rows.map((row): ClaimedRow => {
    if (row.status !== 'cancelled' || row.fence === null) return row
    return { ...row, status: 'running', fence: row.fence - 1, leaseUntil, completedAt: null, updatedAt: at }
  })
}

/** In the order in which they were due, which their own columns no longer tell. */
export function claimedOf(
  rows: readonly ClaimedRow[],
  placeOfRow: (row: ClaimedExecution & { readonly lastOp: string }) => number,
): readonly ClaimedExecution[] {
  return rows
    .filter(isWhole)
    .toSorted((one, other) => placeOfRow(one) - placeOfRow(other))
    .map((row) => ({ ...viewOf(row), definition: row.definition }))
}

function isWhole<Row extends { readonly id: string | null; readonly definition: DocumentText | null }>(
  row: Row,
): row is Row & ClaimedExecution & { readonly lastOp: string } {
  return row.id !== null && row.definition !== null
}

/** `operation:1`, `operation:2x`, …: the place, and an `x` where a lease was lost. */
export function placeIn(lastOp: string): number {
  return Number.parseInt(lastOp.slice(lastOp.lastIndexOf(':') + 1), 10)
}
