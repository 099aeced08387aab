import type { Dialect } from './dialect.ts'
import type { Loading } from './loading.ts'
import type { Snapshot } from './snapshot.ts'
import type { RawResult, Statement } from './statement.ts'

/**
 * What a driver takes at most. What moves rows (archives, imports) builds statements to fit; all others are bounded by the
 * contract's sizes, far below. Drivers refuse a statement with more parameters before they send it, and D1's makes it fit.
 */
export interface TransportLimits {
  /** Of one statement. */
  readonly maxParameters: number
  /** Of one batch, its reads included. */
  readonly maxBatchStatements: number
  /** Of one statement's text, together with the texts of its parameters. */
  readonly maxStatementBytes: number
  /** Of all values of one row; absent where a row holds whatever a statement does. */
  readonly maxRowBytes?: number
  /** Of one statement or batch, where the platform ends it then, whatever limit it is given here. */
  readonly maxStatementSeconds?: number
}

/** How a driver runs SQL, for one request. Everything that goes wrong is thrown as a DatabaseError. */
export interface Transport {
  readonly dialect: Dialect
  readonly limits: TransportLimits
  /** Set where a platform lets less be asked of the server than its dialect has. */
  readonly platform?: 'd1'
  /** Runs one statement by itself, in one round trip. */
  run(statement: Statement): Promise<RawResult>
  /**
   * Runs writes, then reads, as one transaction; all or nothing. Where a gate affects no row, the writes after it may
   * be left out (their results then count 0): they would do nothing.
   */
  transact(writes: readonly Statement[], reads: readonly Statement[]): Promise<readonly RawResult[]>
  /**
   * Runs writes as one transaction during which foreign keys are not checked, and checks them again for whatever comes
   * after. For the migrator alone, which checks all of them before it commits. Absent where no migration needs it.
   */
  transactUnchecked?(writes: readonly Statement[]): Promise<readonly RawResult[]>
}

/** Makes a transport for one request, which tells that request's observer of its round trips. */
export type Connect = (observer?: TripObserver) => Transport

/** Told of each round trip: how long it took and the SQL's text, never its parameters. */
export interface TripObserver {
  /** @param parameterTypes Of the statement's parameters in order, by kind alone: `text`, `null`. Made when asked for. */
  trip(milliseconds: number, statement: string, parameterTypes: () => readonly string[]): void
  /** Headers of the trace that the request belongs to, for the gateway. */
  readonly traceHeaders?: Readonly<Record<string, string>> | undefined
}

/** Of what pools the database's connections, here or in the gateway. */
export interface PoolStatus {
  readonly size: number
  readonly checkedOut: number
  readonly overflow: number
  readonly waiting: number
}

/** What a driver's `connect` gives: one database, for as long as the isolate or process lives. */
export interface Connection {
  readonly dialect: Dialect
  readonly transport: Connect
  /** Begins a read-only transaction in which all reads are of one moment. */
  snapshot(): Promise<Snapshot>
  /**
   * Opens sessions that rows are loaded by; absent where statements are all that the driver has.
   * @param from what the rows are read from, where it may be copied from
   */
  load?(from?: Snapshot): Promise<Loading>
  /** Undefined where there is no pool, or it does not say. */
  poolStatus(): Promise<PoolStatus | undefined>
  /** Ends what it holds open. Never throws. */
  close(): Promise<void>
}
