import { exactJson, type Workflow } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { later } from '../parts/later.tsx'
import { Problem } from '../parts/problem.tsx'
import { words } from '../words.ts'

const TextEditor = later(() => import('../editor/text-editor.tsx').then(({ TextEditor: component }) => component), {
  classes: 'editor',
})

const text = words.start

export function StartButton({ workflow }: { readonly workflow: Pick<Workflow, 'id' | 'name' | 'versionNumber'> }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="primary" onClick={() => setOpen(true)}>
        {text.button}
      </button>
      {isOpen ? <Start workflow={workflow} onClose={() => setOpen(false)} /> : null}
    </>
  )
}

interface StartProps {
  readonly workflow: Pick<Workflow, 'id' | 'name' | 'versionNumber'>
  readonly onClose: () => void
}

function Start({ workflow, onClose }: StartProps) {
  const { route } = useLocation()
  const [input, setInput] = useState('{}')
  const [dueAt, setDueAt] = useState('')
  const [maxAttempts, setMaxAttempts] = useState('3')
  const { run, isBusy, error } = useAction(async () => {
    const { id } = await client.executions.start(workflow.id, {
      ...(input.trim() === '' ? {} : { input: exactJson(input) }),
      ...(dueAt === '' ? {} : { dueAt: new Date(dueAt).toISOString() }),
      maxAttempts: Number(maxAttempts),
    })
    route(`/console/executions/${encodeURIComponent(id)}`)
  })
  return (
    <Dialog title={text.title(workflow.name, workflow.versionNumber)} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <div class="field">
          <span>{text.input}</span>
          <TextEditor text="{}" label={text.input} isReadOnly={false} needsObject={false} onText={setInput} />
        </div>
        <Field label={text.dueAt} type="datetime-local" value={dueAt} onValue={setDueAt} hint={text.dueAtHint} />
        <Field label={text.maxAttempts} type="number" value={maxAttempts} onValue={setMaxAttempts} isRequired />
        <Problem error={error} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {words.confirm.cancel}
          </button>
          <button class="primary" disabled={isBusy}>
            {text.button}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
