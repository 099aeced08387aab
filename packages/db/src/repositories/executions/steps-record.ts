import { and, eq, inArray, sql, type SQL, type Column, isNull, or, asc } from 'drizzle-orm'
import type { DocumentText } from '../../document/index.ts'
import { unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, defineShapedQuery, type Bind } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import { entryAt, insertEntries } from './history.ts'
import { isWorkable } from './work.ts'
import { type CallerShape, type CallerValues, callerTerms } from '../../access/conditions.ts'

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

/**
 * Finds what this very recording has left, all or none of it: by its moment, its fence, who recorded, and each step's own
 * texts. Another that has all of these in common has the same answer.
 */
export function ownStepsQuery(
  dialect: Dialect,
  id: string,
  {
    actor,
    fence,
    steps,
    at,
  }: { readonly actor: string; readonly fence: number; readonly steps: readonly NewStep[]; readonly at: Date },
): Query<RecordedRow> {
  const { builder, tables } = dialect
  const { executions, executionHistory: history } = tables
  const isText = (column: Column, text: string | null) =>
    text === null ? isNull(column) : sql`${dialect.exactText(column)} = ${text}`
  const isOneOf = steps.map(({ key, output, error }) =>
    and(eq(history.key, unpadded(key)), isText(history.output, output), isText(history.error, error)),
  )
  return buildQuery(
    builder
      .select({ key: history.key, seq: history.seq, leaseUntil: executions.leaseUntil })
      .from(history)
      .innerJoin(executions, eq(executions.id, history.executionId))
      .where(
        and(
          eq(history.executionId, id),
          eq(history.type, 'step'),
          eq(history.at, at),
          eq(history.fence, fence),
          eq(history.actor, actor),
          byHalves(isOneOf),
        ),
      )
      .orderBy(asc(history.seq)),
  )
}

/** D1 takes expressions of a hundred levels, and each `or` in a row is one more. */
function byHalves(conditions: readonly (SQL | undefined)[]): SQL | undefined {
  if (conditions.length <= 2) return or(...conditions)
  const half = Math.ceil(conditions.length / 2)
  return or(byHalves(conditions.slice(0, half)), byHalves(conditions.slice(half)))
}
