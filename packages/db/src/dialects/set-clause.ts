import { sql, type Column, type SQL } from 'drizzle-orm'

/** `a = …, b = …`: columns without their table, as every dialect takes them. */
export function setClause(assignments: readonly (readonly [Column, SQL])[]): SQL {
  return sql.join(
    assignments.map(([column, value]) => sql`${sql.identifier(column.name)} = ${value}`),
    sql`, `,
  )
}
