import { and, eq, sql, type SQL } from 'drizzle-orm'
import { isWithin, type ReachDialect, type ReachPages, type ReachThrough } from '../sql/reaching.ts'

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

/** For the same dialects, of each range a select. */
export function pagesThrough(
  through: Through,
  sortedOrder: (table: ReachPages['table']) => SQL,
): ReachDialect['pages'] {
  return ({ table, parent, parentWhere, parentId, childId, span, limit, rangesOf }) => {
    const { id, createdAt } = table
    const { count, ranges } = rangesOf(sql`${parentId}`)
    return ranges.map(({ index, where, isAlong, isRead }) =>
      through({
        table,
        fields: sql`${id} as id, ${createdAt} as created_at`,
        parents: [parent],
        parentWhere: sql`${and(parentWhere, count && isRead?.(sql`(${count})`))}`,
        belongs: eq(childId, parentId),
        index,
        where: sql`${and(sql`1 = 1`, where, isWithin({ at: createdAt, id }, span))}`,
        order: isAlong ? newestFirst(table) : sortedOrder(table),
        limit,
      }),
    )
  }
}

/** The order of a page. */
export function newestFirst({ createdAt, id }: ReachPages['table']): SQL {
  return sql`${createdAt} desc, ${id} desc`
}
