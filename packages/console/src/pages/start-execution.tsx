import { exactJson, type Workflow } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { DialogForm } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { JsonField } from '../parts/json-field.tsx'
import { words } from '../words.ts'

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
  const start = async (): Promise<void> => {
    const { id } = await client.executions.start(workflow.id, {
      ...(input.trim() === '' ? {} : { input: exactJson(input) }),
      ...(dueAt === '' ? {} : { dueAt: new Date(dueAt).toISOString() }),
      maxAttempts: Number(maxAttempts),
    })
    route(`/console/executions/${encodeURIComponent(id)}`)
  }
  return (
    <DialogForm
      title={text.title(workflow.name, workflow.versionNumber)}
      verb={text.button}
      onClose={onClose}
      act={start}
    >
      <JsonField label={text.input} begun="{}" onText={setInput} />
      <Field label={text.dueAt} type="datetime-local" value={dueAt} onValue={setDueAt} hint={text.dueAtHint} />
      <Field label={text.maxAttempts} type="number" value={maxAttempts} onValue={setMaxAttempts} isRequired />
    </DialogForm>
  )
}
