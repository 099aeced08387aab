import type { ConnectionLogEntry } from '@millrace/drivers/native/log'

/** One thing that an operator may want to know. Holds no SQL, no parameter and no secret. */
export interface GatewayLogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event:
    | 'listening'
    | 'closed'
    | 'request'
    | 'request_failed'
    | ConnectionLogEntry['event']
    | 'transaction_ended'
    | 'write_lock_taken'
  readonly message: string
  /** Of a request that belongs to a trace: W3C's trace id. */
  readonly traceId?: string | undefined
}

export type Log = (entry: GatewayLogEntry) => void

export const silent: Log = () => undefined
