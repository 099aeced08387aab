import type { Workflow } from '@millrace/client'
import type { ComponentChildren } from 'preact'
import { useRoute } from 'preact-iso'
import { client } from '../../api/client.ts'
import { useLoad } from '../../api/use-load.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { LabelledInstant } from '../../parts/instant.tsx'
import { Page, Tabs } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.workflow

/** What shows a workflow; `onChange` takes the next state of it. */
type WorkflowPart = (workflow: Workflow, onChange: (workflow: Workflow) => void) => ComponentChildren

interface WorkflowFrameProps {
  readonly tab: keyof typeof text.tabs
  readonly actions?: WorkflowPart
  readonly isWide?: boolean
  readonly children: WorkflowPart
}

/** What every page of the workflow in the address shows: its name, how it stands, and the other pages. */
export function WorkflowFrame({ tab, actions, isWide, children }: WorkflowFrameProps) {
  const { params } = useRoute()
  const id = params['id'] ?? ''
  const {
    value: workflow,
    error,
    reload,
    replace,
  } = useLoad(`workflow ${id}`, (signal) => client.workflows.get(id, { signal }))
  const base = `/console/workflows/${encodeURIComponent(id)}`
  const isUser = workflow?.permission !== undefined
  const tabs = [
    ['definition', base, text.tabs.definition],
    ['versions', `${base}/versions`, text.tabs.versions],
    ['executions', `${base}/executions`, text.tabs.executions],
    ['schedules', `${base}/schedules`, text.tabs.schedules],
    ['sharing', `${base}/sharing`, text.tabs.sharing],
  ] as const
  return (
    <Page
      title={workflow?.name ?? (error === undefined ? text.loading : text.title)}
      isWide={isWide === true}
      above={
        <nav aria-label={text.trail} class="trail">
          <a href="/console/workflows">{words.nav.workflows}</a>
        </nav>
      }
      actions={workflow === undefined ? null : actions?.(workflow, replace)}
    >
      {workflow === undefined ? null : <Facts workflow={workflow} />}
      {isUser ? <Tabs label={text.tabsLabel} current={tab} tabs={tabs} /> : null}
      <Problem error={error} {...(error === undefined ? {} : { onRetry: reload })} />
      {workflow === undefined ? null : children(workflow, replace)}
    </Page>
  )
}

function Facts({ workflow }: { readonly workflow: Workflow }) {
  const { id, description, versionNumber, isPublic, permission, updatedAt } = workflow
  return (
    <>
      {description === null || description === '' ? null : <p class="description">{description}</p>}
      <p class="facts">
        <span>{words.workflows.version(versionNumber)}</span>
        <LabelledInstant label={text.changed} at={updatedAt} />
        {isPublic ? <span class="badge">{words.workflows.public}</span> : null}
        {permission === 'owner' ? null : <span class="badge">{words.workflows.permission[permission]}</span>}
        <span>
          <code>{id}</code> <CopyButton text={id} label={words.copy.id} />
        </span>
      </p>
    </>
  )
}

export function mayEdit({ permission }: Workflow): boolean {
  return permission === 'edit' || permission === 'owner'
}

export function mayExecute({ permission }: Workflow): boolean {
  return permission !== 'view'
}
