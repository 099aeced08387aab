import { sql, type SQL } from 'drizzle-orm'

/** Stands behind a limit. */
export function skipping(offset = 0): SQL {
  return offset === 0 ? sql`` : sql` offset ${sql.raw(String(offset))}`
}
