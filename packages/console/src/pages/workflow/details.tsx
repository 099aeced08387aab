import type { Workflow } from '@millrace/client'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { Problem } from '../../parts/problem.tsx'
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
  const { run, isBusy, error } = useAction(async () => {
    onChange(await client.workflows.update(workflow, { name, description: description === '' ? null : description }))
    onClose()
  })
  return (
    <Dialog title={text.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Field label={text.name} value={name} onValue={setName} maxLength={255} isRequired isFocused />
        <Field label={text.description} value={description} onValue={setDescription} isMultiline maxLength={100_000} />
        <Problem error={error} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {words.confirm.cancel}
          </button>
          <button class="primary" disabled={isBusy}>
            {text.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
