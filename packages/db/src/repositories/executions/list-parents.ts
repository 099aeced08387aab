import { eq, sql, type Column, type SQL } from 'drizzle-orm'
import type { UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Tables } from '../../schema/schema.ts'

/** Of a caller with more workflows the newest executions of everyone are looked at before each workflow. */
const mostParents = 5000

/** Rows by which a caller reaches executions. */
export interface Parents {
  readonly table: Tables['workflows' | 'workflowShares']
  /** The workflow's id. */
  readonly id: Column
  readonly isReached: SQL
  readonly isWanted?: SQL
}

function owned({ reach, tables: { workflows } }: Dialect, { userId }: UserCaller): Parents {
  const { id, ownerId } = workflows
  return { table: workflows, id, isReached: eq(ownerId, reach.unknown(sql`${sql.param(userId, ownerId)}`)) }
}

function shared({ reach, tables: { workflowShares } }: Dialect, { userId }: UserCaller): Parents {
  const { workflowId: id, sharedWithUserId } = workflowShares
  const isReached = eq(sharedWithUserId, reach.unknown(sql`${sql.param(userId, sharedWithUserId)}`))
  return { table: workflowShares, id, isReached }
}

export function parentsOf(dialect: Dialect, caller: UserCaller): readonly Parents[] {
  return [owned(dialect, caller), shared(dialect, caller)]
}

/** One of the parents where there are more than may be asked one by one, else null. Counted by an index alone. */
function oneOfTooMany({ table, id, isReached }: Parents): SQL {
  return sql`(select ${id} from ${table} where ${isReached} limit 1 offset ${sql.raw(String(mostParents))})`
}

/** None where there are too many. A join's are counted by what they lead to. */
export function whereFew({ reach }: Dialect, parents: Parents): Parents {
  if (reach.many !== undefined) return parents
  return { ...parents, isWanted: sql`${oneOfTooMany(parents)} is null` }
}

/** Where {@link whereFew} has left something out: a workflow's id, else null. */
export function anyOfTooMany(dialect: Dialect, caller: UserCaller): SQL {
  return sql`coalesce(${sql.join(parentsOf(dialect, caller).map(oneOfTooMany), sql`, `)})`
}
