import type { Log } from './log.ts'

interface Ended {
  /** The connection is not given back before this, or the next request on it could be ended. */
  settled(): Promise<void>
}

/**
 * When the client is gone, its statement is ended rather than left to hold a connection and locks.
 * @param end asks the server to end it
 */
export function endOnAbort(signal: AbortSignal, log: Log, end: () => Promise<unknown>): Ended {
  let ending: Promise<void> | undefined
  const begin = () => {
    ending = ended(end, log)
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return {
    async settled() {
      signal.removeEventListener('abort', begin)
      await ending
    },
  }
}

async function ended(end: () => Promise<unknown>, log: Log): Promise<void> {
  try {
    await end()
  } catch {
    const message = 'The statement of a client that has gone could not be cancelled.'
    log({ level: 'warn', event: 'request_failed', message })
  }
}
