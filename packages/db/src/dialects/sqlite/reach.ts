import { sql, type SQL } from 'drizzle-orm'
import type { FewRows, ReachDialect, ReachPart, ReachThrough } from '../../sql/reaching.ts'
import { newest } from '../newest.ts'
import { skipping } from '../skipping.ts'
import { alongPlain, firstPlain, pagesThrough, throughEach } from '../through-each.ts'

/** `cross join` keeps SQLite from reordering. https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join */
export const sqliteReach: ReachDialect = {
  many: undefined,
  one: {
    mostSorted: 2000,
    ofOne: ({ fields, table, where, order, limit, offset }) =>
      sql`select ${fields} from ${table} where ${where}${order === undefined ? sql`` : sql` order by ${order}`} limit ${sql.raw(String(limit))}${skipping(offset)}`,
  },
  // In no index's order: to the planner any index will do for a parent that it takes for an average one.
  pages: pagesThrough({
    through,
    sortedOrder: ({ createdAt, id }) => sql`coalesce(${createdAt}, ${createdAt}) desc, ${id} desc`,
    // https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
    unindexed: (column) => sql`+${column}`,
  }),
  along: alongPlain,
  first: firstPlain,
  throughEach: (reach, parts, few) => {
    const each = ofEach(reach, parts)
    return few === undefined ? each : sql.join([each, ...ofFew(reach, few)], sql` union all `)
  },
  behind: ({ fields, table, gates, gateWhere, where, order, limit }) =>
    sql`select ${fields} from ${sql.join([...gates, table], sql` cross join `)} where ${gateWhere} and ${where} order by ${order} limit ${sql.raw(String(limit))}`,
  newest,
  unknown: (value) => value,
  orderAfterNull: (_column, order) => order,
}

const ofEach = throughEach(through)

function ofFew(reach: Omit<ReachThrough, keyof ReachPart>, { among, isMore, others }: FewRows): readonly SQL[] {
  const { table, parents, parentWhere, belongs } = reach
  const tables = (child: SQL) => sql.join([...parents, child], sql` cross join `)
  // By the limit: a condition would be asked of each row, after it was read.
  const most = sql`case when ${isMore} then ${limitOf(others)} else 0 end`
  // Of each parent: another select around these would be too deep for SQLite's parser.
  const first = firstOf({ ...reach, ...others }, most)
  return [
    sql`select ${others.fields} from ${tables(sql`${table}`)} where ${parentWhere} and ${table.id} in (${first})`,
    sql`select ${others.fields} from ${tables(sql`${among} ${table}`)} where ${parentWhere} and ${belongs}`,
  ]
}

function limitOf({ limit }: Pick<ReachPart, 'limit'>): SQL {
  return sql.raw(String(limit))
}

/** Ids of the first that belong to one parent. */
function firstOf({ table, belongs, where, order }: Omit<ReachThrough, 'limit'>, limit: SQL): SQL {
  return sql`select ${table.id} from ${table} where ${belongs} and ${where} order by ${order} limit ${limit}`
}

function through(reach: ReachThrough): SQL {
  const { fields, table, parents, parentWhere, isWanted, order } = reach
  const tables = sql.join([...parents, table], sql` cross join `)
  const limit = limitOf(reach)
  // By the limit: a condition with a subquery would be asked of each parent.
  const most = isWanted === undefined ? limit : sql`case when ${isWanted} then ${limit} else 0 end`
  return sql`select ${fields} from ${tables} where ${parentWhere} and ${table.id} in (${firstOf(reach, limit)}) order by ${order} limit ${most}`
}
