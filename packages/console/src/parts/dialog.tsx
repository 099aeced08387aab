import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { useAction } from '../api/use-action.ts'
import { words } from '../words.ts'
import { Problem } from './problem.tsx'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/**
 * The browser's own modal dialog: it keeps the focus, and Escape closes it. The focus begins at its title, or in the field
 * that asks for it.
 */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </dialog>
  )
}

interface ConfirmationProps {
  readonly title: string
  /** Names what is lost. */
  readonly children: ComponentChildren
  readonly verb: string
  readonly isDangerous?: boolean
  /** A word that has to be typed first. */
  readonly typed?: string
  readonly act: () => Promise<void>
  readonly onClose: () => void
}

export function Confirmation({ title, children, verb, isDangerous, typed, act, onClose }: ConfirmationProps) {
  const [text, setText] = useState('')
  const { run, isBusy, error } = useAction(async () => {
    await act()
    onClose()
  })
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        {children}
        {typed === undefined ? null : (
          <label class="field">
            <span>{words.confirm.type(typed)}</span>
            <input
              value={text}
              autoFocus
              autoComplete="off"
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
        )}
        <Problem error={error} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {words.confirm.cancel}
          </button>
          <button
            class={isDangerous === true ? 'danger' : 'primary'}
            disabled={isBusy || (typed !== undefined && text !== typed)}
          >
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
