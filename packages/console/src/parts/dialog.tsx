import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { words } from '../words.ts'
import { Field } from './field.tsx'
import { Form, type FormProps } from './form.tsx'

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

interface DialogFormProps extends DialogProps, Omit<FormProps, 'onCancel'> {}

/** A dialog that asks for something, and closes when that was sent. */
export function DialogForm({ title, onClose, act, ...form }: DialogFormProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        {...form}
        onCancel={onClose}
        act={async () => {
          await act()
          onClose()
        }}
      />
    </Dialog>
  )
}

interface ConfirmationProps extends Omit<DialogFormProps, 'isReady'> {
  /** A word that has to be typed first. */
  readonly typed?: string
}

/** Asks again, and names what is lost. */
export function Confirmation({ children, typed, ...form }: ConfirmationProps) {
  const [text, setText] = useState('')
  return (
    <DialogForm {...form} isReady={typed === undefined || text === typed}>
      {children}
      {typed === undefined ? null : (
        <Field label={words.confirm.type(typed)} value={text} onValue={setText} isFocused />
      )}
    </DialogForm>
  )
}
