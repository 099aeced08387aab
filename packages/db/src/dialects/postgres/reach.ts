import { and, eq, sql, type Column, type SQL } from 'drizzle-orm'
import {
  isWithin,
  type FewRows,
  type Range,
  type ReachDialect,
  type ReachPages,
  type ReachPart,
  type ReachThrough,
  type Span,
} from '../../sql/reaching.ts'

export const postgresReach: ReachDialect = {
  many: undefined,
  one: {
    mostSorted: 5000,
    // The planner takes it for true of every second row, whatever the column: so it expects to be done soon.
    asked: (column, isWanted) => sql`case when ${isWanted(column)} then true else false end`,
    ofOne: ({ fields, table, where, order, limit }) =>
      sql`select ${fields} from ${table} where ${where}${order === undefined ? sql`` : sql` order by ${order}`} limit ${sql.raw(String(limit))}`,
  },
  // A `limit` within `lateral` is not pulled up: each parent's rows are read by themselves, in order. The parents come as an
  // array, of which the planner expects ten whatever it knows of them: of a table that it has never looked at it expects one row
  // in 200, and so many pages cost as much as what it compiles.
  pages(reach) {
    const { parent, parentWhere, parentId, limit, rangesOf } = reach
    const { count, ranges } = rangesOf(sql`reached.id`)
    const counted = count === undefined ? sql`` : sql` cross join lateral (${count}) counted(many)`
    const selects = ranges.map((range) => sql`(${rangeSelect(reach, range)})`)
    return [
      sql`select rows.* from unnest(array(select ${parentId} from ${parent} where ${parentWhere})) reached(id)${counted} cross join lateral (${sql.join(selects, sql` union all `)}) rows order by rows.created_at desc, rows.id desc limit ${limitOf({ limit })}`,
    ]
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

/** What the names of a page’s select have. */
const ofReached = { id: sql.raw('reached.id'), many: sql.raw('counted.many') }

/** Of one parent. */
function rangeSelect({ table, childId, span, limit }: ReachPages, { where, isAlong, isRead }: Range): SQL {
  const { id, createdAt } = table
  const columns = [childId, createdAt, id] as const
  const [isInRange, order] = isAlong
    ? [between(columns, span), columns.map((column) => sql`${column} desc`)]
    : [and(eq(childId, ofReached.id), isWithin({ at: createdAt, id }, span)), sortedOrder(table)]
  const wanted = and(isRead?.(ofReached.many), isInRange, where)
  return sql`select ${id} as id, ${createdAt} as created_at from ${table} where ${wanted} order by ${sql.join([...order], sql`, `)} limit ${limitOf({ limit })}`
}

/** In no index's order: to the planner any index will do for a parent that it takes for an average one. */
function sortedOrder({ createdAt, id }: ReachPages['table']): readonly SQL[] {
  return [sql`coalesce(${createdAt}, ${createdAt}) desc`, sql`${id} desc`]
}

/**
 * One parent's rows, as a range of an index. By `=` the planner takes the parent for an average one, whose rows are few: it
 * reads all of them by whichever index, and sorts. It knows nothing of how many are between two rows, and so reads along; by the
 * parent first, as no other index has them.
 */
function between(columns: readonly [Column, Column, Column], { since, until, after }: Span): SQL {
  const [, createdAt] = columns
  const key = sql.join([...columns], sql`, `)
  const moment = (at: Date | undefined, none: string) =>
    at === undefined ? sql.raw(`timestamptz '${none}'`) : sql`${sql.param(at, createdAt)}`
  // No id is empty: what stands before all rows of a moment.
  const first = sql`(${ofReached.id}, ${moment(since, '-infinity')}, '')`
  const isCursorFirst = after !== undefined && (until === undefined || after.at < until)
  const last = isCursorFirst
    ? sql`(${ofReached.id}, ${moment(after.at, 'infinity')}, ${after.id})`
    : sql`(${ofReached.id}, ${moment(until, 'infinity')}, '')`
  return sql`(${key}) > ${first} and (${key}) < ${last}`
}

function limitOf({ limit }: Pick<ReachPages, 'limit'>): SQL {
  return sql.raw(String(limit))
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
