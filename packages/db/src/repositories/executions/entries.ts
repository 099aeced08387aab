import { and, eq, gt, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  includes,
  isThisCaller,
  permissionOf,
  refused,
  standingOf,
  type Outcome,
  type Permission,
  type PermissionRow,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import type { ExecutionHistoryRow } from '../../schema/rows.ts'
import { asGiven, unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { bytesOf, isTooMuch } from '../../sql/page-bytes.ts'
import { isJoined } from '../../sql/joined.ts'
import type { DocumentText } from '../../document/index.ts'

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

/** Some of an execution's history, for whoever may read the execution. */
export async function listEntries(
  store: Store,
  caller: UserCaller,
  id: string,
  listing: EntryListing,
  needed: Permission = 'view',
): Promise<Outcome<EntryPage>> {
  const rows = await store.read(entriesQuery(store.dialect, caller, id, listing))
  const [first] = rows
  const standing = standingOf(caller, first)
  if (!standing.ok) return standing
  if (first === undefined || first.status === null || first.attempts === null) return refused('not_found')
  const permission = permissionOf(caller, standing.value, { ...first, isPublic: false })
  if (permission === undefined && first.startedBy !== caller.userId) return refused('not_found')
  if (!includes(permission ?? 'view', needed)) return refused('forbidden')
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
export const isWhole = isJoined<Entry>('seq')

export function entryOf(row: Entry): Entry {
  const { seq, type, at, fence, worker, actor, key, name, output, error, payload, attempt, startedAt } = row
  const names = { key: key === null ? null : asGiven(key), name: name === null ? null : asGiven(name) }
  return { seq, type, at, fence, worker, actor, ...names, output, error, payload, attempt, startedAt }
}

const none = sql<DocumentText | null>`null`

function entriesQuery(dialect: Dialect, caller: UserCaller, id: string, listing: EntryListing): Query<EntryRow> {
  const { executions, workflows, executionHistory } = dialect.tables
  const history = executionHistory
  return buildQuery(
    fromWorkflow(dialect, isThisCaller(dialect, caller), {
      through: [[executions, eq(executions.id, id)]],
      isWorkflow: eq(workflows.id, executions.workflowId),
      fields: {
        status: executions.status,
        attempts: executions.attempts,
        startedBy: executions.userId,
        isTooMuch: sql<number | null>`page.is_too_much`.mapWith(Number),
        ...entryFields(dialect),
        // The history tells what happened, not with which documents.
        ...(listing.of === 'history' ? { output: none, error: none, payload: none } : {}),
      },
      joins: [
        [sql`(${pageOf(dialect, id, listing)}) page`, sql`1 = 1`],
        [history, all(eq(history.executionId, executions.id), sql`${history.seq} = page.seq and page.is_too_much = 0`)],
      ],
      orderBy: [sql`page.seq`],
    }),
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
  const bytes = of === 'history' ? sql.raw('0') : bytesOf(dialect, [history.output, history.error, history.payload])
  const condition = and(
    eq(history.executionId, id),
    gt(history.seq, afterSeq),
    of === 'history' ? undefined : eq(history.type, of === 'steps' ? 'step' : 'signal'),
    name === undefined ? undefined : eq(history.name, unpadded(name)),
    key === undefined ? undefined : eq(history.key, unpadded(key)),
  )
  const first = sql`select ${history.seq} as seq, ${bytes} as bytes from ${history} where ${condition} order by ${history.seq} limit ${sql.raw(String(limit + 1))}`
  return sql`select seq, ${isTooMuch(sql`bytes`, sql`seq`)} as is_too_much from (${first}) first_entries`
}
