import { and, eq, sql, type SQL } from 'drizzle-orm'
import {
  asIs,
  isWithin,
  type NameColumn,
  type ReachDialect,
  type ReachPages,
  type ReachThrough,
} from '../sql/reaching.ts'

type Through = (reach: ReachThrough) => SQL

/** For dialects that read each kind by itself: the parents are looked up again for each. */
export function throughEach(through: Through): ReachDialect['throughEach'] {
  return (reach, parts) => {
    const selects = parts.map(
      (part, position) => sql`select * from (${through({ ...reach, ...part })}) ${sql.raw(`kind_${position}`)}`,
    )
    return sql.join(selects, sql` union all `)
  }
}

interface PagesThrough {
  readonly through: Through
  /** The order of what is read whole and sorted. */
  readonly sortedOrder: (table: ReachPages['table']) => SQL
  /** Names a column so that no index is looked for by it. */
  readonly unindexed: NameColumn
}

/** For the same dialects, of each range a select. */
export function pagesThrough({ through, sortedOrder, unindexed }: PagesThrough): ReachDialect['pages'] {
  return ({ table, parent, parentWhere, isWanted, parentId, childId, span, limit, rangesOf }) => {
    const { id, createdAt } = table
    const { count, ranges } = rangesOf(sql`${parentId}`)
    return ranges.map(({ index, where, isAlong, isRead }) =>
      through({
        table,
        fields: sql`${id} as id, ${createdAt} as created_at`,
        parents: [parent],
        isWanted,
        parentWhere: sql`${and(parentWhere, count && isRead?.(sql`(${count})`))}`,
        belongs: eq(childId, parentId),
        index,
        where: sql`${and(sql`1 = 1`, where?.(isAlong ? unindexed : asIs), isWithin({ at: createdAt, id }, span))}`,
        order: isAlong ? newestFirst(table) : sortedOrder(table),
        limit,
      }),
    )
  }
}

/** For dialects whose planners read along the index by themselves. */
export const alongPlain: ReachDialect['along'] = ({ table, fields, column, value, span, where, limit }) => {
  const wanted = and(eq(column, value), where?.(asIs), isWithin(table, span))
  return sql`select ${fields} from ${table} where ${wanted} order by ${table.at} desc, ${table.id} desc limit ${sql.raw(String(limit))}`
}

/** For dialects that plan no join by the number of rows. */
export const firstPlain: ReachDialect['first'] = (rows, count) => sql`${rows} limit ${count}`

/** The order of a page. */
export function newestFirst({ createdAt, id }: ReachPages['table']): SQL {
  return sql`${createdAt} desc, ${id} desc`
}
