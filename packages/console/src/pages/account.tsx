import type { Session } from '@millrace/client'
import { useState } from 'preact/hooks'
import { client } from '../api/client.ts'
import { leaveSession, useSession } from '../api/session.ts'
import { useAction } from '../api/use-action.ts'
import { useItems } from '../api/use-items.ts'
import { Confirmation } from '../parts/dialog.tsx'
import { PasswordField } from '../parts/field.tsx'
import { Form } from '../parts/form.tsx'
import { LabelledInstant } from '../parts/instant.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { words } from '../words.ts'
import { ApiKeys } from './account/api-keys.tsx'
import { deviceWords } from './account/device-words.ts'

const text = words.account
const mostSessions = 500

export function AccountPage() {
  const session = useSession()
  if (session.phase !== 'signedIn') return null
  const { username, email, role, createdAt } = session.user
  return (
    <Page title={text.title}>
      <p class="facts">
        <strong>{username}</strong> <span>{email}</span>
        {role === 'admin' ? <span class="badge">{text.admin}</span> : null}
        <LabelledInstant label={text.since} at={createdAt} />
      </p>
      <ApiKeys isAdmin={role === 'admin'} />
      <Sessions />
      <Password />
      <Leave />
    </Page>
  )
}

function Sessions() {
  const { value, error, reload } = useItems('sessions', mostSessions, (page) => client.auth.sessions(page))
  const ending = useAction(async ({ id }: Session) => {
    await client.auth.endSession(id)
    reload()
  })
  return (
    <section class="card">
      <h2>{text.sessions}</h2>
      <Problem error={error ?? ending.error} onRetry={reload} />
      <ul class="plain">
        {value?.map((session) => (
          <li key={session.id} class="line">
            <span class="grow" title={session.userAgent ?? ''}>
              {deviceWords(session.userAgent)}
            </span>
            {session.current ? <span class="badge ok">{text.current}</span> : null}
            <LabelledInstant label={text.lastUsed} at={session.lastUsedAt} isFaint />
            {session.current ? null : (
              <button type="button" class="small" disabled={ending.isBusy} onClick={() => void ending.run(session)}>
                {text.end}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Password() {
  const [currentPassword, setCurrent] = useState('')
  const [newPassword, setNew] = useState('')
  const [endApiKeys, setEndApiKeys] = useState(false)
  const change = async (): Promise<void> => {
    await client.auth.changePassword({ currentPassword, newPassword, endApiKeys })
    leaveSession()
  }
  return (
    <section class="card">
      <h2>{text.password}</h2>
      <p class="faint">{text.passwordMeans}</p>
      <Form verb={text.changePassword} act={change}>
        <PasswordField label={text.currentPassword} value={currentPassword} onValue={setCurrent} />
        <PasswordField
          label={text.newPassword}
          value={newPassword}
          onValue={setNew}
          isNew
          hint={words.signIn.passwordHint}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={endApiKeys}
            onChange={({ currentTarget }) => setEndApiKeys(currentTarget.checked)}
          />
          {text.endApiKeys}
        </label>
      </Form>
    </section>
  )
}

function Leave() {
  const [isAsked, setAsked] = useState(false)
  const [password, setPassword] = useState('')
  return (
    <section class="card">
      <h2>{text.leave}</h2>
      <p>{text.leaveMeans}</p>
      <div class="actions">
        <button type="button" class="danger" onClick={() => setAsked(true)}>
          {text.leaveButton}
        </button>
      </div>
      {isAsked ? (
        <Confirmation
          title={text.leaveTitle}
          verb={text.leaveButton}
          isDangerous
          onClose={() => setAsked(false)}
          act={async () => {
            await client.auth.leave(password)
            leaveSession()
          }}
        >
          <p>{text.leaveMeans}</p>
          <PasswordField label={words.signIn.password} value={password} onValue={setPassword} isFocused />
        </Confirmation>
      ) : null}
    </section>
  )
}
