import { sql } from 'drizzle-orm'
import type { ReachDialect } from '../sql/reaching.ts'

/** For dialects that read each kind by itself: the parents are looked up again for each. */
export function throughEach(through: ReachDialect['through']): ReachDialect['throughEach'] {
  return (reach, parts) => {
    const selects = parts.map(
      (part, position) => sql`select * from (${through({ ...reach, ...part })}) ${sql.raw(`kind_${position}`)}`,
    )
    return sql.join(selects, sql` union all `)
  }
}
