/** One thing that an operator may want to know. Holds no SQL, no parameter and no secret. */
export interface GatewayLogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event:
    | 'listening'
    | 'closed'
    | 'request_failed'
    | 'connection_failed'
    | 'connection_lost'
    | 'transaction_ended'
    | 'write_lock_taken'
  readonly message: string
}

export type Log = (entry: GatewayLogEntry) => void

export const silent: Log = () => undefined
