import { exactJson, type Settings } from '@millrace/client'
import { useMemo, useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { isProblem } from '../api/failure.ts'
import { useAction } from '../api/use-action.ts'
import { useLoad } from '../api/use-load.ts'
import { indented } from '../editor/indented.ts'
import { LabelledInstant } from '../parts/instant.tsx'
import { notify } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { TextEditor } from '../parts/text-editor.ts'
import { words } from '../words.ts'
import { Secrets } from './settings/secrets.tsx'
import { secretsIn } from './settings/secrets-in.ts'

const text = words.settings

export function SettingsPage() {
  const loaded = useLoad('settings', (signal) => client.settings.get({ signal }))
  const { value, error, reload, replace } = loaded
  return (
    <Page title={text.title}>
      <p>{text.explanation}</p>
      <Problem error={error} onRetry={reload} />
      {value === undefined ? null : <SettingsForm settings={value} onChange={replace} />}
    </Page>
  )
}

interface SettingsFormProps {
  readonly settings: Settings
  readonly onChange: (settings: Settings) => void
}

function SettingsForm({ settings, onChange }: SettingsFormProps) {
  const begun = useMemo(() => indented(settings.data), [settings.data])
  const [draft, setDraft] = useState<string>()
  const saving = useAction(async () => {
    onChange(await client.settings.put(exactJson(draft ?? begun), { ifRevision: settings.revision }))
    setDraft(undefined)
    notify(text.saved)
  })
  const secrets = useMemo(() => secretsIn(settings.data), [settings.data])
  const isChanged = draft !== undefined && draft !== begun
  return (
    <>
      <Secrets secrets={secrets} revision={settings.revision} onChange={onChange} />
      <section class="card">
        <h2>{text.document}</h2>
        <p class="faint">{text.documentHint}</p>
        <div class="tall field">
          <TextEditor
            text={begun}
            label={text.document}
            isReadOnly={false}
            allowsSecrets
            onText={setDraft}
            onSave={() => void saving.run()}
          />
        </div>
        <Problem error={saving.error} />
        {isProblem(saving.error, 'precondition_failed') ? <Reload onChange={onChange} /> : null}
        <div class="actions">
          <span class="faint" role="status">
            {settings.updatedAt === null ? (
              text.never
            ) : (
              <LabelledInstant label={text.changed} at={settings.updatedAt} />
            )}
          </span>
          <button
            type="button"
            class="primary"
            disabled={!isChanged || saving.isBusy}
            onClick={() => void saving.run()}
          >
            {text.save}
          </button>
        </div>
      </section>
    </>
  )
}

function Reload({ onChange }: Pick<SettingsFormProps, 'onChange'>) {
  const { run, isBusy } = useAction(async () => onChange(await client.settings.get()))
  return (
    <button type="button" disabled={isBusy} onClick={() => void run()}>
      {text.loadAgain}
    </button>
  )
}
