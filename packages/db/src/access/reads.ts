import type { GetColumnData, Placeholder, Query as DrizzleQuery, SQL, Subquery } from 'drizzle-orm'
import type { BuilderColumn, Dialect } from '../sql/dialect.ts'
import type { Tables } from '../schema/schema.ts'
import { isAnchor, isShareOfCaller, permissionFields, standingFields } from './access.ts'

export type Fields = Readonly<Record<string, BuilderColumn | SQL | SQL.Aliased>>

/** A left join gives null where there is no row. */
type RowOf<Selected extends Fields> = {
  [Name in keyof Selected]: Selected[Name] extends BuilderColumn
    ? GetColumnData<Selected[Name], 'raw'> | null
    : Selected[Name] extends SQL<infer Value> | SQL.Aliased<infer Value>
      ? Value
      : never
}

/** A select whose rows are known, for `buildQuery` and `defineQuery`. */
export interface Read<Row> {
  toSQL(): DrizzleQuery
  getSQL(): SQL
  readonly _: { readonly selectedFields: object; readonly result: readonly Row[] }
}

/** What is joined, and by which condition; where there is none the rest of the row is there all the same. */
export type Join = readonly [table: Tables[keyof Tables] | Subquery | SQL, on: SQL | undefined]

export interface Parts<Selected extends Fields> {
  readonly fields: Selected
  readonly joins?: readonly Join[]
  readonly orderBy?: readonly SQL[]
  readonly limit?: number | Placeholder
}

/**
 * What a caller reads: from the row that is always there, with the caller's own, so that one round trip tells the
 * standing and what is looked for.
 * @param isCaller Joins the caller's row: {@link isCaller} or {@link isThisCaller}.
 */
export function fromCaller<Selected extends Fields>(
  dialect: Dialect,
  isCaller: SQL,
  { fields, joins = [], orderBy = [], limit }: Parts<Selected>,
): Read<RowOf<ReturnType<typeof standingFields> & Selected>> {
  const { builder, tables } = dialect
  const select = builder
    .select({ ...standingFields(dialect), ...fields })
    .from(tables.marks)
    .leftJoin(tables.users, isCaller)
    .$dynamic()
  // A dynamic select changes itself, and its type with each join: it is left out, and the row's type made here.
  for (const [table, on] of joins) void select.leftJoin(table, on)
  const ordered = select.where(isAnchor(dialect)).orderBy(...orderBy)
  const read: unknown = limit === undefined ? ordered : ordered.limit(limit)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return read as Read<RowOf<ReturnType<typeof standingFields> & Selected>>
}

/** What a caller reads of a workflow, or of what belongs to one: with what decides the caller's permission on it. */
export function fromWorkflow<Selected extends Fields>(
  dialect: Dialect,
  isCaller: SQL,
  {
    fields,
    through = [],
    isWorkflow,
    joins = [],
    ...rest
  }: Parts<Selected> & { readonly isWorkflow: SQL; readonly through?: readonly Join[] },
) {
  const { workflows, workflowShares } = dialect.tables
  return fromCaller(dialect, isCaller, {
    fields: { ...permissionFields(dialect), ...fields },
    joins: [...through, [workflows, isWorkflow], [workflowShares, isShareOfCaller(dialect)], ...joins],
    ...rest,
  })
}
