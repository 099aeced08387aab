import { and, eq, sql, type Column, type SQL } from 'drizzle-orm'
import { newest } from '../newest.ts'
import { skipping } from '../skipping.ts'
import {
  asIs,
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
    mostSorted: 2000,
    ofOne: ({ fields, table, where, order, limit, offset }) =>
      sql`select ${fields} from ${table} where ${where}${order === undefined ? sql`` : sql` order by ${order}`} limit ${sql.raw(String(limit))}${skipping(offset)}`,
  },
  // A `limit` within `lateral` is not pulled up: each parent's rows are read by themselves, in order. The parents come as an
  // array, of which the planner expects ten whatever it knows of them: of a table that it has never looked at it expects one row
  // in 200, and so many pages cost as much as what it compiles.
  pages(reach) {
    const { parent, parentWhere, isWanted, parentId, limit, rangesOf } = reach
    const { count, ranges } = rangesOf(sql`reached.id`)
    const counted = count === undefined ? sql`` : sql` cross join lateral (${count}) counted(many)`
    const selects = ranges.map((range) => sql`(${rangeSelect(reach, range)})`)
    return [
      sql`select rows.* from unnest(array(select ${parentId} from ${parent} where ${and(parentWhere, isWanted)})) reached(id)${counted} cross join lateral (${sql.join(selects, sql` union all `)}) rows order by rows.created_at desc, rows.id desc limit ${limitOf({ limit })}`,
    ]
  },
  along({ table, fields, column, value, span, where, limit }) {
    const columns = [column, table.at, table.id] as const
    const wanted = and(between(value, columns, span), where && asked(where(asIs)))
    return sql`select ${fields} from ${table} where ${wanted} order by ${downwards(columns)} limit ${limitOf({ limit })}`
  },
  // Of a number that is a parameter the planner expects a tenth of all rows there are.
  first: (rows, count, most) => sql`select * from (${rows} limit ${sql.raw(String(most))}) most limit ${count}`,
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
  newest,
  unknown: (value) => sql`(select ${value})`,
  orderAfterNull: (column, order) => sql`${column}, ${order}`,
}

/** Names in the select of a page. */
const reachedId = sql.raw('reached.id')
const countedMany = sql.raw('counted.many')

/** Of one parent. */
function rangeSelect({ table, childId, span, limit }: ReachPages, { where, isAlong, isRead }: Range): SQL {
  const { id, createdAt } = table
  const columns = [childId, createdAt, id] as const
  const condition = where?.(asIs)
  const [isInRange, order] = isAlong
    ? [and(between(reachedId, columns, span), condition && askedOfRow(condition, table.updatedAt)), downwards(columns)]
    : [and(eq(childId, reachedId), isWithin({ at: createdAt, id }, span), condition), sortedOrder(table)]
  return sql`select ${id} as id, ${createdAt} as created_at from ${table} where ${and(isRead?.(countedMany), isInRange)} order by ${order} limit ${limitOf({ limit })}`
}

/**
 * A condition that the index does not have. The planner takes a `case` for true of every second row, whatever it asks: so it expects
 * to be done soon.
 */
function asked(condition: SQL): SQL {
  return sql`case when ${condition} then true else false end`
}

/**
 * The same of what another index has as well. By a column that none has, though nothing depends on it, that index is not enough:
 * else the planner reads all of a parent's by it, and sorts.
 */
function askedOfRow(condition: SQL, unindexed: Column): SQL {
  return sql`case when ${condition} then true when ${unindexed} is null then false else false end`
}

type Columns = readonly [parent: Column, at: Column, id: Column]

function downwards(columns: Columns): SQL {
  return sql.join(
    columns.map((column) => sql`${column} desc`),
    sql`, `,
  )
}

/** In no index's order: to the planner any index will do for a parent that it takes for an average one. */
function sortedOrder({ createdAt, id }: ReachPages['table']): SQL {
  return sql`coalesce(${createdAt}, ${createdAt}) desc, ${id} desc`
}

/**
 * One parent's rows, as a range of an index. By `=` the planner takes the parent for an average one, whose rows are few: it
 * reads all of them by whichever index, and sorts. It knows nothing of how many are between two rows, and so reads along; by the
 * parent first, as no other index has them.
 */
function between(parent: SQL, columns: Columns, { since, until, after }: Span): SQL {
  const [, at] = columns
  const key = sql.join([...columns], sql`, `)
  const moment = (value: Date | undefined, none: string) =>
    value === undefined ? sql.raw(`timestamptz '${none}'`) : sql`${sql.param(value, at)}`
  // No id is empty: what stands before all rows of a moment.
  const first = sql`(${parent}, ${moment(since, '-infinity')}, '')`
  const isCursorFirst = after !== undefined && (until === undefined || after.at < until)
  const last = isCursorFirst
    ? sql`(${parent}, ${moment(after.at, 'infinity')}, ${after.id})`
    : sql`(${parent}, ${moment(until, 'infinity')}, '')`
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
