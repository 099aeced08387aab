import type { HistoryEntry, Signal } from '@millrace/client'
import { Instant } from '../../parts/instant.tsx'
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
      <span class="faint">
        {worker === null ? '' : text.byWorker(worker)} {by === null ? '' : text.by}
        {by === null ? null : <code>{by}</code>}
      </span>{' '}
      <Instant at={at} isExact />
      {payload === undefined ? null : <DocumentText label={text.payload} document={payload} />}
    </>
  )
}
