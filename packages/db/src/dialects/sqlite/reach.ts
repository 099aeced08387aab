import { sql, type SQL } from 'drizzle-orm'
import type { ReachDialect, ReachThrough } from '../../sql/reaching.ts'
import { throughEach } from '../through-each.ts'

/** `cross join` keeps SQLite from reordering. https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join */
export const sqliteReach: ReachDialect = {
  many: undefined,
  through,
  throughEach: throughEach(through),
  behind: ({ fields, table, gates, gateWhere, where, order, limit }) =>
    sql`select ${fields} from ${sql.join([...gates, table], sql` cross join `)} where ${gateWhere} and ${where} order by ${order} limit ${sql.raw(String(limit))}`,
  orderAfterNull: (_column, order) => order,
}

function through({ fields, table, parents, parentWhere, belongs, where, order, limit }: ReachThrough): SQL {
  const tables = sql.join([...parents, table], sql` cross join `)
  const first = sql`select ${table.id} from ${table} where ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))}`
  return sql`select ${fields} from ${tables} where ${parentWhere} and ${table.id} in (${first}) order by ${order} limit ${sql.raw(String(limit))}`
}
