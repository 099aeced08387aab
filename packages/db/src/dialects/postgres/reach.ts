import { sql, type SQL } from 'drizzle-orm'
import type { FewRows, ReachDialect, ReachPart, ReachThrough } from '../../sql/reaching.ts'

export const postgresReach: ReachDialect = {
  many: undefined,
  one: {
    mostSorted: 5000,
    ofOne: ({ fields, table, where, order, limit }) =>
      sql`select ${fields} from ${table} where ${where}${order === undefined ? sql`` : sql` order by ${order}`} limit ${sql.raw(String(limit))}`,
  },
  // A `limit` within `lateral` is not pulled up: each parent's rows are read by themselves, in order.
  through({ fields, table, parents, parentWhere, belongs, along, isRead = sql`1 = 1`, where, order, limit }) {
    const tables = sql.join([...parents], sql` cross join `)
    const rows = along === undefined ? { where: belongs, order } : between(along)
    const first = sql`select * from ${table} where ${rows.where} and ${isRead} and ${where} order by ${rows.order} limit ${sql.raw(String(limit))}`
    return sql`select ${fields} from ${tables} cross join lateral (${first}) ${table} where ${parentWhere} order by ${order} limit ${sql.raw(String(limit))}`
  },
  throughEach({ table, parents, parentWhere, belongs }, parts, few) {
    const tables = sql.join([...parents], sql` cross join `)
    const selects = parts.map((part) => ofParent({ table, belongs }, part))
    if (few !== undefined) selects.push(...ofFew({ table, belongs }, few))
    return sql`select kinds.* from ${tables} cross join lateral (${sql.join(selects, sql` union all `)}) kinds where ${parentWhere}`
  },
  // Evaluated once, before anything is read: a one-time filter.
  behind: ({ fields, table, gates, gateWhere, where, order, limit }) =>
    sql`select ${fields} from ${table} where exists (select 1 from ${sql.join([...gates], sql` cross join `)} where ${gateWhere}) and ${where} order by ${order} limit ${sql.raw(String(limit))}`,
  // `is null` is no equality to the planner: without the column it sorts.
  orderAfterNull: (column, order) => sql`${column}, ${order}`,
}

/**
 * One parent's rows, as a range of an index. By `=` the planner takes the parent for an average one, whose rows are few: it
 * reads all of them by whichever index, and sorts. It knows nothing of how many are between two rows, and so reads along; by the
 * parent first, as no other index has them.
 */
function between({ parent, columns }: NonNullable<ReachThrough['along']>) {
  const key = sql.join([...columns], sql`, `)
  return {
    where: sql`(${key}) > (${parent}, timestamptz '-infinity', '') and (${key}) < (${parent}, timestamptz 'infinity', '')`,
    order: sql.join(
      columns.map((column) => sql`${column} desc`),
      sql`, `,
    ),
  }
}

type Child = Pick<ReachThrough, 'table' | 'belongs'>

function ofParent({ table, belongs }: Child, { fields, where, order, limit }: ReachPart): SQL {
  return sql`(select ${fields} from ${table} where ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))})`
}

function ofFew({ table, belongs }: Child, { among, isMore, others }: FewRows): readonly SQL[] {
  return [
    ofParent({ table, belongs }, { ...others, where: sql`${others.where} and ${isMore}` }),
    sql`(select ${others.fields} from ${among} ${table} where ${belongs})`,
  ]
}
