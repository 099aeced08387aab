import { exactJson } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { Field } from '../parts/field.tsx'
import { submitting } from '../parts/form.tsx'
import { notify } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { TextEditor } from '../parts/text-editor.ts'
import { words } from '../words.ts'

const text = words.newWorkflow
const example = '{\n  "nodes": [],\n  "edges": []\n}'

export function NewWorkflowPage() {
  const { route } = useLocation()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [begun, setBegun] = useState(example)
  const [definition, setDefinition] = useState(example)
  const creating = useAction(async () => {
    const { id } = await client.workflows.create({
      name,
      ...(description === '' ? {} : { description }),
      definition: exactJson(definition),
    })
    route(`/console/workflows/${encodeURIComponent(id)}`)
  })
  const fillIn = (file: ReadFile): void => {
    setBegun(file.definition)
    setDefinition(file.definition)
    setName(name === '' ? file.name : name)
  }
  return (
    <Page title={text.title}>
      <FilesField onSingleFile={fillIn} />
      <form onSubmit={submitting(creating.run)}>
        <Field label={text.name} value={name} onValue={setName} maxLength={255} isRequired />
        <Field label={text.description} value={description} onValue={setDescription} maxLength={100_000} />
        <div class="field tall">
          <span>{text.definition}</span>
          <TextEditor
            text={begun}
            label={text.definition}
            isReadOnly={false}
            onText={setDefinition}
            onSave={() => void creating.run()}
          />
        </div>
        <Problem error={creating.error} />
        <div class="actions">
          <a class="button" href="/console/workflows">
            {words.confirm.cancel}
          </a>
          <button class="primary" disabled={creating.isBusy}>
            {text.create}
          </button>
        </div>
      </form>
    </Page>
  )
}

/** Several files are workflows at once; what is in a single one is looked at first. */
function FilesField({ onSingleFile }: { readonly onSingleFile: (file: ReadFile) => void }) {
  const { route } = useLocation()
  const importing = useAction(async (files: readonly File[]) => {
    const read = await readFiles(files)
    const [single] = read
    if (read.length === 1 && single !== undefined) return onSingleFile(single)
    const created = await client.workflows.createAll(
      read.map((file) => ({ name: file.name, definition: exactJson(file.definition) })),
    )
    notify(text.imported(created.length))
    route('/console/workflows')
  })
  return (
    <>
      <label class="drop">
        <span>{text.files}</span>
        <input
          type="file"
          accept=".json,application/json"
          multiple
          disabled={importing.isBusy}
          onChange={({ currentTarget }) => void importing.run([...(currentTarget.files ?? [])])}
        />
        <small>{text.filesHint}</small>
      </label>
      <Problem error={importing.error} />
    </>
  )
}

interface ReadFile {
  readonly name: string
  /** The file's text without the white space around it, as `millrace import` takes it. */
  readonly definition: string
}

async function readFiles(files: readonly File[]): Promise<readonly ReadFile[]> {
  if (files.length > 100) throw new Error(text.tooMany)
  return Promise.all(files.map(readFile))
}

async function readFile(file: File): Promise<ReadFile> {
  const definition = (await file.text()).replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  try {
    const parsed: unknown = JSON.parse(definition)
    return { name: nameIn(parsed) ?? file.name.replace(/\.json$/i, ''), definition }
  } catch (error) {
    throw new Error(text.badFile(file.name, error instanceof Error ? error.message : ''), { cause: error })
  }
}

function nameIn(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || !('name' in parsed)) return undefined
  return typeof parsed.name === 'string' && parsed.name !== '' ? parsed.name.slice(0, 255) : undefined
}
