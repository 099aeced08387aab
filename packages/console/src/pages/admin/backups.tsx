import { useState } from 'preact/hooks'
import { pathOf, type Backup } from '@millrace/client'
import { fetchStream } from '../../api/bearer.ts'
import { administration } from '../../api/more.ts'
import { useAction } from '../../api/use-action.ts'
import { useItems } from '../../api/use-items.ts'
import { usePolling } from '../../api/use-load.ts'
import { Instant } from '../../parts/instant.tsx'
import { notify } from '../../parts/notice.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.backups
const mostBackups = 200
const pollMilliseconds = 3000

export function BackupsPage() {
  const { value, error, reload } = useItems('backups', mostBackups, (page) => administration.backups(page))
  const isUnderWay = value?.some(isUnfinished) === true
  usePolling(isUnderWay ? pollMilliseconds : undefined, reload)
  const starting = useAction(async () => {
    const { name } = await administration.startBackup()
    notify(text.begun(name))
    reload()
  })
  return (
    <Page
      title={text.title}
      actions={
        <button type="button" class="primary" disabled={starting.isBusy} onClick={() => void starting.run()}>
          {text.start}
        </button>
      }
    >
      <p class="faint">{text.explanation}</p>
      <Problem error={starting.error} />
      <Problem error={error} onRetry={reload} />
      {value?.length === 0 ? <Empty title={text.none} advice={text.noneAdvice} /> : null}
      {value === undefined || value.length === 0 ? null : (
        <ul class="rows">
          {value.map((backup) => (
            <li key={backup.name} class="row-frame backup">
              <Row backup={backup} />
            </li>
          ))}
        </ul>
      )}
    </Page>
  )
}

function isUnfinished({ result }: Backup): boolean {
  return result === 'requested' || result === 'running'
}

function Row({ backup }: { readonly backup: Backup }) {
  const { name, bytes, rows, createdAt, encrypted, verifiedAt, drilledAt, result } = backup
  const kind = result === 'ok' ? 'ok' : isUnfinished(backup) ? 'info' : 'fail'
  return (
    <div class="row">
      <span class="row-main">
        <span class="row-title">{name}</span>
        <span class="row-sub">
          {[
            ...(bytes === null ? [] : [sizeWords(bytes)]),
            ...(rows === null ? [] : [text.rows(rows)]),
            encrypted ? text.encrypted : text.unencrypted,
          ].join(' · ')}
        </span>
      </span>
      <span class="row-side">
        <span class={`badge ${kind}`}>{result}</span>
        <Proof name={text.verified} at={verifiedAt} />
        <Proof name={text.drilled} at={drilledAt} />
        <Instant at={createdAt} />
        {verifiedAt === null ? null : <Download name={name} />}
      </span>
    </div>
  )
}

function Proof({ name, at }: { readonly name: string; readonly at: string | null }) {
  return (
    <span class={at === null ? 'badge warn' : 'badge ok'} title={at ?? text.notYet(name)}>
      {at === null ? text.not(name) : name}
    </span>
  )
}

/** The archive is fetched with this tab's token, and given to the browser to save. */
function Download({ name }: { readonly name: string }) {
  const [got, setGot] = useState<number>()
  const { run, isBusy, error } = useAction(async () => {
    const answer = await fetchStream(pathOf`/v1/admin/backups/${name}`)
    if (!answer.ok || answer.body === null) throw new Error(text.downloadFailed(answer.status))
    const parts: BlobPart[] = []
    let bytes = 0
    const reader = answer.body.getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value)
      bytes += part.value.length
      setGot(bytes)
    }
    save(new Blob(parts, { type: 'application/octet-stream' }), `${name.replaceAll('/', '-')}.millrace`)
    setGot(undefined)
  })
  return (
    <>
      <button
        type="button"
        class="small"
        disabled={isBusy}
        aria-label={text.downloadName(name)}
        onClick={() => void run()}
      >
        {got === undefined ? text.download : sizeWords(got)}
      </button>
      <Problem error={error} />
    </>
  )
}

function save(content: Blob, fileName: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

function sizeWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit] ?? ''}`
}
