import { DatabaseError } from '@millrace/db/sql/errors'

/**
 * What Hyperdrive answers in the server's place where it has no connection to lend: nothing was sent to the server.
 * Undefined for the server's own errors.
 * https://developers.cloudflare.com/hyperdrive/observability/troubleshooting/#hyperdrive-specific-errors
 */
export function poolRefusal(message: string): DatabaseError | undefined {
  if (/failed to acquire a connection from the pool/i.test(message)) {
    return new DatabaseError('database_busy', {
      trouble: 'pool_exhausted',
      message: 'Hyperdrive had no connection to the database free',
      fix: 'Raise the origin connection limit of the Hyperdrive configuration; look for slow statements and long transactions.',
      retryAfterSeconds: 1,
      isNotApplied: true,
    })
  }
  if (/server connection attempt failed/i.test(message)) {
    return new DatabaseError('database_unreachable', {
      trouble: 'connection_refused',
      message: 'Hyperdrive could not connect to the database',
      fix: "Start the database server, let Cloudflare's addresses through its firewall, and look at its limit of connections.",
      retryAfterSeconds: 5,
      isNotApplied: true,
    })
  }
  return undefined
}
