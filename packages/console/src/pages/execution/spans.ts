import type { Execution, HistoryEntry, RecordedStep } from '@millrace/client'

/** A stretch or a point of time of an execution's life. */
export interface Span {
  readonly kind: 'attempt' | 'wait' | 'step' | 'failedStep' | 'signal'
  readonly name: string
  /** Milliseconds since the epoch; a point has the same twice. */
  readonly from: number
  readonly to: number
}

const ends: ReadonlySet<string> = new Set(['paused', 'released', 'lease_expired', 'completed', 'failed', 'cancelled'])

/** Attempts, the waits between them, steps and signals, in the order in which they began. */
export function spansOf(
  execution: Pick<Execution, 'createdAt' | 'completedAt'>,
  history: readonly HistoryEntry[],
  steps: readonly RecordedStep[],
  now: number,
): readonly Span[] {
  const end = execution.completedAt === null ? now : Date.parse(execution.completedAt)
  const spans: Span[] = []
  let since = Date.parse(execution.createdAt)
  let claimed: HistoryEntry | undefined
  for (const entry of history) {
    const at = Date.parse(entry.at)
    if (entry.type === 'claimed') {
      if (at > since && claimed === undefined) spans.push({ kind: 'wait', name: '', from: since, to: at })
      claimed = entry
    } else if (entry.type === 'signal') {
      spans.push({ kind: 'signal', name: entry.name ?? '', from: at, to: at })
    } else if (ends.has(entry.type) && claimed !== undefined) {
      spans.push({ kind: 'attempt', name: claimed.worker ?? '', from: Date.parse(claimed.at), to: at })
      claimed = undefined
      since = at
    }
  }
  if (claimed !== undefined)
    spans.push({ kind: 'attempt', name: claimed.worker ?? '', from: Date.parse(claimed.at), to: end })
  else if (execution.completedAt === null) spans.push({ kind: 'wait', name: '', from: since, to: end })
  for (const { key, error, startedAt, recordedAt } of steps) {
    const to = Date.parse(recordedAt)
    const kind = error === null ? 'step' : 'failedStep'
    spans.push({ kind, name: key, from: startedAt === null ? to : Date.parse(startedAt), to })
  }
  return spans.toSorted((one, other) => one.from - other.from || one.to - other.to)
}
