import type { Execution, HistoryEntry, RecordedStep, Signal } from '@millrace/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { firstItems } from '../../api/first-page.ts'
import { usePolling } from '../../api/use-load.ts'

export interface LiveExecution {
  readonly execution: Execution | undefined
  readonly history: readonly HistoryEntry[]
  readonly steps: readonly RecordedStep[]
  readonly signals: readonly Signal[]
  readonly error: unknown
  readonly isLive: boolean
  readonly reload: () => void
  /** Asks for nothing more, until `reload`: of what is about to be deleted there would be nothing but 404s. */
  readonly stop: () => void
  readonly replace: (execution: Execution) => void
}

/** Entries and steps that are shown of one execution; beyond them the API has the rest. */
const mostShown = 2000
/** Several entries come together: what they change is asked for once. */
const settleMilliseconds = 150
/** State is written without an entry: it is looked at while it runs. */
const pollMilliseconds = 5000

const nothing = { execution: undefined, history: [], steps: [], signals: [] }
type Parts = Pick<LiveExecution, 'execution' | 'history' | 'steps' | 'signals'>

async function load(id: string, signal: AbortSignal): Promise<Parts> {
  const options = { limit: 100, signal }
  const [execution, history, steps, signals] = await Promise.all([
    client.executions.get(id, { signal }),
    firstItems(client.executions.history(id, options), mostShown),
    firstItems(client.executions.steps(id, options), mostShown),
    firstItems(client.executions.signals(id, options), mostShown),
  ])
  return { execution, history, steps, signals }
}

/** An execution and its history, as they are now: loaded once, then kept up by its events. */
export function useLiveExecution(id: string): LiveExecution {
  const [parts, setParts] = useState<Parts>(nothing)
  const [error, setError] = useState<unknown>()
  const [isLive, setLive] = useState(false)
  const [turn, setTurn] = useState(0)
  const refresh = useRef<() => void>(() => undefined)
  const stop = useRef<() => void>(() => undefined)

  useEffect(() => {
    const abort = new AbortController()
    const { signal } = abort
    const show = async (): Promise<Parts | undefined> => {
      try {
        const loaded = await load(id, signal)
        if (signal.aborted) return undefined
        setError(undefined)
        setParts(loaded)
        return loaded
      } catch (thrown) {
        if (!signal.aborted) setError(thrown)
        return undefined
      }
    }
    let settling: ReturnType<typeof setTimeout> | undefined
    refresh.current = () => {
      clearTimeout(settling)
      settling = setTimeout(() => void show(), settleMilliseconds)
    }
    const begin = async (): Promise<void> => {
      const loaded = await show()
      if (loaded?.execution === undefined || isEnded(loaded.execution)) return
      const after = loaded.history.at(-1)?.seq ?? 0
      await follow(id, { after, signal, onEntry: () => refresh.current(), onLive: setLive })
    }
    stop.current = () => {
      refresh.current = () => undefined
      clearTimeout(settling)
      abort.abort()
    }
    setParts((was) => (was.execution?.id === id ? was : nothing))
    void begin()
    return () => stop.current()
  }, [id, turn])

  const { execution } = parts
  const isUnderWay = execution !== undefined && !isEnded(execution)
  usePolling(isUnderWay ? pollMilliseconds : undefined, () => refresh.current())
  return {
    ...parts,
    error,
    isLive,
    reload: () => setTurn((count) => count + 1),
    stop: () => stop.current(),
    replace(next) {
      setParts((was) => ({ ...was, execution: next }))
      refresh.current()
    },
  }
}

interface Following {
  /** The newest entry that is known already. */
  readonly after: number
  readonly signal: AbortSignal
  readonly onEntry: () => void
  /** Whether what happens is heard of at once. */
  readonly onLive: (isLive: boolean) => void
}

/** Hears of each entry as it comes, after a cut too; where that can't be, polling is what is left. */
async function follow(id: string, { after, signal, onEntry, onLive }: Following): Promise<void> {
  try {
    onLive(true)
    const events = client.executions.events(id, { after, signal, onRetry: () => onLive(false) })
    for await (const _entry of events) {
      onLive(true)
      onEntry()
    }
  } catch {
    // The page went elsewhere, or the events are refused: the poll tells of it.
  }
  if (!signal.aborted) onLive(false)
}

export function isEnded({ status }: Pick<Execution, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
