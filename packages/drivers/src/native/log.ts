/** What a native driver tells of its connections. Holds no SQL, no parameter and no secret. */
export interface ConnectionLogEntry {
  readonly level: 'warn' | 'error'
  readonly event: 'connection_failed' | 'connection_lost'
  readonly message: string
}

export type ConnectionLog = (entry: ConnectionLogEntry) => void
