import type { Share, Workflow } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { useItems } from '../../api/use-items.ts'
import { Confirmation } from '../../parts/dialog.tsx'
import { Choice, Field } from '../../parts/field.tsx'
import { submitting } from '../../parts/form.tsx'
import { Instant } from '../../parts/instant.tsx'
import { notify } from '../../parts/notice.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'
import { WorkflowFrame } from './workflow-frame.tsx'

const text = words.sharing
const permissions = ['view', 'execute', 'edit'] as const
const mostShares = 1000

export function SharingPage() {
  return (
    <WorkflowFrame tab="sharing">
      {(workflow, onChange) =>
        workflow.permission === 'owner' ? (
          <>
            <Shares workflow={workflow} />
            <Publishing workflow={workflow} onChange={onChange} />
            <Leaving workflow={workflow} onChange={onChange} />
          </>
        ) : (
          <p class="empty">{text.ownerOnly}</p>
        )
      }
    </WorkflowFrame>
  )
}

function Shares({ workflow }: { readonly workflow: Workflow }) {
  const list = useItems(`shares ${workflow.id}`, mostShares, (page) => client.shares.list(workflow.id, page))
  const { value: shares, error, reload } = list
  const [removed, setRemoved] = useState<Share>()
  return (
    <section class="card">
      <h2>{text.title}</h2>
      <NewShare workflow={workflow} onDone={reload} />
      <Problem error={error} onRetry={reload} />
      {shares?.length === 0 ? <p class="faint">{text.none}</p> : null}
      <ul class="plain">
        {shares?.map((share) => (
          <li key={share.id} class="line">
            <strong>{share.username}</strong>
            <span class="badge">{words.workflows.permission[share.permission]}</span>
            <Instant at={share.createdAt} />
            <button type="button" class="small" onClick={() => setRemoved(share)}>
              {text.remove}
            </button>
          </li>
        ))}
      </ul>
      {removed === undefined ? null : (
        <Confirmation
          title={text.removeTitle(removed.username)}
          verb={text.remove}
          isDangerous
          onClose={() => setRemoved(undefined)}
          act={async () => {
            await client.shares.remove(workflow.id, removed.sharedWithUserId)
            reload()
          }}
        >
          <p>{text.removeMeans(removed.username)}</p>
        </Confirmation>
      )}
    </section>
  )
}

interface NewShareProps {
  readonly workflow: Workflow
  readonly onDone: () => void
}

function NewShare({ workflow, onDone }: NewShareProps) {
  const [username, setUsername] = useState('')
  const [permission, setPermission] = useState<(typeof permissions)[number]>('view')
  const { run, isBusy, error } = useAction(async () => {
    await client.shares.put(workflow.id, { username, permission })
    setUsername('')
    onDone()
  })
  return (
    <form onSubmit={submitting(run)}>
      <div class="filters">
        <Field label={text.username} value={username} onValue={setUsername} isRequired maxLength={255} />
        <Choice
          label={text.permission}
          value={permission}
          options={permissions.map((one) => [one, words.workflows.permission[one]] as const)}
          onValue={setPermission}
        />
        <button class="primary" disabled={isBusy}>
          {text.share}
        </button>
      </div>
      <Problem error={error} />
    </form>
  )
}

interface ChangeProps {
  readonly workflow: Workflow
  readonly onChange: (workflow: Workflow) => void
}

function Publishing({ workflow, onChange }: ChangeProps) {
  const [isAsked, setAsked] = useState(false)
  const { isPublic } = workflow
  return (
    <section class="card">
      <h2>{text.publicTitle}</h2>
      <p>{isPublic ? text.isPublic : text.isPrivate}</p>
      <div class="actions">
        <button type="button" onClick={() => setAsked(true)}>
          {isPublic ? text.unpublish : text.publish}
        </button>
      </div>
      {isAsked ? (
        <Confirmation
          title={isPublic ? text.unpublishTitle : text.publishTitle}
          verb={isPublic ? text.unpublish : text.publish}
          onClose={() => setAsked(false)}
          act={async () => onChange(await client.workflows.update(workflow, { isPublic: !isPublic }))}
        >
          <p>{isPublic ? text.unpublishMeans : text.publishMeans}</p>
        </Confirmation>
      ) : null}
    </section>
  )
}

function Leaving({ workflow, onChange }: ChangeProps) {
  const { route } = useLocation()
  const [asked, setAsked] = useState<'transfer' | 'remove'>()
  const [username, setUsername] = useState('')
  return (
    <section class="card">
      <h2>{text.leaving}</h2>
      <div class="actions">
        <button type="button" onClick={() => setAsked('transfer')}>
          {text.transfer}
        </button>
        <button type="button" class="danger" onClick={() => setAsked('remove')}>
          {text.delete}
        </button>
      </div>
      {asked === 'transfer' ? (
        <Confirmation
          title={text.transferTitle(workflow.name)}
          verb={text.transfer}
          isDangerous
          onClose={() => setAsked(undefined)}
          act={async () => onChange(await client.workflows.transfer(workflow, username))}
        >
          <p>{text.transferMeans}</p>
          <Field label={text.username} value={username} onValue={setUsername} isRequired isFocused maxLength={255} />
        </Confirmation>
      ) : null}
      {asked === 'remove' ? (
        <Confirmation
          title={text.deleteTitle(workflow.name)}
          verb={text.delete}
          isDangerous
          typed={workflow.name}
          onClose={() => setAsked(undefined)}
          act={async () => {
            await client.workflows.remove(workflow)
            notify(text.deleted(workflow.name))
            route('/console/workflows')
          }}
        >
          <p>{text.deleteMeans(workflow.versionNumber)}</p>
        </Confirmation>
      ) : null}
    </section>
  )
}
