import type { Finding, ServiceStatus } from '@millrace/client'
import { useMemo } from 'preact/hooks'
import { administration } from '../../api/more.ts'
import { useLoad, usePolling } from '../../api/use-load.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Instant } from '../../parts/instant.tsx'
import { Page } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.status
const levels = ['fail', 'warn', 'ok'] as const
/** The checklist asks the server itself a dozen things. */
const pollMilliseconds = 60_000

export function StatusPage() {
  const { value, error, reload, isLoading } = useLoad('status', (signal) => administration.status({ signal }))
  usePolling(pollMilliseconds, reload)
  return (
    <Page
      title={text.title}
      actions={
        <button type="button" disabled={isLoading} onClick={reload}>
          {text.again}
        </button>
      }
    >
      <Problem error={error} onRetry={reload} />
      {value === undefined ? null : (
        <>
          <Facts status={value} />
          <Checklist findings={value.findings} />
        </>
      )}
    </Page>
  )
}

function Facts({ status }: { readonly status: ServiceStatus }) {
  const { version, dialect, schema, pendingMigrations, pool, lastBackups } = status
  const [newest] = lastBackups
  return (
    <div class="tiles">
      <Tile name={text.version} value={version} />
      <Tile name={text.database} value={text.dialects[dialect] ?? dialect} />
      <Tile
        name={text.schema}
        value={String(schema).padStart(4, '0')}
        note={pendingMigrations.length === 0 ? text.upToDate : text.pending(pendingMigrations)}
        isBad={pendingMigrations.length > 0}
      />
      <Tile
        name={text.pool}
        value={pool === null ? words.none : poolWords(pool)}
        note={pool === null ? text.noPool : ''}
      />
      <div class="tile">
        <span class="tile-name">{text.lastBackup}</span>
        <span class="tile-value">{newest === undefined ? text.never : <Instant at={newest.createdAt} />}</span>
        <a href="/console/admin/backups">{words.nav.backups}</a>
      </div>
    </div>
  )
}

function poolWords({ size, checkedOut, overflow, waiting }: NonNullable<ServiceStatus['pool']>): string {
  return text.poolWords(checkedOut, size + overflow, waiting)
}

interface TileProps {
  readonly name: string
  readonly value: string
  readonly note?: string
  readonly isBad?: boolean
}

function Tile({ name, value, note = '', isBad = false }: TileProps) {
  return (
    <div class="tile">
      <span class="tile-name">{name}</span>
      <span class="tile-value">{value}</span>
      {note === '' ? null : <span class={isBad ? 'badge fail' : 'faint'}>{note}</span>}
    </div>
  )
}

/** The production checklist: what fails first, each with its fix. */
function Checklist({ findings }: { readonly findings: readonly Finding[] }) {
  const sorted = useMemo(
    () => findings.toSorted((one, other) => levels.indexOf(one.level) - levels.indexOf(other.level)),
    [findings],
  )
  return (
    <section class="card">
      <h2>{text.checklist}</h2>
      <ul class="plain findings">
        {sorted.map((finding, index) => (
          <li key={`${finding.id} ${index}`}>
            <FindingRow finding={finding} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function FindingRow({ finding: { id, level, message, fix, sql } }: { readonly finding: Finding }) {
  return (
    <>
      <p class="line">
        <span class={`badge ${level}`}>{text.levels[level]}</span>
        <code>{id}</code>
        <span class="grow">{message}</span>
      </p>
      {level === 'ok' || fix === '' ? null : <p class="fix">{fix}</p>}
      {sql === undefined ? null : (
        <div class="document">
          <CopyButton text={sql} label={words.copy.sql} />
          <pre tabIndex={0} role="group" aria-label={text.sql}>
            {sql}
          </pre>
        </div>
      )}
    </>
  )
}
