import type { Execution, HistoryEntry, RecordedStep } from '@millrace/client'
import { useEffect, useState } from 'preact/hooks'
import { durationWords, exactWords } from '../../parts/instant.tsx'
import { words } from '../../words.ts'
import { spansOf, type Span } from './spans.ts'

const text = words.execution

interface TimeLineProps {
  readonly execution: Execution
  readonly history: readonly HistoryEntry[]
  readonly steps: readonly RecordedStep[]
}

const mostSpans = 200

/** Attempts, waits, steps and signals as bars over the time that it took so far. */
export function TimeLine({ execution, history, steps }: TimeLineProps) {
  const now = useNow(execution.completedAt === null)
  const spans = spansOf(execution, history, steps, now)
  const first = Math.min(Date.parse(execution.createdAt), ...spans.map(({ from }) => from))
  const last = Math.max(first + 1, ...spans.map(({ to }) => to))
  return (
    <section class="card">
      <h2>{text.timeLine(durationWords(last - first))}</h2>
      <ol class="spans">
        {spans.slice(0, mostSpans).map((span) => (
          <li key={`${span.kind} ${span.name} ${span.from}`}>
            <Bar span={span} first={first} length={last - first} />
          </li>
        ))}
      </ol>
      {spans.length > mostSpans ? <p class="faint">{words.graph.more(spans.length - mostSpans)}</p> : null}
    </section>
  )
}

function Bar({ span: { kind, name, from, to }, first, length }: { span: Span; first: number; length: number }) {
  const left = (100 * (from - first)) / length
  const width = (100 * (to - from)) / length
  const took = to > from ? durationWords(to - from) : ''
  return (
    <>
      <span class="span-name" title={name}>
        {text.spans[kind]} <code>{name}</code>
      </span>
      <span class="span-track" title={text.between(exactWords(from), exactWords(to))}>
        <span class={`span-bar span-${kind}`} style={{ left: `${left}%`, width: `max(4px, ${width}%)` }} />
      </span>
      <span class="span-took">{took}</span>
    </>
  )
}

/** The time, each second while it moves. */
function useNow(isMoving: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isMoving) return undefined
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isMoving])
  return now
}
