import { and, eq, gt, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  includes,
  isAnchor,
  isShareOfCaller,
  isThisCaller,
  permissionFields,
  permissionOf,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type PermissionRow,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import type { ExecutionHistoryRow } from '../../schema/rows.ts'
import { asGiven, unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, type Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'

/** What an entry of the history says, documents included. */
export type Entry = Omit<ExecutionHistoryRow, 'executionId'>

export interface EntryListing {
  readonly of: 'history' | 'steps' | 'signals'
  /** Entries with a greater `seq`. */
  readonly afterSeq: number
  /** Of a signal. */
  readonly name?: string | undefined
  /** Of a step. */
  readonly key?: string | undefined
  readonly limit: number
}

export interface EntryPage {
  /** Oldest first; up to `limit`, and one more where there are more. */
  readonly entries: readonly Entry[]
  /** Whether the page ends for its bytes: there are more entries, though fewer than `limit` are given. */
  readonly isCut: boolean
  readonly status: ExecutionStatus
  readonly attempts: number
}

/** A page ends early at so many bytes of documents; one entry is always given. */
const mostDocumentBytes = 8 * 1024 * 1024

/** Some of an execution's history, for whoever may read the execution. */
export async function listEntries(
  store: Store,
  caller: UserCaller,
  id: string,
  listing: EntryListing,
): Promise<Outcome<EntryPage>> {
  const rows = await store.read(entriesQuery(store.dialect, caller, id, listing))
  const [first] = rows
  const standing = standingOf(caller, first)
  if (!standing.ok) return standing
  if (first === undefined || first.status === null || first.attempts === null) return refused('not_found')
  const permission = permissionOf(caller, standing.value, { ...first, isPublic: false })
  if (permission === undefined && first.startedBy !== caller.userId) return refused('not_found')
  if (!includes(permission ?? 'view', 'view')) return refused('forbidden')
  const { status, attempts } = first
  const isCut = rows.some(({ isTooMuch }) => isTooMuch === 1)
  return done({ entries: rows.filter(isWhole).map(entryOf), isCut, status, attempts })
}

type EntryRow = StandingRow &
  PermissionRow & { readonly [Name in keyof Entry]: Entry[Name] | null } & {
    readonly status: ExecutionStatus | null
    readonly attempts: number | null
    readonly startedBy: string | null
    readonly isTooMuch: number | null
  }

/** A left join gives all of an entry or nothing of it. */
export function isWhole<Row extends { readonly [Name in keyof Entry]: Entry[Name] | null }>(
  row: Row,
): row is Row & Entry {
  return row.seq !== null
}

export function entryOf(row: Entry): Entry {
  const { seq, type, at, fence, worker, actor, key, name, output, error, payload, attempt, startedAt } = row
  const names = { key: key === null ? null : asGiven(key), name: name === null ? null : asGiven(name) }
  return { seq, type, at, fence, worker, actor, ...names, output, error, payload, attempt, startedAt }
}

function entriesQuery(dialect: Dialect, caller: UserCaller, id: string, listing: EntryListing): Query<EntryRow> {
  const { builder, tables } = dialect
  const { marks, users, executions, workflows, workflowShares, executionHistory } = tables
  const history = executionHistory
  return buildQuery(
    builder
      .select({
        ...standingFields(dialect),
        ...permissionFields(dialect),
        status: executions.status,
        attempts: executions.attempts,
        startedBy: executions.userId,
        isTooMuch: sql<number | null>`page.is_too_much`.mapWith(Number),
        ...entryFields(dialect),
      })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(executions, eq(executions.id, id))
      .leftJoin(workflows, eq(workflows.id, executions.workflowId))
      .leftJoin(workflowShares, isShareOfCaller(dialect))
      .leftJoin(sql`(${pageOf(dialect, id, listing)}) page`, sql`1 = 1`)
      .leftJoin(
        history,
        all(eq(history.executionId, executions.id), sql`${history.seq} = page.seq and page.is_too_much = 0`),
      )
      .where(isAnchor(dialect))
      .orderBy(sql`page.seq`),
  )
}

/** What an entry says. */
export function entryFields({ tables: { executionHistory: history } }: Dialect) {
  return {
    seq: history.seq,
    type: history.type,
    at: history.at,
    fence: history.fence,
    worker: history.worker,
    actor: history.actor,
    key: history.key,
    name: history.name,
    output: history.output,
    error: history.error,
    payload: history.payload,
    attempt: history.attempt,
    startedAt: history.startedAt,
  }
}

/** Places of a page, with whether their documents go beyond its bytes. */
function pageOf(dialect: Dialect, id: string, { of, afterSeq, name, key, limit }: EntryListing): SQL {
  const { executionHistory: history } = dialect.tables
  const bytes = sql.join(
    [history.output, history.error, history.payload].map(
      (column) => sql`coalesce(octet_length(${dialect.exactText(column)}), 0)`,
    ),
    sql` + `,
  )
  const hasDocuments = of !== 'history'
  const size = hasDocuments ? bytes : sql.raw('0')
  const condition = and(
    eq(history.executionId, id),
    gt(history.seq, afterSeq),
    of === 'history' ? undefined : eq(history.type, of === 'steps' ? 'step' : 'signal'),
    name === undefined ? undefined : eq(history.name, unpadded(name)),
    key === undefined ? undefined : eq(history.key, unpadded(key)),
  )
  const first = sql`select ${history.seq} as seq, ${size} as bytes from ${history} where ${condition} order by ${history.seq} limit ${sql.raw(String(limit + 1))}`
  const summed = sql`select seq, bytes, sum(bytes) over (order by seq) as total from (${first}) first_entries`
  return sql`select seq, case when total > bytes and total > ${sql.raw(String(mostDocumentBytes))} then 1 else 0 end as is_too_much from (${summed}) summed_entries`
}
