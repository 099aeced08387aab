import { and, eq, inArray, sql, type SQL } from 'drizzle-orm'
import { callerTerms, type CallerShape, type CallerValues } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import { unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, defineShapedQuery, type Bind, type Query } from '../../sql/statement.ts'
import { entryAt, insertEntries } from './history.ts'
import { isWorkable } from './work.ts'

/** What a worker has done, under a name that is its own in the execution. */
export interface NewStep {
  readonly key: string
  /** One of the two is null. An output that is `null` is the text `null`. */
  readonly output: DocumentText | null
  readonly error: DocumentText | null
  readonly attempt: number | null
  readonly startedAt: Date | null
}

export interface RecordShape extends CallerShape {
  readonly count: number
  /** Whether the lease is changed too. */
  readonly renews: boolean
}

export type RecordValues = CallerValues & Readonly<Record<string, unknown>>

export interface RecordedRow {
  readonly key: string | null
  readonly seq: number
  readonly leaseUntil: Date | null
}

/** The one statement; its rows are as {@link RecordedRow}, where the dialect gives rows. */
export const recordStatement = defineShapedQuery<RecordShape, RecordValues>()((dialect, bind, shape) => {
  const { builder, tables, recording } = dialect
  const { executions, executionHistory } = tables
  const rows = builder
    .select({ key: executionHistory.key, seq: executionHistory.seq, leaseUntil: executions.leaseUntil })
    .from(executionHistory)
    .innerJoin(executions, eq(executions.id, executionHistory.executionId))
  const statement = recording.statement({
    executions,
    history: executionHistory,
    isWorkable: isWorkable(dialect, callerTerms(dialect, bind, shape), bind('id', executions.id), {
      fence: bind('fence', executions.fence),
      step: 'keep',
    }),
    count: shape.count,
    at: bind('at', executions.updatedAt),
    leaseUntil: shape.renews ? bind('leaseUntil', executions.leaseUntil) : undefined,
    insert: ({ firstSeq, where, lock = sql`` }) =>
      insertEntries(dialect, [entriesOf(dialect, bind, shape, { firstSeq, where, lock })]).getSQL(),
  })
  return { toSQL: () => dialect.toSQL(statement), _: rows._ }
})

function entriesOf(
  dialect: Dialect,
  bind: Bind<RecordValues>,
  { count }: RecordShape,
  { firstSeq, where, lock }: { readonly firstSeq: SQL; readonly where: SQL | undefined; readonly lock: SQL },
): SQL {
  const { executions, executionHistory } = dialect.tables
  const { fence, leaseOwner } = executions
  const at = dialect.typed(bind('at', executionHistory.at), executionHistory.at)
  const actor = dialect.typed(bind('userId', executionHistory.actor), executionHistory.actor)
  const entry = { type: 'step', at, fence, worker: leaseOwner, actor } as const
  const behind = sql`${where === undefined ? sql`` : sql`where ${where}`} ${lock}`
  if (count === 1) {
    return entryAt(dialect, firstSeq, { ...entry, ...stepAt(dialect, bind, 0) }, sql`${executions} ${behind}`)
  }
  const given = Array.from({ length: count }, (_, place) => {
    const { key, output, error, attempt, startedAt } = stepAt(dialect, bind, place)
    return sql`select ${sql.raw(String(place))} as place, ${key} as step_key, ${output} as output, ${error} as error, ${attempt} as attempt, ${startedAt} as started_at`
  })
  const step = {
    key: sql`given.step_key`,
    output: sql`given.output`,
    error: sql`given.error`,
    attempt: sql`given.attempt`,
    startedAt: sql`given.started_at`,
  }
  const source = sql`${executions} cross join (${sql.join(given, sql` union all `)}) given ${behind}`
  return entryAt(dialect, sql`${firstSeq} + given.place`, { ...entry, ...step }, source)
}

function stepAt(dialect: Dialect, bind: Bind<RecordValues>, place: number) {
  const { key, output, error, attempt, startedAt } = dialect.tables.executionHistory
  return {
    key: dialect.typed(bind(`key${place}`, key), key),
    output: dialect.typed(bind(`output${place}`, output), output),
    error: dialect.typed(bind(`error${place}`, error), error),
    attempt: dialect.typed(bind(`attempt${place}`, attempt), attempt),
    startedAt: dialect.typed(bind(`startedAt${place}`, startedAt), startedAt),
  }
}

/** Steps of these keys that are there. */
export function recordedQuery(
  { builder, tables: { executionHistory } }: Dialect,
  id: string,
  steps: readonly NewStep[],
): Query<{
  readonly key: string | null
  readonly seq: number
  readonly output: DocumentText | null
  readonly error: DocumentText | null
}> {
  const { key, seq, output, error, executionId } = executionHistory
  return buildQuery(
    builder
      .select({ key, seq, output, error })
      .from(executionHistory)
      .where(
        and(
          eq(executionId, id),
          inArray(
            key,
            steps.map((step) => unpadded(step.key)),
          ),
        ),
      ),
  )
}
