import type { ComponentChildren } from 'preact'
import { useAction } from '../api/use-action.ts'
import { words } from '../words.ts'
import { Problem } from './problem.tsx'

export interface FormProps {
  readonly children: ComponentChildren
  /** The button's word. */
  readonly verb: string
  readonly isDangerous?: boolean
  /** Whether what was filled in can be sent: true unless given. */
  readonly isReady?: boolean
  readonly act: () => Promise<void>
  readonly onCancel?: () => void
}

/** Acts in place of the browser's own sending of a form. `act` does not throw, as what `useAction` runs does not. */
export function submitting(act: () => unknown) {
  return (event: Event): void => {
    event.preventDefault()
    void act()
  }
}

/** Sends once at a time; what the service refuses stands above the button until the next time. */
export function Form({ children, verb, isDangerous = false, isReady = true, act, onCancel }: FormProps) {
  const { run, isBusy, error } = useAction(act)
  const send = (
    <button class={isDangerous ? 'danger' : 'primary'} disabled={isBusy || !isReady}>
      {verb}
    </button>
  )
  return (
    <form onSubmit={submitting(run)}>
      {children}
      <Problem error={error} />
      {onCancel === undefined ? (
        send
      ) : (
        <div class="actions">
          <button type="button" onClick={onCancel}>
            {words.confirm.cancel}
          </button>
          {send}
        </div>
      )}
    </form>
  )
}
