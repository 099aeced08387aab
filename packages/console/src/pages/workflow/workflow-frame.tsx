import type { Workflow } from '@millrace/client'
import type { ComponentChildren } from 'preact'
import { client } from '../../api/client.ts'
import { useLoad, type Loaded } from '../../api/use-load.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Instant } from '../../parts/instant.tsx'
import { Page, Tabs } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.workflow

export function useWorkflow(id: string): Loaded<Workflow> {
  return useLoad(`workflow ${id}`, (signal) => client.workflows.get(id, { signal }))
}

interface WorkflowFrameProps {
  readonly loaded: Loaded<Workflow>
  readonly id: string
  readonly tab: keyof typeof text.tabs
  readonly actions?: ComponentChildren
  readonly isWide?: boolean
  readonly children: (workflow: Workflow) => ComponentChildren
}

/** What every page of one workflow shows: its name, how it stands, and the other pages. */
export function WorkflowFrame({ loaded, id, tab, actions, isWide, children }: WorkflowFrameProps) {
  const { value: workflow, error, reload } = loaded
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
      actions={workflow === undefined ? null : actions}
    >
      {workflow === undefined ? null : <Facts workflow={workflow} />}
      {isUser ? <Tabs label={text.tabsLabel} current={tab} tabs={tabs} /> : null}
      <Problem error={error} {...(error === undefined ? {} : { onRetry: reload })} />
      {workflow === undefined ? null : children(workflow)}
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
        <span>
          {text.changed} <Instant at={updatedAt} />
        </span>
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
