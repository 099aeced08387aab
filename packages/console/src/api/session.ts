import { read, type Credentials, type LoggedIn, type Registration, type User } from '@millrace/client'
import { useEffect, useState } from 'preact/hooks'
import { client } from './client.ts'
import { exclusively, onSignedOut, tokens } from './tokens.ts'

export type Session =
  | { readonly phase: 'starting' }
  | { readonly phase: 'signedOut' }
  | { readonly phase: 'signedIn'; readonly user: User }
  | { readonly phase: 'unreachable'; readonly error: unknown }

let session: Session = { phase: 'starting' }
const listeners = new Set<() => void>()
/** Tells the other tabs who came or went. */
const tabs = new BroadcastChannel('millrace-session')

function become(next: Session): void {
  session = next
  for (const listener of listeners) listener()
}

function tellTabs(word: 'in' | 'out'): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin
  tabs.postMessage(word)
}

onSignedOut(() => become({ phase: 'signedOut' }))
tabs.addEventListener('message', ({ data }) => {
  if (data === 'out') void tokens.save(undefined)
  if (data === 'in' && session.phase === 'signedOut') void startSession()
})

export function useSession(): Session {
  const [, render] = useState(0)
  useEffect(() => {
    const listener = (): void => render((count) => count + 1)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
  return session
}

/** Takes up the session of the cookie, where there is one. */
export async function startSession(): Promise<void> {
  try {
    const reply = await exclusively(() =>
      client.ask({ method: 'POST', path: '/console/session/refresh', isOpen: true, isRepeatable: true }),
    )
    if (reply.status === 204) return become({ phase: 'signedOut' })
    const { user, accessToken, refreshToken } = read<LoggedIn>(reply)
    await tokens.save({ accessToken, refreshToken })
    become({ phase: 'signedIn', user })
  } catch (error) {
    become(isOver(error) ? { phase: 'signedOut' } : { phase: 'unreachable', error })
  }
}

function isOver(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 401
}

export async function logIn(credentials: Credentials): Promise<void> {
  enter(await client.auth.login(credentials))
}

export async function register(registration: Registration): Promise<void> {
  enter(await client.auth.register(registration))
}

function enter(user: User): void {
  become({ phase: 'signedIn', user })
  tellTabs('in')
}

/**
 * Ends the session. The cookie goes with the service's answer: a page that forgot the session sooner would take it up again
 * when it is loaded anew.
 */
export async function logOut(): Promise<void> {
  // Not while a refresh is under way, in another tab either: its answer would bring the next cookie.
  await exclusively(() =>
    client.ask({ method: 'POST', path: '/console/session/logout', isOpen: true, isRepeatable: true }),
  )
  tellTabs('out')
  await tokens.save(undefined)
}

/** After what ends the session by itself: a new password, a deleted account. */
export function leaveSession(): void {
  tellTabs('out')
  void client.ask({ method: 'POST', path: '/console/session/logout', isOpen: true })
}
