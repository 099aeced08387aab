import { useState } from 'preact/hooks'
import { logIn, register } from '../api/session.ts'
import { Field, PasswordField } from '../parts/field.tsx'
import { Form } from '../parts/form.tsx'
import { words } from '../words.ts'
import { ThemeChoice } from './theme.tsx'

/** Stands in place of every page until one is signed in; the page that was asked for shows then. */
export function SignIn() {
  const [isNew, setNew] = useState(location.hash === '#register')
  return (
    <main class="alone">
      <div class="card sign-in">
        <p class="brand">
          <span class="brand-mark" aria-hidden="true" /> Millrace
        </p>
        <h1>{isNew ? words.signIn.newTitle : words.signIn.title}</h1>
        {isNew ? <Registration /> : <LogIn />}
        <p>
          {isNew ? words.signIn.hasAccount : words.signIn.noAccount}{' '}
          <button type="button" class="link" onClick={() => setNew(!isNew)}>
            {isNew ? words.signIn.toLogIn : words.signIn.toRegister}
          </button>
        </p>
        <ThemeChoice />
      </div>
    </main>
  )
}

function LogIn() {
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  return (
    <Form verb={words.signIn.logIn} act={() => logIn({ username, password })}>
      <Field
        label={words.signIn.username}
        value={username}
        onValue={setUsername}
        autoComplete="username"
        isRequired
        isFocused
      />
      <PasswordField label={words.signIn.password} value={password} onValue={setPassword} />
    </Form>
  )
}

function Registration() {
  const [username, setUsername] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  return (
    <Form verb={words.signIn.register} act={() => register({ username, email, password })}>
      <Field
        label={words.signIn.newUsername}
        value={username}
        onValue={setUsername}
        autoComplete="username"
        hint={words.signIn.usernameHint}
        isRequired
        isFocused
      />
      <Field label={words.signIn.email} type="email" value={email} onValue={setEmail} autoComplete="email" isRequired />
      <PasswordField
        label={words.signIn.password}
        value={password}
        onValue={setPassword}
        isNew
        hint={words.signIn.passwordHint}
      />
    </Form>
  )
}
