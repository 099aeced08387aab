import { databaseError } from '@millrace/db/sql/errors'

/** How long a statement that was told to stop may take to do so. */
export const stopMilliseconds = 3000

/** What can be stopped, and given up where it does not stop. */
interface Running {
  /** Asks the server to end the statement that runs. Never rejects. */
  stop(): Promise<void>
  /** Ends the connection under it. */
  abandon(): void
}

/**
 * Runs work that the server is to end after some seconds. The server's own answer is waited for: it alone tells whether
 * the work was applied. Where none comes, the connection is given up.
 * @throws DatabaseError `database_timeout`, or what the work throws
 */
export async function withinSeconds<Result>(
  seconds: number,
  running: Running,
  work: () => Promise<Result>,
): Promise<Result> {
  const late = Promise.withResolvers<never>()
  // It may be nobody's any more by then.
  late.promise.catch(() => undefined)
  let stopping: Promise<void> | undefined
  let timer = setTimeout(() => {
    stopping = running.stop()
    timer = setTimeout(() => {
      running.abandon()
      late.reject(databaseError('database_timeout', 'the database did not answer in time', { isNotApplied: false }))
    }, stopMilliseconds)
  }, seconds * 1000)
  try {
    return await Promise.race([work(), late.promise])
  } finally {
    // Or it could hit the next statement on this connection. Where it is not over in time there is no next one.
    await Promise.race([stopping, late.promise]).catch(() => undefined)
    clearTimeout(timer)
  }
}
