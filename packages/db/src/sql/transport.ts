import type { Dialect } from './dialect.ts'
import type { Statement } from './statement.ts'

/** What a statement did: its rows as arrays of the driver's values, and how many rows it changed. */
export interface RawResult {
  readonly rows: readonly (readonly unknown[])[]
  readonly affected: number
}

/**
 * How a dialect's driver reaches its database: the one thing, beside its SQL, that a dialect supplies.
 * Everything that goes wrong is thrown as a DatabaseError.
 */
export interface Transport {
  readonly dialect: Dialect
  /** Runs one statement by itself, in one round trip. */
  run(statement: Statement): Promise<RawResult>
  /**
   * Runs writes, then reads, as one transaction; all or nothing. Where a gate affects no row, the writes after it may
   * be left out (their results then count 0): they would do nothing.
   */
  transact(writes: readonly Statement[], reads: readonly Statement[]): Promise<readonly RawResult[]>
}

/** Makes a transport for one request, which tells that request's observer of its trips. */
export type Connect = (observer?: TripObserver) => Transport

/** Told of each round trip: how long it took and the SQL's text, never its parameters. */
export interface TripObserver {
  /** @param parameterTypes Of the statement's parameters in order, by kind alone: `text`, `null`. Made when asked for. */
  trip(milliseconds: number, statement: string, parameterTypes: () => readonly string[]): void
  /** Headers of the trace that the request belongs to, for the gateway. */
  readonly traceHeaders?: Readonly<Record<string, string>> | undefined
}
