import type { Entry, EntryPage } from '@millrace/db/repositories/executions/entries'
import type { ExecutionStatus } from '@millrace/db/schema/schema'
import { done, refuse, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { readEntries } from './entries.ts'

/** How often the history is asked for more: what happens is told within two seconds. */
const pollMilliseconds = 1500

const commentMilliseconds = 15_000

/** How long one stream lasts: the caller then reconnects with `Last-Event-ID`. */
const longestMilliseconds = 5 * 60_000

/** A request has a bounded number of subrequests: a long history is read in several streams, as a long wait is. */
const mostReads = 200

const entriesAtOnce = 100

const ended: ReadonlySet<ExecutionStatus> = new Set(['completed', 'failed', 'cancelled'])

export interface FollowedFrom {
  readonly after: number | undefined
  /** The header, where it was sent: by whoever takes a stream up again. */
  readonly lastEventId: string | null
}

/**
 * An execution's history as server-sent events, then what happens to it, until it ends or the stream is as long as one may
 * be, in time or in reads, or the process is about to end.
 */
export async function followHistory(
  context: UserContext,
  id: string,
  { after = 0, lastEventId }: FollowedFrom,
  dataOf: (entry: Entry) => string,
): Promise<Result<ReadableStream<Uint8Array>>> {
  const isNumber = lastEventId === null || lastEventId === '' || /^\d{1,10}$/.test(lastEventId)
  const start = lastEventId === null || lastEventId === '' || !isNumber ? after : Number(lastEventId)
  const read = (afterSeq: number) => readEntries(context, id, { of: 'history', afterSeq, limit: entriesAtOnce })
  const first = await read(start)
  if (!first.ok) return first
  if (!isNumber) {
    const errors = [{ parameter: 'Last-Event-ID', message: 'must be the `seq` of an entry' }]
    return refuse('validation_failed', { errors })
  }
  const stop = new AbortController()
  const { clock, stopping } = context
  const events = eventsOf({ first: first.value, start, read, dataOf, clock, signal: stop.signal })
  return done(streamOf(events, stop, stopping))
}

interface Following {
  readonly first: EntryPage
  readonly start: number
  readonly read: (afterSeq: number) => Promise<Result<EntryPage>>
  readonly dataOf: (entry: Entry) => string
  readonly clock: () => Date
  readonly signal: AbortSignal
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* eventsOf({
  first,
  start,
  read,
  dataOf,
  clock,
  signal,
}: Following): AsyncGenerator<string, void, undefined> {
  const endsAt = clock().getTime() + longestMilliseconds
  let page = first
  let afterSeq = start
  let saidAt = clock().getTime()
  for (let reads = 1; ; reads += 1) {
    const entries = page.entries.slice(0, entriesAtOnce)
    if (entries.length > 0) {
      yield entries.map((entry) => `id: ${entry.seq}\nevent: ${entry.type}\ndata: ${dataOf(entry)}\n\n`).join('')
      afterSeq = entries.at(-1)?.seq ?? afterSeq
      saidAt = clock().getTime()
    }
    const hasMore = page.entries.length > entriesAtOnce
    // Status and entries are of one moment: of what has ended this was the last.
    if (!hasMore && ended.has(page.status)) return
    if (reads === mostReads || clock().getTime() + (hasMore ? 0 : pollMilliseconds) > endsAt) return
    if (!hasMore) await pause(pollMilliseconds, signal)
    if (signal.aborted) return
    if (!hasMore && clock().getTime() - saidAt > commentMilliseconds - pollMilliseconds) {
      yield ': nothing new\n\n'
      saidAt = clock().getTime()
    }
    // Who may no longer read it, or can't for a fault of the database, is told so where it is taken up again.
    const next = await read(afterSeq).catch(() => undefined)
    if (next === undefined || !next.ok) return
    page = next.value
  }
}

function streamOf(
  events: AsyncGenerator<string, void, undefined>,
  stop: AbortController,
  stopping: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const end = () => stop.abort()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Not before it is read: an answer to HEAD would stay on the list for ever.
        stopping?.addEventListener('abort', end)
        if (stopping?.aborted === true) end()
        const next = await events.next()
        if (next.done === true) {
          stopping?.removeEventListener('abort', end)
          controller.close()
        } else controller.enqueue(encoder.encode(next.value))
      },
      async cancel() {
        stopping?.removeEventListener('abort', end)
        stop.abort()
        await events.return()
      },
    },
    // Nothing is read for a reader that never asks: an answer to HEAD.
    { highWaterMark: 0 },
  )
}

/** Ends early when the signal aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
