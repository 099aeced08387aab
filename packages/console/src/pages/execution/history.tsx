import type { HistoryEntry, Signal } from '@millrace/client'
import { Instant } from '../../parts/instant.tsx'
import { Who } from '../../parts/who.tsx'
import { words } from '../../words.ts'
import { DocumentText } from './document-text.tsx'

const text = words.execution

interface HistoryProps {
  readonly history: readonly HistoryEntry[]
  readonly signals: readonly Signal[]
}

/** Everything that happened, in the one order in which it happened. */
export function History({ history, signals }: HistoryProps) {
  const payloads = new Map(signals.map(({ seq, payload }) => [seq, payload]))
  return (
    <section class="card">
      <h2>{text.history}</h2>
      <ol class="history">
        {history.map((entry) => (
          <li key={entry.seq}>
            <Entry entry={entry} payload={payloads.get(entry.seq)} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function Entry({ entry, payload }: { readonly entry: HistoryEntry; readonly payload: string | undefined }) {
  const { seq, type, at, worker, by, key, name } = entry
  return (
    <>
      <span class="faint">{seq}</span> <span class="history-type">{text.types[type]}</span>{' '}
      {key === null ? null : <code>{key}</code>} {name === null ? null : <code>{name}</code>}{' '}
      <By worker={worker} by={by} /> <Instant at={at} isExact />
      {payload === undefined ? null : <DocumentText label={text.payload} document={payload} />}
    </>
  )
}

/** A worker by its name; whose account it has is told where the pointer rests. */
function By({ worker, by }: Pick<HistoryEntry, 'worker' | 'by'>) {
  if (worker !== null) {
    return (
      <span class="faint" title={by ?? ''}>
        {text.byWorker(worker)}
      </span>
    )
  }
  if (by === null) return null
  return (
    <span class="faint">
      {text.by}
      <Who id={by} />
    </span>
  )
}
