import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { words } from '../words.ts'

interface PageProps {
  readonly title: string
  readonly above?: ComponentChildren
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
  readonly isWide?: boolean
}

/** Of the first page the browser itself tells, and Tab begins at its top. */
let hasShown = false

/** A page: its heading takes the focus when one comes to it, so that a screen reader tells where one is. */
export function Page({ title, above, actions, children, isWide = false }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = words.pageTitle(title)
  }, [title])
  useEffect(() => {
    if (hasShown && document.activeElement === document.body) heading.current?.focus({ preventScroll: true })
    hasShown = true
  }, [])
  return (
    <div class={isWide ? 'page wide' : 'page'}>
      {above}
      <header class="page-header">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

interface EmptyProps {
  readonly title: string
  readonly advice: ComponentChildren
  readonly children?: ComponentChildren
}

/** Says what would stand here, and what to do. */
export function Empty({ title, advice, children }: EmptyProps) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{advice}</p>
      {children}
    </div>
  )
}

interface TabsProps {
  readonly label: string
  readonly current: string
  readonly tabs: readonly (readonly [name: string, href: string, label: string])[]
}

/** Links between the pages of one thing. */
export function Tabs({ label, current, tabs }: TabsProps) {
  return (
    <nav aria-label={label} class="tabs">
      {tabs.map(([name, href, text]) => (
        <a key={name} href={href} aria-current={name === current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  )
}
