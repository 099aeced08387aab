import type { ApiKey, MadeApiKey } from '@millrace/client'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useItems } from '../../api/use-items.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Confirmation, Dialog, DialogForm } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { LabelledInstant } from '../../parts/instant.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.apiKeys
const scopes = ['read', 'write', 'worker', 'secrets', 'admin'] as const
type Scope = (typeof scopes)[number]
const mostKeys = 500

export function ApiKeys({ isAdmin }: { readonly isAdmin: boolean }) {
  const { value, error, reload } = useItems('api keys', mostKeys, (page) => client.apiKeys.list(page))
  const [isNew, setNew] = useState(false)
  const [made, setMade] = useState<MadeApiKey>()
  const [removed, setRemoved] = useState<ApiKey>()
  return (
    <section class="card">
      <h2>{text.title}</h2>
      <p class="faint">{value?.length === 0 ? text.none : text.explanation}</p>
      <Problem error={error} onRetry={reload} />
      <ul class="plain">
        {value?.map((key) => (
          <KeyLine key={key.id} apiKey={key} onRemove={() => setRemoved(key)} />
        ))}
      </ul>
      <div class="actions">
        <button type="button" onClick={() => setNew(true)}>
          {text.create}
        </button>
      </div>
      {isNew ? (
        <NewKey
          isAdmin={isAdmin}
          onClose={() => setNew(false)}
          onMade={(key) => {
            setMade(key)
            reload()
          }}
        />
      ) : null}
      {made === undefined ? null : <MadeKey made={made} onClose={() => setMade(undefined)} />}
      {removed === undefined ? null : (
        <Confirmation
          title={text.removeTitle(removed.name)}
          verb={text.remove}
          isDangerous
          onClose={() => setRemoved(undefined)}
          act={async () => {
            await client.apiKeys.remove(removed.id)
            reload()
          }}
        >
          <p>{text.removeMeans}</p>
        </Confirmation>
      )}
    </section>
  )
}

function KeyLine({ apiKey, onRemove }: { readonly apiKey: ApiKey; readonly onRemove: () => void }) {
  return (
    <li class="line">
      <strong class="grow">{apiKey.name}</strong>
      <code>{apiKey.prefix}…</code>
      <span class="faint">{apiKey.scopes.join(', ')}</span>
      <LabelledInstant label={text.used} at={apiKey.lastUsedAt} isFaint />
      {apiKey.expiresAt === null ? null : <LabelledInstant label={text.expires} at={apiKey.expiresAt} isFaint />}
      <button type="button" class="small" onClick={onRemove}>
        {text.remove}
      </button>
    </li>
  )
}

interface NewKeyProps {
  readonly isAdmin: boolean
  readonly onMade: (key: MadeApiKey) => void
  readonly onClose: () => void
}

function NewKey({ isAdmin, onMade, onClose }: NewKeyProps) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<readonly Scope[]>(['read'])
  const [expiresAt, setExpiresAt] = useState('')
  const make = async () =>
    onMade(
      await client.apiKeys.create({
        name,
        scopes: [...chosen],
        ...(expiresAt === '' ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
      }),
    )
  return (
    <DialogForm title={text.create} verb={text.make} isReady={chosen.length > 0} onClose={onClose} act={make}>
      <Field label={text.name} value={name} onValue={setName} maxLength={100} isRequired isFocused />
      <fieldset>
        <legend>{text.scopes}</legend>
        {scopes
          .filter((scope) => scope !== 'admin' || isAdmin)
          .map((scope) => (
            <label key={scope} class="check">
              <input
                type="checkbox"
                checked={chosen.includes(scope)}
                onChange={() =>
                  setChosen(chosen.includes(scope) ? chosen.filter((one) => one !== scope) : [...chosen, scope])
                }
              />
              <span>
                <strong>{scope}</strong> {text.scope[scope]}
              </span>
            </label>
          ))}
      </fieldset>
      <Field
        label={text.expiresAt}
        type="datetime-local"
        value={expiresAt}
        onValue={setExpiresAt}
        hint={text.expiresHint}
      />
    </DialogForm>
  )
}

function MadeKey({ made, onClose }: { readonly made: MadeApiKey; readonly onClose: () => void }) {
  return (
    <Dialog title={text.madeTitle} onClose={onClose}>
      <p>{made.key === null ? text.lost : text.once}</p>
      {made.key === null ? null : (
        <p class="revealed">
          <code>{made.key}</code> <CopyButton text={made.key} label={words.copy.key} />
        </p>
      )}
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          {words.close}
        </button>
      </div>
    </Dialog>
  )
}
