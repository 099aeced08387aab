import type { SQL } from 'drizzle-orm'
import type { RowLock } from './lock-order.ts'
import type { RawResult, Statement } from './statement.ts'

/** How a dialect lets one statement decide for all that follow it in its batch. */
export interface GateDialect {
  /**
   * The statement that locks, before the gate, what the gate reads: undefined where the gate's own statement does, or
   * where there is one writer at a time.
   */
  locking(locks: readonly RowLock[]): Statement | undefined
  /**
   * Ends a `select` inside a gate so that the rows which the batch goes on to change are locked for that, where the gate
   * itself is what locks.
   */
  holding(select: SQL): SQL
  /**
   * Whether a gate that looks for a row which isn't there locks the place that it would have, where others write: two that
   * do so and then insert each wait for the other. What a unique key has to keep apart is left to it there.
   */
  readonly locksWhatIsMissing: boolean
  /**
   * The gate, with what ends the whole batch in the same round trip where it affects no row: by an error that the
   * dialect's error reader knows (`isGateClosed`), or by the transport. Its result is the first one's.
   */
  ending(gate: Statement): readonly [Statement, ...Statement[]]
  /** How many rows the gate of {@link ending} affected. */
  affectedBy(result: RawResult): number
}

/** Stands in the message of the error that ends a batch behind a closed gate, and in no other. */
export const gateClosedWords = 'millrace: the gate is closed'
