import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import type { Trouble } from '@millrace/db/sql/troubles'

/**
 * A request that got no answer from a database: refused, cut or too late. It can't be told whether a write was applied
 * (in workerd all three look alike), so it never counts as not applied.
 */
export function connectionFailure(cause: unknown): DatabaseError {
  if (isTimeout(cause)) {
    return databaseError('database_timeout', 'the database did not answer in time', { isNotApplied: false })
  }
  return databaseError('database_unreachable', 'the connection to the database was refused or broke', {
    isNotApplied: false,
  })
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')
}

/** What the gateway puts behind the words of a connection that it could not make: tcp/connection-trouble.ts. */
const told = / \[(connection_refused|unknown_host|tls_unsupported|certificate_untrusted|database_auth_failed)\]/

/** Why the gateway could not connect, where its message says so. */
export function connectionTrouble(message: string): Trouble | undefined {
  switch (told.exec(message)?.[1]) {
    case 'connection_refused':
      return 'connection_refused'
    case 'unknown_host':
      return 'unknown_host'
    case 'tls_unsupported':
      return 'tls_unsupported'
    case 'certificate_untrusted':
      return 'certificate_untrusted'
    case 'database_auth_failed':
      return 'database_auth_failed'
    case undefined:
    default:
      return undefined
  }
}

/** The message without it. */
export function wordsAlone(message: string): string {
  return message.replace(told, '')
}
