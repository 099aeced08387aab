import type { ComponentType } from 'preact'
import { lazy } from 'preact-iso'
import { useEffect, useState } from 'preact/hooks'
import { useAction } from '../api/use-action.ts'
import { words } from '../words.ts'
import { Page } from './page.tsx'

type Load<Props> = () => Promise<ComponentType<Props>>

interface LaterOptions {
  /** What it and its place look like before it is there. */
  readonly classes: string
  /** Whether it is fetched at once, as the page shows it in any case. */
  readonly isSoon?: boolean
}

/**
 * A part of a page that is in a file of its own, fetched when it is first shown. Its place is kept meanwhile; where the file
 * cannot be had, that place says so and what to do.
 */
export function later<Props extends object>(
  load: Load<Props>,
  { classes, isSoon = false }: LaterOptions,
): ComponentType<Props> {
  let found: ComponentType<Props> | undefined
  const find = async (): Promise<ComponentType<Props>> => {
    found ??= await load()
    return found
  }
  // Where this fails, it is asked for again when it is shown, and told then.
  if (isSoon) find().catch(() => undefined)
  return function Later(props: Props) {
    const [Part, setPart] = useState(() => found)
    const loading = useAction(async () => {
      const loaded = await find()
      setPart(() => loaded)
    })
    useEffect(() => {
      if (Part === undefined) void loading.run()
    }, [])
    if (Part !== undefined) return <Part {...props} />
    if (loading.error === undefined) return <div class={classes} aria-busy="true" />
    return (
      <div class={classes}>
        <Missing isBusy={loading.isBusy} onRetry={() => void loading.run()} />
      </div>
    )
  }
}

export type LaterPage = ComponentType & { readonly preload: () => Promise<unknown> }

/** The same for a whole page: the page before it stays until it is there. */
export function laterPage(load: Load<object>): LaterPage {
  return lazy<ComponentType>(async () => {
    try {
      return await load()
    } catch {
      // Told by the page that stands in for it, which asks once more.
      return missingPage(load)
    }
  })
}

function missingPage(load: Load<object>): ComponentType {
  return function MissingPage() {
    const [Found, setFound] = useState<ComponentType>()
    const loading = useAction(async () => {
      const loaded = await load()
      setFound(() => loaded)
    })
    if (Found !== undefined) return <Found />
    return (
      <Page title={words.missing.title}>
        <Missing isBusy={loading.isBusy} onRetry={() => void loading.run()} />
      </Page>
    )
  }
}

interface MissingProps {
  readonly isBusy: boolean
  readonly onRetry: () => void
}

/** The network was cut, or a deployment has replaced the files that this page knows: then only a reload has the new ones. */
function Missing({ isBusy, onRetry }: MissingProps) {
  return (
    <div class="problem" role="alert">
      <p class="problem-title">{words.missing.heading}</p>
      <p>{words.missing.why}</p>
      <p>{words.missing.advice}</p>
      <div class="actions">
        <button type="button" disabled={isBusy} onClick={onRetry}>
          {words.failures.retry}
        </button>
        <button type="button" onClick={() => location.reload()}>
          {words.missing.reload}
        </button>
      </div>
    </div>
  )
}
