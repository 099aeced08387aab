import { sql, type SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { Dialect } from './dialect.ts'
import { defineStatement, type Bind, type Statement } from './statement.ts'

/**
 * How firmly a row is held until the batch ends, in PostgreSQL's terms and order
 * (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS): it stays there, it stays as it is, this
 * batch changes it, this batch deletes it. What a batch will change is locked for that at once: two that only share a
 * row and then both want to change it wait for each other.
 */
export type LockStrength = 'key share' | 'share' | 'no key update' | 'update'

/** In the one order in which every batch locks; two batches that keep to it don't wait for each other in a circle. */
export const lockOrder = [
  'marks',
  'users',
  'apiKeys',
  'sessions',
  'workflows',
  'workflowShares',
  'schedules',
  'executions',
  'settings',
  'backups',
] as const satisfies readonly (keyof Tables)[]

export type LockedTable = (typeof lockOrder)[number]

/** Rows that a gate reads and that another write could change or end before the batch is committed. */
export interface RowLock {
  readonly table: LockedTable
  /** Selects the rows and locks them. Asked for by dialects alone whose gates don't lock what they read. */
  statement(): Statement
}

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

/** The locks in the order of their tables; those of one table keep theirs. */
export function inLockOrder(locks: readonly RowLock[]): readonly RowLock[] {
  return locks.toSorted((one, other) => lockOrder.indexOf(one.table) - lockOrder.indexOf(other.table))
}
