import type { Execution, RecordedStep } from '@millrace/client'
import { useRoute } from 'preact-iso'
import { useMemo } from 'preact/hooks'
import { client } from '../api/client.ts'
import { useLoad } from '../api/use-load.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { LabelledInstant } from '../parts/instant.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { words } from '../words.ts'
import { ExecutionActions } from './execution/actions.tsx'
import { DocumentText } from './execution/document-text.tsx'
import { History } from './execution/history.tsx'
import { Steps } from './execution/steps.tsx'
import { TimeLine } from './execution/time-line.tsx'
import { useLiveExecution } from './execution/use-live-execution.ts'
import { Drawing } from './workflow/drawing.tsx'

const text = words.execution

export function ExecutionPage() {
  const { params } = useRoute()
  const id = params['id'] ?? ''
  const live = useLiveExecution(id)
  const { execution, error, reload } = live
  return (
    <Page
      title={execution === undefined ? text.title : text.of(execution.workflowName)}
      isWide
      above={
        <nav aria-label={words.workflow.trail} class="trail">
          <a href="/console/executions">{words.nav.executions}</a>
          {execution === undefined ? null : (
            <a href={`/console/workflows/${encodeURIComponent(execution.workflowId)}`}>{execution.workflowName}</a>
          )}
        </nav>
      }
      actions={execution === undefined ? null : <ExecutionActions live={live} execution={execution} />}
    >
      <Problem error={error} onRetry={reload} />
      {execution === undefined ? null : (
        <>
          <Facts execution={execution} isLive={live.isLive} />
          <Failure execution={execution} />
          <Graph execution={execution} steps={live.steps} />
          <TimeLine execution={execution} history={live.history} steps={live.steps} />
          <div class="columns">
            <section class="card">
              <h2>{text.input}</h2>
              <DocumentText label={text.input} document={execution.input} />
            </section>
            <section class="card">
              <h2>{execution.completedAt === null ? text.state : text.output}</h2>
              <DocumentText label={text.state} document={execution.state} />
            </section>
          </div>
          <Steps steps={live.steps} />
          <History history={live.history} signals={live.signals} />
        </>
      )}
    </Page>
  )
}

function Facts({ execution, isLive }: { readonly execution: Execution; readonly isLive: boolean }) {
  const { id, status, versionNumber, attempts, maxAttempts, createdAt, startedAt, completedAt, dueAt } = execution
  return (
    <p class="facts">
      <span role="status">
        <StatusBadge status={status} />
      </span>
      {isLive ? <span class="live">{text.live}</span> : null}
      <span>{words.workflows.version(versionNumber)}</span>
      <span>{words.executions.attempts(attempts, maxAttempts)}</span>
      <LabelledInstant label={text.created} at={createdAt} />
      {startedAt === null ? null : <LabelledInstant label={text.started} at={startedAt} />}
      {completedAt === null ? null : <LabelledInstant label={text.ended} at={completedAt} />}
      {dueAt === null || completedAt !== null ? null : <LabelledInstant label={text.due} at={dueAt} />}
      <span>
        <code>{id}</code> <CopyButton text={id} label={words.copy.id} />
      </span>
    </p>
  )
}

function Failure({ execution: { error, waitFor } }: { readonly execution: Execution & Waiting }) {
  return (
    <>
      {error === null ? null : (
        <section class="problem" aria-label={text.error}>
          <p class="problem-title">{error.code}</p>
          <p>{error.message}</p>
          {error.details === undefined ? null : (
            <DocumentText label={text.error} document={JSON.stringify(error.details, null, 2)} />
          )}
        </section>
      )}
      {waitFor === null || waitFor.length === 0 ? null : <p class="waiting">{text.waits(waitFor)}</p>}
    </>
  )
}

interface Waiting {
  /** The signals that it waits for, while it is paused. */
  readonly waitFor?: readonly string[] | null
}

interface GraphProps {
  readonly execution: Execution
  readonly steps: readonly RecordedStep[]
}

/** The version that it runs, its nodes coloured by the steps that name them. */
function Graph({ execution: { workflowId, versionNumber, status }, steps }: GraphProps) {
  // One who started it may not see the workflow any more: then there is no graph.
  const { value } = useLoad(`version ${workflowId} ${versionNumber}`, (signal) =>
    client.versions.get(workflowId, versionNumber, { signal }),
  )
  const definition = useMemo<unknown>(() => (value === undefined ? undefined : JSON.parse(value.definition)), [value])
  const marks = useMemo(
    () => new Map(steps.map(({ key, error }) => [key, error === null ? 'done' : 'failed'])),
    [steps, status],
  )
  if (definition === undefined) return <div class="drawing" aria-busy="true" />
  return (
    <div class="drawing">
      <Drawing definition={definition} marks={marks} />
    </div>
  )
}
