import { sql, type SQL } from 'drizzle-orm'
import type { Dialect } from './dialect.ts'
import type { LockedTable, RowLock } from './lock-order.ts'
import { defineStatement, type Bind } from './building.ts'

/**
 * How firmly a row is held until the batch ends, in PostgreSQL's terms and order
 * (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS): it stays there, it stays as it is, this
 * batch changes it, this batch deletes it. What a batch will change is locked for that at once: two that only share a
 * row and then both want to change it wait for each other.
 */
export type LockStrength = 'key share' | 'share' | 'no key update' | 'update'

/**
 * Defines a lock of the rows of a table that fulfil a condition; several are locked in the order of their `orderBy`.
 *
 * @example const lockUser = defineRowLock<{ userId: string }>('users', 'share')((dialect, bind) => eq(users.id, bind('userId')))
 */
export function defineRowLock<Input extends object>(table: LockedTable, strength: LockStrength) {
  return (condition: (dialect: Dialect, bind: Bind<Input>) => SQL) => {
    const select = defineStatement<Input>()((dialect, bind) =>
      selectForLock(dialect, table, strength, condition(dialect, bind)),
    )
    return (dialect: Dialect, input: Input): RowLock => ({ table, statement: () => select(dialect, input) })
  }
}

/** The lock of a condition that is written at each call. */
export function rowLock(dialect: Dialect, table: LockedTable, strength: LockStrength, condition: SQL): RowLock {
  return {
    table,
    statement() {
      const { sql: text, params: parameters } = dialect.toSQL(selectForLock(dialect, table, strength, condition))
      return { text, parameters }
    },
  }
}

function selectForLock(dialect: Dialect, table: LockedTable, strength: LockStrength, condition: SQL): SQL {
  const rows = dialect.tables[table]
  const key = 'id' in rows ? rows.id : rows.name
  return sql`select 1 from ${rows} where ${condition} order by ${key} for ${sql.raw(strength)}`
}
