import type { Log } from './log.ts'

interface Ended {
  /** The connection is not given back before this, or the next request on it could be ended. */
  settled(): Promise<void>
}

/**
 * When the client is gone, its statement is ended by another connection rather than left to hold a connection and locks.
 * @param end undefined where the server does not say what to end
 */
export function endOnAbort<Connection extends { close(): Promise<void> }>(
  signal: AbortSignal,
  { open, log }: { readonly open: () => Promise<Connection>; readonly log: Log },
  end: ((other: Connection) => Promise<unknown>) | undefined,
): Ended {
  let ending: Promise<void> | undefined
  const begin = () => {
    if (end !== undefined) ending = endBy(open, end, log)
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

async function endBy<Connection extends { close(): Promise<void> }>(
  open: () => Promise<Connection>,
  end: (other: Connection) => Promise<unknown>,
  log: Log,
): Promise<void> {
  try {
    const other = await open()
    try {
      await end(other)
    } finally {
      await other.close()
    }
  } catch {
    const message = 'The statement of a client that has gone could not be cancelled.'
    log({ level: 'warn', event: 'request_failed', message })
  }
}
