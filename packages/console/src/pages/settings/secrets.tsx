import { exactJson, type Settings } from '@millrace/client'
import { useEffect, useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Confirmation, Dialog, DialogForm } from '../../parts/dialog.tsx'
import { Field, PasswordField } from '../../parts/field.tsx'
import { notify } from '../../parts/notice.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'
import { patchOf, type SealedSecret } from './secrets-in.ts'

const text = words.settings

interface SecretsProps {
  readonly secrets: readonly SealedSecret[]
  readonly revision: number
  readonly onChange: (settings: Settings) => void
}

/** Sealed values: named, set and taken out one by one; a value is in the page only while it was asked to be. */
export function Secrets({ secrets, revision, onChange }: SecretsProps) {
  const [set, setSet] = useState<string>()
  const [revealed, setRevealed] = useState<string>()
  const [removed, setRemoved] = useState<string>()
  return (
    <section class="card">
      <h2>{text.secrets}</h2>
      {secrets.length === 0 ? <p class="faint">{text.noSecrets}</p> : null}
      <ul class="plain">
        {secrets.map(({ pointer, hint }) => (
          <li key={pointer} class="line">
            <code>{pointer}</code> <span class="faint">{hint}</span>
            <span class="actions">
              <button type="button" class="small" onClick={() => setRevealed(pointer)}>
                {text.reveal}
              </button>
              <button type="button" class="small" onClick={() => setSet(pointer)}>
                {text.replace}
              </button>
              <button type="button" class="small" onClick={() => setRemoved(pointer)}>
                {text.remove}
              </button>
            </span>
          </li>
        ))}
      </ul>
      <div class="actions">
        <button type="button" onClick={() => setSet('/')}>
          {text.addSecret}
        </button>
      </div>
      {set === undefined ? null : (
        <SetSecret pointer={set} revision={revision} onChange={onChange} onClose={() => setSet(undefined)} />
      )}
      {revealed === undefined ? null : <Reveal pointer={revealed} onClose={() => setRevealed(undefined)} />}
      {removed === undefined ? null : (
        <Confirmation
          title={text.removeTitle(removed)}
          verb={text.remove}
          isDangerous
          onClose={() => setRemoved(undefined)}
          act={async () =>
            onChange(await client.settings.patch(exactJson(patchOf(removed, null)), { ifRevision: revision }))
          }
        >
          <p>{text.removeMeans}</p>
        </Confirmation>
      )}
    </section>
  )
}

interface SetSecretProps extends Pick<SecretsProps, 'revision' | 'onChange'> {
  readonly pointer: string
  readonly onClose: () => void
}

function SetSecret({ pointer: begun, revision, onChange, onClose }: SetSecretProps) {
  const [pointer, setPointer] = useState(begun)
  const [value, setValue] = useState('')
  const seal = async (): Promise<void> => {
    if (!/^(\/([^~]|~0|~1)+)+$/.test(pointer) || pointer.includes('//')) throw new Error(text.badPointer)
    const patch = exactJson(patchOf(pointer, { $secret: value }))
    onChange(await client.settings.patch(patch, { ifRevision: revision }))
    notify(text.sealed(pointer))
  }
  return (
    <DialogForm title={text.setTitle} verb={text.seal} onClose={onClose} act={seal}>
      <Field
        label={text.pointer}
        value={pointer}
        onValue={setPointer}
        isRequired
        isFocused={begun === '/'}
        hint={text.pointerHint}
      />
      <PasswordField
        label={text.value}
        value={value}
        onValue={setValue}
        isNew
        isFocused={begun !== '/'}
        hint={text.valueHint}
      />
    </DialogForm>
  )
}

const shownMilliseconds = 30_000

/** Asked for a second time, shown for half a minute. */
function Reveal({ pointer, onClose }: { readonly pointer: string; readonly onClose: () => void }) {
  const [value, setValue] = useState<string>()
  const { run, isBusy, error } = useAction(async () => setValue(await client.settings.reveal(pointer)))
  useEffect(() => {
    if (value === undefined) return undefined
    const timer = setTimeout(onClose, shownMilliseconds)
    return () => clearTimeout(timer)
  }, [value])
  return (
    <Dialog title={text.revealTitle(pointer)} onClose={onClose}>
      {value === undefined ? (
        <p>{text.revealMeans}</p>
      ) : (
        <p class="revealed">
          <code>{value}</code> <CopyButton text={value} label={words.copy.value} />
        </p>
      )}
      <Problem error={error} />
      <div class="actions">
        <button type="button" onClick={onClose}>
          {value === undefined ? words.confirm.cancel : words.close}
        </button>
        {value === undefined ? (
          <button type="button" class="primary" disabled={isBusy} onClick={() => void run()}>
            {text.reveal}
          </button>
        ) : null}
      </div>
    </Dialog>
  )
}
