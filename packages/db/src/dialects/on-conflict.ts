import { sql, type Column, type SQL } from 'drizzle-orm'

/** SQLite's and PostgreSQL's way to end an insert that may meet a row with the same key. */
export function onConflict(key: readonly Column[], columns: readonly Column[]): SQL {
  const target = key.map(({ name }) => sql.identifier(name))
  const sets = columns.map(({ name }) => sql`${sql.identifier(name)} = excluded.${sql.identifier(name)}`)
  return sql`on conflict (${sql.join(target, sql`, `)}) do update set ${sql.join(sets, sql`, `)}`
}
