/** What the gateway allows before it refuses, ends or takes something back. Each can be set, for the tests mostly. */
export interface GatewayLimits {
  /** The largest request body, in bytes. */
  readonly bodyBytes: number
  /** Statements of one request, where the protocol takes several. */
  readonly statementsPerRequest: number
  /** Running statements of a request that takes longer are cancelled. */
  readonly requestSeconds: number
  /** Until a client has sent the headers of a request, or the first message of a WebSocket. */
  readonly headersSeconds: number
  /** Until it has sent the whole request. */
  readonly bodySeconds: number
  /** Of clients, at once; one more is cut off. */
  readonly connections: number
  /** A MySQL transaction without a statement for so long is rolled back. */
  readonly transactionIdleSeconds: number
  /** A libSQL stream without a request for so long is closed, as sqld does. */
  readonly streamIdleSeconds: number
  /** SQLite's write lock is taken from a stream that idles with it for so long, and waited for no longer than this. */
  readonly lockSeconds: number
  /** How long `close()` waits for running requests, and for transactions where it is told to. */
  readonly drainSeconds: number
}

export const defaultLimits: GatewayLimits = {
  bodyBytes: 64 * 1024 * 1024,
  statementsPerRequest: 10_000,
  requestSeconds: 900,
  headersSeconds: 10,
  bodySeconds: 60,
  connections: 1000,
  transactionIdleSeconds: 20,
  streamIdleSeconds: 10,
  lockSeconds: 5,
  drainSeconds: 5,
}
