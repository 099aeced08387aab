import type { Workflow } from '@millrace/client'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { DialogForm } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { words } from '../../words.ts'

const text = words.details

interface DetailsProps {
  readonly workflow: Workflow
  readonly onChange: (workflow: Workflow) => void
}

export function DetailsButton(props: DetailsProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {text.button}
      </button>
      {isOpen ? <Details {...props} onClose={() => setOpen(false)} /> : null}
    </>
  )
}

function Details({ workflow, onChange, onClose }: DetailsProps & { readonly onClose: () => void }) {
  const [name, setName] = useState(workflow.name)
  const [description, setDescription] = useState(workflow.description ?? '')
  const save = async () =>
    onChange(await client.workflows.update(workflow, { name, description: description === '' ? null : description }))
  return (
    <DialogForm title={text.title} verb={text.save} onClose={onClose} act={save}>
      <Field label={text.name} value={name} onValue={setName} maxLength={255} isRequired isFocused />
      <Field label={text.description} value={description} onValue={setDescription} isMultiline maxLength={100_000} />
    </DialogForm>
  )
}
