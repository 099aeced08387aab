import type { ComponentChildren } from 'preact'
import { useLocation } from 'preact-iso'
import { useEffect, useErrorBoundary } from 'preact/hooks'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { words } from '../words.ts'

interface Caught {
  readonly error: unknown
  readonly reset: () => void
}

/** What the components below could not draw, until the key is another one. The browser's console has it too. */
export function useCaught(key: unknown): Caught {
  const boundary: readonly [unknown, () => void] = useErrorBoundary((thrown) => reportError(thrown))
  const [error, reset] = boundary
  useEffect(reset, [key])
  return { error, reset }
}

/** Keeps a page that cannot be drawn from taking everything else with it. */
export function Crash({ children }: { readonly children: ComponentChildren }) {
  const { url } = useLocation()
  const { error, reset } = useCaught(url)
  if (error === undefined) return <>{children}</>
  return (
    <Page title={words.failures.unexpected}>
      <Problem error={error} onRetry={reset} />
    </Page>
  )
}
