/** What a native driver tells of its connections. Holds no SQL, no parameter and no secret. */
export interface ConnectionLogEntry {
  readonly level: 'warn' | 'error'
  readonly event: 'connection_failed' | 'connection_lost' | 'plans_outdated' | 'statements_unprepared'
  readonly message: string
}

export type ConnectionLog = (entry: ConnectionLogEntry) => void
