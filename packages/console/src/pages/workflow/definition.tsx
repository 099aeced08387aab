import { exactJson, type Workflow } from '@millrace/client'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { isProblem } from '../../api/failure.ts'
import { useAction } from '../../api/use-action.ts'
import type { Path } from '../../graph/graph.ts'
import { Field } from '../../parts/field.tsx'
import { submitting } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Problem } from '../../parts/problem.tsx'
import { TextEditor } from '../../parts/text-editor.ts'
import { words } from '../../words.ts'
import { StartButton } from '../start-execution.tsx'
import { Conflict } from './conflict.tsx'
import { DetailsButton } from './details.tsx'
import { Drawing } from './drawing.tsx'
import { mayEdit, mayExecute, WorkflowFrame } from './workflow-frame.tsx'

const text = words.definition

/** What was typed and not saved, by workflow: it outlives a look at another page. */
const drafts = new Map<string, string>()

export function DefinitionPage() {
  return (
    <WorkflowFrame
      tab="definition"
      isWide
      actions={(workflow, onChange) => (
        <>
          {mayEdit(workflow) ? <DetailsButton workflow={workflow} onChange={onChange} /> : null}
          {mayExecute(workflow) ? <StartButton workflow={workflow} /> : null}
        </>
      )}
    >
      {(workflow, onChange) => <Definition workflow={workflow} onChange={onChange} key={workflow.id} />}
    </WorkflowFrame>
  )
}

interface DefinitionProps {
  readonly workflow: Workflow
  readonly onChange: (workflow: Workflow) => void
}

function Definition({ workflow, onChange }: DefinitionProps) {
  const [draft, setDraft] = useState<string>(drafts.get(workflow.id) ?? workflow.definition)
  const [selected, setSelected] = useState<Path>()
  const isChanged = draft !== workflow.definition
  useKeptDraft(workflow.id, isChanged ? draft : undefined)
  const saving = useSaving(workflow, draft, onChange)
  const parsed = useParsed(draft)
  const isReadOnly = !mayEdit(workflow)
  const [begun, setBegun] = useState<string>(draft)
  const take = (taken: string): void => {
    setBegun(taken)
    setDraft(taken)
  }
  return (
    <>
      {saving.theirs === undefined ? null : (
        <Conflict
          theirs={saving.theirs}
          mine={draft}
          onTakeTheirs={(theirs) => {
            onChange(theirs)
            take(theirs.definition)
            saving.settle()
          }}
          onKeepMine={(theirs) => void saving.save(theirs)}
          onBack={saving.settle}
        />
      )}
      <div class="split">
        <Drawing definition={parsed} onSelect={setSelected} />
        <section class="split-text" aria-label={text.label}>
          <TextEditor
            text={begun}
            label={text.label}
            isReadOnly={isReadOnly}
            onText={setDraft}
            onSave={() => void saving.save(workflow)}
            revealed={selected}
          />
        </section>
      </div>
      {isReadOnly ? null : (
        <SaveBar
          saving={saving}
          workflow={workflow}
          isChanged={isChanged}
          onDiscard={() => take(workflow.definition)}
        />
      )}
    </>
  )
}

interface SaveBarProps {
  readonly saving: ReturnType<typeof useSaving>
  readonly workflow: Workflow
  readonly isChanged: boolean
  readonly onDiscard: () => void
}

function SaveBar({ saving, workflow, isChanged, onDiscard }: SaveBarProps) {
  return (
    <form class="save-bar" onSubmit={submitting(() => saving.save(workflow))}>
      <Field
        label={text.notes}
        value={saving.notes}
        onValue={saving.setNotes}
        placeholder={text.notesPlaceholder}
        maxLength={10_000}
      />
      <span class="faint" role="status">
        {isChanged ? text.unsaved : text.saved}
      </span>
      <button type="button" disabled={!isChanged} onClick={onDiscard}>
        {text.discard}
      </button>
      <button class="primary" disabled={!isChanged || saving.isBusy}>
        {text.save}
      </button>
      <Problem error={saving.error} />
    </form>
  )
}

/** Saves the draft over what was seen; where that is no longer what is there, `theirs` is. */
function useSaving(workflow: Workflow, draft: string, onChange: (workflow: Workflow) => void) {
  const [notes, setNotes] = useState('')
  const [theirs, setTheirs] = useState<Workflow>()
  const action = useAction(async (seen: Workflow) => {
    const change = { definition: exactJson(draft), ...(notes === '' ? {} : { changeNotes: notes }) }
    try {
      const saved = await client.workflows.update(seen, change)
      setTheirs(undefined)
      setNotes('')
      onChange(saved)
      notify(text.savedAs(saved.versionNumber))
    } catch (error) {
      if (!isProblem(error, 'precondition_failed')) throw error
      setTheirs(await client.workflows.get(workflow.id))
    }
  })
  return {
    notes,
    setNotes,
    theirs,
    settle: () => setTheirs(undefined),
    save: action.run,
    isBusy: action.isBusy,
    error: action.error instanceof SyntaxError ? new Error(text.notJson(action.error.message)) : action.error,
  }
}

function useKeptDraft(id: string, draft: string | undefined): void {
  useEffect(() => {
    if (draft === undefined) {
      drafts.delete(id)
      return undefined
    }
    drafts.set(id, draft)
    const listener = (event: BeforeUnloadEvent): void => event.preventDefault()
    addEventListener('beforeunload', listener)
    return () => removeEventListener('beforeunload', listener)
  }, [id, draft])
}

/** What the text says, a moment after the last key; while it is no JSON, what it said before. */
function useParsed(draft: string): unknown {
  const [settled, setSettled] = useState(draft)
  const [good, setGood] = useState<unknown>(() => parse(draft))
  useEffect(() => {
    const timer = setTimeout(() => setSettled(draft), 300)
    return () => clearTimeout(timer)
  }, [draft])
  useEffect(() => {
    const parsed = parse(settled)
    if (parsed !== undefined) setGood((was: unknown) => (JSON.stringify(was) === JSON.stringify(parsed) ? was : parsed))
  }, [settled])
  return useMemo(() => good, [good])
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    // Half typed: the editor says where.
    return undefined
  }
}
