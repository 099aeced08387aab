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
 * after a cut. Resolves with whether there is an end, not a service without this route.
 */
export async function followHistory(id: string, { after, signal, onEntry, onLive }: Following): Promise<boolean> {
  let last = after
  let isOver = false
  let wait = firstWaitMilliseconds
  const take = (entry: HistoryEntry): void => {
    wait = firstWaitMilliseconds
    if (entry.seq <= last) return
    last = entry.seq
    isOver = lastTypes.has(entry.type)
    onEntry(entry)
  }
  while (!signal.aborted && !isOver) {
    try {
      const path = `${pathOf`/v1/executions/${id}/events`}?after=${last}`
      const answer = await fetchStream(path, { signal, headers: { Accept: 'text/event-stream' } })
      if (!answer.ok || answer.body === null) return false
      onLive(true)
      await readEvents(answer.body, take)
    } catch {
      // A cut: what matters is that it is taken up again.
      if (signal.aborted) break
    }
    if (isOver || signal.aborted) break
    onLive(false)
    await pause(wait, signal)
    wait = Math.min(wait * 2, mostWaitMilliseconds)
  }
  onLive(false)
  return isOver
}

async function readEvents(body: ReadableStream<Uint8Array>, take: (entry: HistoryEntry) => void): Promise<void> {
  const parser = createParser({ onEvent: ({ data }) => take(entryOf(data)) })
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) parser.feed(part.value)
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
