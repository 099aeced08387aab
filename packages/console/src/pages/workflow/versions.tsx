import type { VersionSummary, Workflow } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useItems } from '../../api/use-items.ts'
import { Confirmation } from '../../parts/dialog.tsx'
import { submitting } from '../../parts/form.tsx'
import { Instant } from '../../parts/instant.tsx'
import { notify } from '../../parts/notice.tsx'
import { Problem } from '../../parts/problem.tsx'
import { Who } from '../../parts/who.tsx'
import { words } from '../../words.ts'
import { mayEdit, WorkflowFrame } from './workflow-frame.tsx'

const text = words.versions

/** Versions read for the time line; a workflow with more shows its newest. */
const mostVersions = 500

export function VersionsPage() {
  return (
    <WorkflowFrame tab="versions">
      {(workflow, onChange) => <TimeLine workflow={workflow} onChange={onChange} />}
    </WorkflowFrame>
  )
}

interface TimeLineProps {
  readonly workflow: Workflow
  readonly onChange: (workflow: Workflow) => void
}

function TimeLine({ workflow, onChange }: TimeLineProps) {
  const { route } = useLocation()
  const list = useItems(`versions ${workflow.id} ${workflow.versionNumber}`, mostVersions, (page) =>
    client.versions.list(workflow.id, page),
  )
  const { value: versions, error, reload } = list
  const [from, setFrom] = useState(Math.max(1, workflow.versionNumber - 1))
  const [to, setTo] = useState(workflow.versionNumber)
  const [restored, setRestored] = useState<number>()
  const base = `/console/workflows/${encodeURIComponent(workflow.id)}/versions`
  return (
    <>
      <Problem error={error} onRetry={reload} />
      <form class="filters" onSubmit={submitting(() => route(`${base}/${from}/${to}`))}>
        <p>{text.explanation}</p>
        <button class="primary" disabled={from === to}>
          {text.compare(from, to)}
        </button>
      </form>
      <ol class="time-line">
        {versions?.map((version) => (
          <li key={version.id}>
            <Version version={version} current={workflow.versionNumber}>
              <Pick name="from" number={version.versionNumber} chosen={from} onChoose={setFrom} />
              <Pick name="to" number={version.versionNumber} chosen={to} onChoose={setTo} />
              {mayEdit(workflow) && version.versionNumber !== workflow.versionNumber ? (
                <button type="button" class="small" onClick={() => setRestored(version.versionNumber)}>
                  {text.restore}
                </button>
              ) : null}
            </Version>
          </li>
        ))}
      </ol>
      {restored === undefined ? null : (
        <RestoreDialog
          workflow={workflow}
          number={restored}
          onClose={() => setRestored(undefined)}
          onRestore={(next) => {
            onChange(next)
            setTo(next.versionNumber)
          }}
        />
      )}
    </>
  )
}

interface RestoreDialogProps {
  readonly workflow: Workflow
  readonly number: number
  readonly onClose: () => void
  readonly onRestore: (workflow: Workflow) => void
}

function RestoreDialog({ workflow, number, onClose, onRestore }: RestoreDialogProps) {
  const restore = async (): Promise<void> => {
    const next = await client.versions.restore(workflow, number)
    onRestore(next)
    notify(text.restored(number, next.versionNumber))
  }
  return (
    <Confirmation title={text.restoreTitle(number)} verb={text.restore} onClose={onClose} act={restore}>
      <p>{text.restoreMeans(number, workflow.versionNumber + 1)}</p>
    </Confirmation>
  )
}

interface VersionProps {
  readonly version: VersionSummary
  readonly current: number
  readonly children: preact.ComponentChildren
}

function Version({ version, current, children }: VersionProps) {
  const { versionNumber, changeNotes, createdAt, createdBy } = version
  return (
    <div class="version">
      <span class="version-number">{words.workflows.version(versionNumber)}</span>
      {versionNumber === current ? <span class="badge">{text.current}</span> : null}
      <Instant at={createdAt} />
      <span class="faint">
        {createdBy === null ? (
          text.byNobody
        ) : (
          <>
            {text.by}
            <Who id={createdBy} />
          </>
        )}
      </span>
      <p class="version-notes">{changeNotes ?? ''}</p>
      <span class="version-actions">{children}</span>
    </div>
  )
}

interface PickProps {
  readonly name: 'from' | 'to'
  readonly number: number
  readonly chosen: number
  readonly onChoose: (number: number) => void
}

function Pick({ name, number, chosen, onChoose }: PickProps) {
  return (
    <label class="pick">
      <input
        type="radio"
        name={name}
        checked={number === chosen}
        aria-label={text.pick[name](number)}
        onChange={() => onChoose(number)}
      />
      {text[name]}
    </label>
  )
}
