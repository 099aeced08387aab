import type { ExecutionSummary } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { client } from '../api/client.ts'
import { instantOf, Moment } from '../parts/field.tsx'
import { Instant } from '../parts/instant.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { WindowList } from '../parts/window-list.tsx'
import { words } from '../words.ts'

const text = words.executions
const statuses = ['pending', 'running', 'paused', 'completed', 'failed', 'cancelled'] as const
type Status = (typeof statuses)[number]

/** How often the newest are looked at again. */
const pollMilliseconds = 3000

interface ExecutionsProps {
  /** Of one workflow alone. */
  readonly workflowId?: string
}

/** The list with its filters, which stand in the address. */
export function ExecutionList({ workflowId }: ExecutionsProps) {
  const { query, route, path } = useLocation()
  const chosen = statuses.filter((status) => (query['status'] ?? '').split('.').includes(status))
  const { since = '', until = '' } = query
  const go = (change: Readonly<Record<string, string>>): void => {
    const values = Object.entries({ status: chosen.join('.'), since, until, ...change }).filter(
      ([, value]) => value !== '',
    )
    route(`${path}${values.length === 0 ? '' : `?${new URLSearchParams(values).toString()}`}`, true)
  }
  const [from, to] = [instantOf(since), instantOf(until)]
  const filters = {
    ...(chosen.length === 0 ? {} : { status: chosen }),
    ...(workflowId === undefined ? {} : { workflowId }),
    ...(from === '' ? {} : { since: from }),
    ...(to === '' ? {} : { until: to }),
  }
  return (
    <>
      <div class="filters">
        <Statuses chosen={chosen} onChange={(next) => go({ status: next.join('.') })} />
        <div class="together">
          <Moment label={text.since} value={since} onValue={(next) => go({ since: next })} />
          <Moment label={text.until} value={until} onValue={(next) => go({ until: next })} />
        </div>
      </div>
      <WindowList<ExecutionSummary>
        name={JSON.stringify(filters)}
        label={text.title}
        list={(page) => client.executions.list({ ...filters, ...page })}
        keyOf={({ id }) => id}
        row={(execution) => <Row execution={execution} isOfWorkflow={workflowId !== undefined} />}
        pollMilliseconds={pollMilliseconds}
        empty={
          <Empty
            title={Object.keys(filters).length > (workflowId === undefined ? 0 : 1) ? text.noneSuch : text.none}
            advice={text.noneAdvice}
          />
        }
      />
    </>
  )
}

export function ExecutionsPage() {
  return (
    <Page title={text.title}>
      <ExecutionList />
    </Page>
  )
}

interface StatusesProps {
  readonly chosen: readonly Status[]
  readonly onChange: (statuses: readonly Status[]) => void
}

function Statuses({ chosen, onChange }: StatusesProps) {
  return (
    <div class="segments" role="group" aria-label={text.filter}>
      {statuses.map((status) => {
        const isChosen = chosen.includes(status)
        return (
          <button
            key={status}
            type="button"
            class="small"
            aria-pressed={isChosen}
            onClick={() => onChange(isChosen ? chosen.filter((one) => one !== status) : [...chosen, status])}
          >
            {text.status[status]}
          </button>
        )
      })}
    </div>
  )
}

interface RowProps {
  readonly execution: ExecutionSummary
  readonly isOfWorkflow: boolean
}

function Row({ execution, isOfWorkflow }: RowProps) {
  const { id, workflowName, versionNumber, status, error, attempts, maxAttempts, createdAt } = execution
  return (
    <a class="row" href={`/console/executions/${encodeURIComponent(id)}`}>
      <span class="row-main">
        <span class="row-title">{isOfWorkflow ? id : workflowName}</span>
        <span class="row-sub">
          {error === null ? text.attempts(attempts, maxAttempts) : `${error.code}: ${error.message}`}
        </span>
      </span>
      <span class="row-side">
        <StatusBadge status={status} />
        <span>{words.workflows.version(versionNumber)}</span>
        <Instant at={createdAt} />
      </span>
    </a>
  )
}
