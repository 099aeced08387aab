import { and, eq, like, lt, notLike, sql, type SQL } from 'drizzle-orm'
import { any } from '../../access/access.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Query } from '../../sql/statement.ts'

/*
 * A worker that writes `state` or renews its lease leaves its operation behind the mark of its claim: `claim:1+operation`.
 * The claim itself, whose answer may have been lost, still finds by its own part what it has taken.
 */

const sign = '+'

/** What `last_op` becomes. The column holds 64 characters: of a UUID v7 the random end is kept. */
export function workMark(dialect: Dialect, operation: string): SQL {
  const mark = markText(dialect)
  return dialect.concat(dialect.textBefore(mark, sign), sql`${endOf(operation)}`)
}

/** Gives a row when the operation is the last that a worker has written under its claim. */
export function workMarkQuery(dialect: Dialect, id: string, operation: string): Query<unknown> {
  return markQuery(dialect, { id, ending: `%${endOf(operation)}` })
}

const markQuery = defineQuery<{ id: string; ending: string }>()(({ builder, tables: { executions } }, bind) =>
  builder
    .select({ id: executions.id })
    .from(executions)
    .where(
      and(eq(executions.id, bind('id', executions.id)), like(executions.lastOp, bind('ending', executions.lastOp))),
    ),
)

/**
 * Whether no worker's write is there under this fence that is as new as that moment. Each of them leaves the later one of
 * its moment and the row's: so what has been applied once is never applied again, whoever has written since, and
 * however the functions' clocks differ.
 */
export function isNewest(dialect: Dialect, at: Date): SQL {
  const { updatedAt } = dialect.tables.executions
  return any(notLike(markText(dialect), `%${sign}%`), lt(updatedAt, at))
}

function endOf(operation: string): string {
  return `${sign}${operation.slice(-17)}`
}

/** What was imported while it ran has no mark. */
function markText({ tables: { executions } }: Dialect): SQL {
  return sql`coalesce(${executions.lastOp}, '')`
}
