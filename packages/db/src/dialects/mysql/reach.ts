import { inArray, sql, type SQL } from 'drizzle-orm'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { type OneParent, type ReachDialect, type ReachThrough, asIs } from '../../sql/reaching.ts'
import { skipping } from '../skipping.ts'
import { alongPlain, firstPlain, newestFirst, pagesThrough, throughEach } from '../through-each.ts'

const one: OneParent = {
  mostSorted: 2000,
  ofOne: ({ fields, table, index, where, order, limit, offset }) =>
    sql`select ${fields} from ${table} ${forced(index)} where ${where}${order === undefined ? sql`` : sql` order by ${order}`} limit ${sql.raw(String(limit))}${skipping(offset)}`,
}

export const mysqlReach: ReachDialect = {
  one,
  many: {
    ...one,
    // Each is five selects of a claim, which the server plans anew each time.
    mostConstant: 4,
    // Planning takes 1.6 ms for each: as much as a join of 300 keys.
    mostBacklogs: 16,
    mostJoined: 1000,
    hasBacklog: (workflowId) => sql`(${hasMany(workflowId, 'pending')} or ${hasMany(workflowId, 'running')})`,
    // "Using index for group-by": the server goes from one parent to the next, where their ids are values.
    heads: ({ table, parentId, parentIds, where, head, index }) =>
      sql`select ${parentId} as parent_id, ${head} as head from ${table} ${forced(index)} where ${inArray(parentId, [...parentIds])} and ${where} group by ${parentId}`,
    // A table of the keys, to be counted, would take longer than it takes to read them.
    hasMore: ({ table, parents, parentWhere, belongs, index, where }, than) =>
      sql`(select 1 from ${sql.join([...parents, sql`${table} ${forced(index)}`], sql` straight_join `)} where ${parentWhere} and ${belongs} and ${where} limit 1 offset ${sql.raw(String(than))}) is not null`,
  },
  // MariaDB has no `lateral`: of what belongs to the parents all keys are read, from the index alone; and nothing else.
  // Without the index's name a large parent's rows are looked for along everyone's.
  // Each index is named: no condition leads to another one.
  pages: pagesThrough({ through, sortedOrder: newestFirst, unindexed: asIs }),
  along: alongPlain,
  first: firstPlain,
  throughEach: (reach, parts) => (reach.isOneParent === true ? ofOneParent(reach, parts) : ofParents(reach, parts)),
  // With the index's name MariaDB begins at a range of it; without, it walks from the first key of the status.
  behind: ({ fields, table, gates, gateWhere, index, where, order, limit, isLocking }) =>
    sql`select ${fields} from ${sql.join([...gates, index === undefined ? table : sql`${table} ${forced(index)}`], sql` straight_join `)} where ${gateWhere} and ${where} order by ${order} limit ${sql.raw(String(limit))}${lock(isLocking)}`,
  unknown: (value) => value,
  // By their ids alone: the server makes a table of what a limit stands in, and reads all of it before it asks for more.
  newest({ fields, table, where, at, id, most, isWanted, limit }) {
    const first = sql`select ${id} as newest_id, ${at} as newest_at from ${table} where ${where} order by ${at} desc, ${id} desc limit ${sql.raw(String(most))}`
    return sql`select ${fields} from (${first}) first_rows straight_join ${table} on ${id} = first_rows.newest_id where ${isWanted} order by first_rows.newest_at desc, first_rows.newest_id desc limit ${sql.raw(String(limit))}`
  },
  orderAfterNull: (_column, order) => order,
}

function hasMany(workflowId: SQL, status: ExecutionStatus): SQL {
  return sql`(select 1 from executions backlog force index (executions_workflow_id_status_due_at_created_at_id_index) where backlog.workflow_id = ${workflowId} and backlog.status = ${sql.raw(`'${status}'`)} limit 1 offset 200) = 1`
}

const ofParents = throughEach(through)

/** One parent's rows stand in the index's order, so what is read ends at the limit: a select less to plan than for many. */
const ofOneParent: ReachDialect['throughEach'] = (reach, parts) => {
  const { table, parents, parentWhere, belongs, isLocking } = reach
  const selects = parts.map(({ fields, where, order, limit, index }) => {
    const tables = sql.join([...parents, sql`${table} ${forced(index)}`], sql` straight_join `)
    return sql`(select ${fields} from ${tables} where ${parentWhere} and ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))}${lock(isLocking)})`
  })
  return sql.join(selects, sql` union all `)
}

function lock(isLocking = false): SQL {
  return isLocking ? sql` for update` : sql``
}

function forced(index: string): SQL {
  return sql`force index (${sql.identifier(index)})`
}

function through({
  fields,
  table,
  parents,
  parentWhere,
  belongs,
  index,
  where,
  order,
  limit,
  isLocking,
}: ReachThrough): SQL {
  const child = sql`${table} ${forced(index)}`
  const tables = sql.join([...parents, child], sql` straight_join `)
  const first = sql`select ${table.id} as first_id from ${tables} where ${parentWhere} and ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))}${lock(isLocking)}`
  return sql`select ${fields} from (${first}) first_rows straight_join ${table} where ${table.id} = first_rows.first_id${lock(isLocking)}`
}
