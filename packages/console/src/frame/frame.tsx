import type { User } from '@millrace/client'
import { useLocation } from 'preact-iso'
import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { logOut } from '../api/session.ts'
import { useAction } from '../api/use-action.ts'
import { Notices, notify } from '../parts/notice.tsx'
import { words } from '../words.ts'
import { useShortcuts } from './shortcuts.tsx'
import { ThemeChoice } from './theme.tsx'

interface FrameProps {
  readonly user: User
  readonly children: ComponentChildren
}

type Place = readonly [href: string, label: string]

const places: readonly Place[] = [
  ['/console/workflows', words.nav.workflows],
  ['/console/executions', words.nav.executions],
  ['/console/settings', words.nav.settings],
  ['/console/audit', words.nav.audit],
]
const adminPlaces: readonly Place[] = [
  ['/console/admin', words.nav.status],
  ['/console/admin/metrics', words.nav.metrics],
  ['/console/admin/users', words.nav.users],
  ['/console/admin/backups', words.nav.backups],
]

export function Frame({ user, children }: FrameProps) {
  const main = useRef<HTMLElement>(null)
  const help = useShortcuts()
  useScrollToTop(main)
  return (
    <div class="frame">
      <a class="skip" href="#main">
        {words.nav.skip}
      </a>
      <header class="side">
        <a class="brand" href="/console/workflows">
          <span class="brand-mark" aria-hidden="true" /> Millrace
        </a>
        <nav aria-label={words.nav.label}>
          <Places places={places} />
          {user.role === 'admin' ? (
            <>
              <p class="nav-heading">{words.nav.administration}</p>
              <Places places={adminPlaces} />
            </>
          ) : null}
        </nav>
        <div class="side-foot">
          <ThemeChoice />
          <a class="who" href="/console/account">
            {user.username}
          </a>
          <LogOut />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <Notices />
      {help}
    </div>
  )
}

function LogOut() {
  const { run, isBusy } = useAction(async () => {
    try {
      await logOut()
    } catch {
      notify(words.nav.stillLoggedIn)
    }
  })
  return (
    <button type="button" class="quiet small" disabled={isBusy} onClick={() => void run()}>
      {words.nav.logOut}
    </button>
  )
}

function Places({ places: shown }: { readonly places: readonly Place[] }) {
  const { path } = useLocation()
  return (
    <ul>
      {shown.map(([href, label]) => (
        <li key={href}>
          <a href={href} aria-current={isAt(path, href) ? 'page' : undefined}>
            {label}
          </a>
        </li>
      ))}
    </ul>
  )
}

function isAt(path: string, href: string): boolean {
  return path === href || (href !== '/console/admin' && path.startsWith(`${href}/`))
}

/** Another page begins at its top; back and forward find where they were, by the browser. */
function useScrollToTop(main: RefObject<HTMLElement | null>): void {
  const { path } = useLocation()
  const isBack = useRef(false)
  useEffect(() => {
    const listener = (): void => {
      isBack.current = true
    }
    addEventListener('popstate', listener)
    return () => removeEventListener('popstate', listener)
  }, [])
  useEffect(() => {
    if (!isBack.current) scrollTo(0, 0)
    isBack.current = false
    main.current?.scrollTo(0, 0)
  }, [path])
}
