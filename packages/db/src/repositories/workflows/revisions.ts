import { sql, type SQL } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import type { Bind } from '../../sql/building.ts'

/** Revisions that an If-Match names, or any. */
export type RevisionCondition = readonly number[] | 'any'

/** How many revisions a statement has places for. */
export type RevisionShape = number | 'any'

type RevisionName = `revision${number}`
/** What fills the places of {@link boundRevisions}. */
export type RevisionValues = { readonly [name: RevisionName]: number }

export function matches(condition: RevisionCondition, revision: number): boolean {
  return condition === 'any' || condition.includes(revision)
}

/** The condition that the workflow has one of the revisions. */
export function hasRevision(
  { tables: { workflows } }: Dialect,
  condition: readonly (number | SQL)[] | 'any',
): SQL | undefined {
  if (condition === 'any') return undefined
  if (condition.length === 0) return sql`1 = 0`
  const revisions = condition.map((revision) =>
    typeof revision === 'number' ? sql`${sql.param(revision, workflows.revision)}` : revision,
  )
  return sql`${workflows.revision} in (${sql.join(revisions, sql`, `)})`
}

export function revisionShape(condition: RevisionCondition): RevisionShape {
  return condition === 'any' ? 'any' : condition.length
}

function revisionName(index: number): RevisionName {
  return `revision${index}`
}

export function revisionValues(condition: RevisionCondition): RevisionValues {
  const revisions = condition === 'any' ? [] : condition
  return Object.fromEntries(revisions.map((revision, index) => [revisionName(index), revision]))
}

export function boundRevisions(
  { tables: { workflows } }: Dialect,
  bind: Bind<RevisionValues>,
  count: RevisionShape,
): readonly SQL[] | 'any' {
  if (count === 'any') return 'any'
  return Array.from({ length: count }, (_none, index) => bind(revisionName(index), workflows.revision))
}
