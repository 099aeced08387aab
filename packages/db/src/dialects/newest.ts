import { sql } from 'drizzle-orm'
import type { ReachDialect } from '../sql/reaching.ts'

/** For dialects that read a subquery's rows one by one, and of a row the columns that somebody asks for. */
export const newest: ReachDialect['newest'] = ({ fields, table, where, at, id, most, isWanted, limit }) => {
  const order = sql`${at} desc, ${id} desc`
  const first = sql`select * from ${table} where ${where} order by ${order} limit ${sql.raw(String(most))}`
  return sql`select ${fields} from (${first}) ${table} where ${isWanted} order by ${order} limit ${sql.raw(String(limit))}`
}
