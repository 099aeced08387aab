import type { Tables } from '../schema/schema.ts'
import type { Statement } from './statement.ts'

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

/** The locks in the order of their tables; those of one table keep theirs. */
export function inLockOrder(locks: readonly RowLock[]): readonly RowLock[] {
  return locks.toSorted((one, other) => lockOrder.indexOf(one.table) - lockOrder.indexOf(other.table))
}
