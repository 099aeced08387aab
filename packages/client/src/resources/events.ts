import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { Execution, HistoryEntry } from '../contract.ts'
import { ConnectionError, ProblemError, UnexpectedAnswerError } from '../errors.ts'
import { pathOf } from '../exchange/asking.ts'
import type { Credentials } from '../exchange/credentials.ts'
import { authorized } from '../exchange/exchange.ts'
import { refuseProblems } from '../exchange/reply.ts'
import { pause } from '../exchange/waiting.ts'

export interface EventOptions {
  /** Only what happened after the entry with this `seq`; everything unless given. */
  readonly after?: number
  readonly signal?: AbortSignal
  /** Told why, each time that the stream was cut and is taken up again. */
  readonly onRetry?: (failure: unknown) => void
}

export interface HistorySource {
  readonly url: string
  readonly fetch: typeof fetch
  readonly credentials: Credentials
  /** Reads the execution, to know whether anything can still happen to it. */
  readonly get: (
    id: string,
    options: { readonly signal?: AbortSignal | undefined },
  ) => Promise<Pick<Execution, 'status'>>
}

const firstDelayMilliseconds = 200
const mostDelayMilliseconds = 5000

/**
 * Everything that happens to an execution, as it happens: each entry of its history once, in order. Goes on after any
 * cut of the connection, and ends behind the last entry of an execution that has ended.
 */
export function createEvents(source: HistorySource) {
  return async function* events(id: string, options: EventOptions = {}): AsyncGenerator<HistoryEntry, void, undefined> {
    const { signal, onRetry } = options
    let after = options.after ?? 0
    let delay = firstDelayMilliseconds
    for (;;) {
      signal?.throwIfAborted()
      try {
        const before = after
        for await (const entry of stream(source, id, after, signal)) {
          after = entry.seq
          delay = firstDelayMilliseconds
          yield entry
          if (isLast(entry)) return
        }
        if (after === before && (await hasEnded(source, id, signal))) return
      } catch (failure) {
        signal?.throwIfAborted()
        if (!isCut(failure)) throw failure
        onRetry?.(failure)
        await pause(delay, signal)
        delay = Math.min(delay * 2, mostDelayMilliseconds)
      }
    }
  }
}

async function* stream(
  { url, fetch: send, credentials }: HistorySource,
  id: string,
  after: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<HistoryEntry, void, undefined> {
  const path = pathOf`/v1/executions/${id}/events`
  const cut = new AbortController()
  const both = signal === undefined ? cut.signal : AbortSignal.any([signal, cut.signal])
  try {
    const body = await authorized({ credentials, signal }, async (token) => {
      const headers = {
        Accept: 'text/event-stream',
        'Last-Event-ID': String(after),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      }
      return bodyOf(await send(`${url}${path}`, { headers, signal: both }))
    })
    const parsed = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
    for await (const { data } of iterated(parsed)) yield entryOf(data)
  } catch (error) {
    if (error instanceof ProblemError || error instanceof UnexpectedAnswerError) throw error
    throw new ConnectionError(`The events of execution ${id} were cut off.`, { cause: error })
  } finally {
    // Whoever stops listening closes the connection.
    cut.abort()
  }
}

async function bodyOf(response: Response): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { status, headers, body } = response
  const isStream = response.ok && headers.get('Content-Type')?.startsWith('text/event-stream') === true
  if (isStream && body !== null) return body
  refuseProblems({ status, headers, text: await response.text() })
  throw new UnexpectedAnswerError(status, 'it is not an event stream')
}

/** Not every browser iterates over a stream by itself. */
async function* iterated<Item>(stream: ReadableStream<Item>): AsyncGenerator<Item, void, undefined> {
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

function entryOf(data: string): HistoryEntry {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the boundary: the API answers as its contract says
  return JSON.parse(data) as HistoryEntry
}

function isLast({ type }: HistoryEntry): boolean {
  return type === 'completed' || type === 'failed' || type === 'cancelled'
}

async function hasEnded({ get }: HistorySource, id: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { status } = await get(id, { signal })
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** The connection broke, or the service could not answer for a moment. */
function isCut(failure: unknown): boolean {
  if (failure instanceof ConnectionError) return true
  if (failure instanceof UnexpectedAnswerError) return failure.status >= 500
  return failure instanceof ProblemError && (failure.status >= 500 || failure.status === 429)
}
