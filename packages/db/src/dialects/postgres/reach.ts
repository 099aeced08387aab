import { sql, type SQL } from 'drizzle-orm'
import type { FewRows, ReachDialect, ReachPart, ReachThrough } from '../../sql/reaching.ts'

export const postgresReach: ReachDialect = {
  many: undefined,
  // A `limit` within `lateral` is not pulled up: each parent's rows are read by themselves, in order.
  through({ fields, table, parents, parentWhere, belongs, where, order, limit }) {
    const tables = sql.join([...parents], sql` cross join `)
    const first = sql`select * from ${table} where ${belongs} and ${where} order by ${order} limit ${sql.raw(String(limit))}`
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
