import type { WorkflowSummary } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useEffect, useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { Choice } from '../parts/field.tsx'
import { Instant } from '../parts/instant.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { WindowList } from '../parts/window-list.tsx'
import { words } from '../words.ts'

const scopes = ['all', 'owned', 'shared', 'public'] as const
const sorts = ['createdAt', 'updatedAt'] as const
const text = words.workflows

export function WorkflowsPage() {
  const { query, route } = useLocation()
  const scope = scopes.find((one) => one === query['scope']) ?? 'all'
  const sort = sorts.find((one) => one === query['sort']) ?? 'createdAt'
  const q = query['q'] ?? ''
  const go = (change: { readonly scope?: string; readonly sort?: string; readonly q?: string }): void => {
    route(`/console/workflows${queryOf({ scope, sort, q, ...change })}`, true)
  }
  const filters = { scope, ...(q === '' ? {} : { q }), ...(sort === 'updatedAt' ? { sort } : {}) }
  return (
    <Page
      title={text.title}
      actions={
        <a class="button primary" href="/console/workflows/new">
          {text.create}
        </a>
      }
    >
      <div class="filters">
        <Search value={q} onValue={(next) => go({ q: next })} label={text.search} />
        <Choice
          label={text.scope}
          value={scope}
          options={scopes.map((one) => [one, text.scopes[one]] as const)}
          onValue={(next) => go({ scope: next })}
        />
        <Choice
          label={text.sort}
          value={sort}
          options={sorts.map((one) => [one, text.sorts[one]] as const)}
          onValue={(next) => go({ sort: next })}
        />
      </div>
      <WindowList
        name={JSON.stringify(filters)}
        label={text.title}
        list={(page) => client.workflows.list({ ...filters, ...page })}
        keyOf={({ id }) => id}
        row={(workflow) => <WorkflowRow workflow={workflow} />}
        empty={
          q === '' ? <NoWorkflows scope={scope} /> : <Empty title={text.notFound(q)} advice={text.notFoundAdvice} />
        }
      />
    </Page>
  )
}

function queryOf(values: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(
    Object.entries(values).filter(([, value]) => value !== '' && value !== 'all' && value !== 'createdAt'),
  )
  return query.size === 0 ? '' : `?${query.toString()}`
}

interface SearchProps {
  readonly value: string
  readonly label: string
  readonly onValue: (value: string) => void
}

/** Asks a moment after the last key. */
export function Search({ value, label, onValue }: SearchProps) {
  const [typed, setTyped] = useState(value)
  useEffect(() => {
    if (typed === value) return undefined
    const timer = setTimeout(() => onValue(typed), 250)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <input
      type="search"
      class="search"
      aria-label={label}
      placeholder={label}
      value={typed}
      maxLength={255}
      onInput={({ currentTarget }) => setTyped(currentTarget.value)}
    />
  )
}

function WorkflowRow({ workflow }: { readonly workflow: WorkflowSummary }) {
  const { id, name, description, versionNumber, permission, isPublic, updatedAt } = workflow
  return (
    <a class="row" href={`/console/workflows/${encodeURIComponent(id)}`}>
      <span class="row-main">
        <span class="row-title">{name}</span>
        <span class="row-sub">{description ?? ''}</span>
      </span>
      <span class="row-side">
        {isPublic ? <span class="badge">{text.public}</span> : null}
        {permission === 'owner' ? null : <span class="badge">{text.permission[permission]}</span>}
        <span>{text.version(versionNumber)}</span>
        <Instant at={updatedAt} />
      </span>
    </a>
  )
}

function NoWorkflows({ scope }: { readonly scope: (typeof scopes)[number] }) {
  return (
    <Empty title={text.none[scope]} advice={text.noneAdvice[scope]}>
      {scope === 'all' || scope === 'owned' ? (
        <p>
          <a class="button primary" href="/console/workflows/new">
            {text.create}
          </a>
        </p>
      ) : null}
    </Empty>
  )
}
