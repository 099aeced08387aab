import type { VNode } from 'preact'
import { useLocation } from 'preact-iso'
import { useEffect, useState } from 'preact/hooks'
import { Dialog } from '../parts/dialog.tsx'
import { words } from '../words.ts'

/** After `g`. */
const targets: Readonly<Record<string, string>> = {
  w: '/console/workflows',
  e: '/console/executions',
  s: '/console/settings',
  a: '/console/audit',
}

/** Keys that work wherever nobody is typing. Gives the dialog that explains them, while it is open. */
export function useShortcuts(): VNode | null {
  const { route } = useLocation()
  const [isHelpOpen, setHelpOpen] = useState(false)
  useEffect(() => {
    let wasG = false
    const listener = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
      const target = wasG ? targets[event.key] : undefined
      wasG = event.key === 'g'
      if (target !== undefined) route(target)
      else if (event.key === '?') setHelpOpen(true)
      else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('input[type=search]')
        if (search === null) return
        event.preventDefault()
        search.focus()
      }
    }
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [route])
  if (!isHelpOpen) return null
  return (
    <Dialog title={words.shortcuts.title} onClose={() => setHelpOpen(false)}>
      <dl class="shortcuts">
        {words.shortcuts.keys.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div class="actions">
        <button type="button" onClick={() => setHelpOpen(false)}>
          {words.close}
        </button>
      </div>
    </Dialog>
  )
}

/** In a field, in the editor, or in a dialog. */
function isTyping(event: KeyboardEvent): boolean {
  return event
    .composedPath()
    .some(
      (target) =>
        target instanceof HTMLElement &&
        (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT|DIALOG)$/.test(target.nodeName)),
    )
}
