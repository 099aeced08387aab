import { sql, type SQL } from 'drizzle-orm'
import type { ReachDialect, ReachThrough } from '../../sql/reaching.ts'
import { throughEach } from '../through-each.ts'

export const mysqlReach: ReachDialect = {
  // Each is five selects of a claim, which the server plans anew each time.
  mostConstantParents: 4,
  // MariaDB has no `lateral`: of what belongs to the parents all keys are read, from the index alone; and nothing else.
  // Without the index's name a large parent's rows are looked for along everyone's.
  through,
  throughEach: throughEach(through),
  behind: ({ fields, table, gates, gateWhere, where, order, limit, isLocking }) =>
    sql`select ${fields} from ${sql.join([...gates, table], sql` straight_join `)} where ${gateWhere} and ${where} order by ${order} limit ${sql.raw(String(limit))}${lock(isLocking)}`,
  orderAfterNull: (_column, order) => order,
}

function lock(isLocking = false): SQL {
  return isLocking ? sql` for update` : sql``
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
  const child = sql`${table} force index (${sql.identifier(index)})`
  const tables = sql.join([...parents, child], sql` straight_join `)
  const first = sql`select ${table.id} as first_id from ${tables} where ${parentWhere} and ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))}${lock(isLocking)}`
  return sql`select ${fields} from (${first}) first_rows straight_join ${table} where ${table.id} = first_rows.first_id${lock(isLocking)}`
}
