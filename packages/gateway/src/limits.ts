/** What the gateway allows before it refuses, ends or takes something back. Each can be set, for the tests mostly. */
export interface GatewayLimits {
  /** The largest request body, in bytes. */
  readonly bodyBytes: number
  /** A MySQL transaction without a statement for so long is rolled back. */
  readonly transactionIdleSeconds: number
  /** A libSQL stream without a request for so long is closed, as sqld does. */
  readonly streamIdleSeconds: number
  /** SQLite's write lock is taken from a stream that idles with it for so long, and waited for no longer than this. */
  readonly lockSeconds: number
  /** How long `close()` waits for running requests. */
  readonly drainSeconds: number
}

export const defaultLimits: GatewayLimits = {
  bodyBytes: 64 * 1024 * 1024,
  transactionIdleSeconds: 20,
  streamIdleSeconds: 10,
  lockSeconds: 5,
  drainSeconds: 5,
}
