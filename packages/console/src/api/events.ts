import { pathOf } from '@millrace/client'
import { createParser } from 'eventsource-parser'
import { fetchStream } from './bearer.ts'
import type { HistoryEntry } from './contract.ts'

interface Following {
  /** The newest entry that is known already. */
  readonly after: number
  readonly signal: AbortSignal
  readonly onEntry: (entry: HistoryEntry) => void
  /** Whether what happens is heard of at once. */
  readonly onLive: (isLive: boolean) => void
}

const firstWaitMilliseconds = 1000
const mostWaitMilliseconds = 15_000

/** After these nothing comes any more. */
const lastTypes: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

/**
 * Follows the history of an execution until it has ended: by server-sent events, taken up again behind the last entry
 * after a cut.
 */
export async function followHistory(id: string, following: Following): Promise<void> {
  const { signal, onEntry, onLive } = following
  const place = { after: following.after, isOver: false, wait: firstWaitMilliseconds }
  const take = (entry: HistoryEntry): void => {
    place.wait = firstWaitMilliseconds
    if (entry.seq <= place.after) return
    place.after = entry.seq
    place.isOver = lastTypes.has(entry.type)
    onEntry(entry)
  }
  while (goesOn(place, signal)) {
    const isTaken = await listen(`${pathOf`/v1/executions/${id}/events`}?after=${place.after}`, signal, {
      take,
      onLive,
    })
    onLive(false)
    if (!isTaken) return
    if (goesOn(place, signal)) await pause(place.wait, signal)
    place.wait = Math.min(place.wait * 2, mostWaitMilliseconds)
  }
}

function goesOn({ isOver }: { readonly isOver: boolean }, signal: AbortSignal): boolean {
  return !isOver && !signal.aborted
}

/** Hears until the stream ends or is cut; false where there is none to be had. */
async function listen(
  path: string,
  signal: AbortSignal,
  { take, onLive }: { take: (entry: HistoryEntry) => void; onLive: (isLive: boolean) => void },
): Promise<boolean> {
  try {
    const answer = await fetchStream(path, { signal, headers: { Accept: 'text/event-stream' } })
    if (!answer.ok || answer.body === null) return false
    onLive(true)
    await readEvents(answer.body, take)
  } catch {
    // A cut, or the page went elsewhere: whoever called decides whether it is taken up again.
  }
  return true
}

async function readEvents(body: ReadableStream<Uint8Array>, take: (entry: HistoryEntry) => void): Promise<void> {
  const parser = createParser({ onEvent: ({ data }) => take(entryOf(data)) })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parser.feed(decoder.decode(part.value, { stream: true }))
  }
}

function entryOf(data: string): HistoryEntry {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the boundary: the API sends as its contract says
  return JSON.parse(data) as HistoryEntry
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
