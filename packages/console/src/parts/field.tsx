import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly hint?: ComponentChildren
  readonly type?: 'text' | 'password' | 'email' | 'number' | 'datetime-local'
  readonly autoComplete?: string
  readonly isRequired?: boolean
  readonly maxLength?: number
  readonly isMultiline?: boolean
  readonly placeholder?: string
  readonly isFocused?: boolean
}

/** A labelled input; its hint is read with it. */
export function Field({ label, value, onValue, hint, ...more }: FieldProps) {
  const id = useId()
  const common: CommonAttributes = {
    id,
    ...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }),
    value,
    required: more.isRequired === true,
    autoFocus: more.isFocused === true,
    ...(more.maxLength === undefined ? {} : { maxLength: more.maxLength }),
    ...(more.placeholder === undefined ? {} : { placeholder: more.placeholder }),
    onInput: (event) => onValue(event.currentTarget.value),
  }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {more.isMultiline === true ? (
        <textarea rows={3} {...common} />
      ) : (
        inputOf(more.type ?? 'text', { ...common, autoComplete: more.autoComplete ?? 'off' })
      )}
      {hint === undefined ? null : <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

interface PasswordFieldProps extends Pick<FieldProps, 'label' | 'value' | 'onValue' | 'hint' | 'isFocused'> {
  /** Of a password that is being chosen: the browser may suggest one. Otherwise it fills in the current one. */
  readonly isNew?: boolean
}

export function PasswordField({ isNew = false, ...field }: PasswordFieldProps) {
  return <Field {...field} type="password" autoComplete={isNew ? 'new-password' : 'current-password'} isRequired />
}

interface CommonAttributes {
  readonly id: string
  readonly 'aria-describedby'?: string
  readonly value: string
  readonly required: boolean
  readonly autoFocus: boolean
  readonly maxLength?: number
  readonly placeholder?: string
  readonly autoComplete?: string
  readonly onInput: (event: { readonly currentTarget: { readonly value: string } }) => void
}

function inputOf(type: NonNullable<FieldProps['type']>, attributes: CommonAttributes) {
  switch (type) {
    case 'text':
      return <input type="text" {...attributes} />
    case 'password':
      return <input type="password" {...attributes} />
    case 'email':
      return <input type="email" {...attributes} />
    case 'number':
      return <input type="number" {...attributes} />
    case 'datetime-local':
      return <input type="datetime-local" {...attributes} />
  }
}

interface ChoiceProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly options: readonly (readonly [value: Value, label: string])[]
  readonly onValue: (value: Value) => void
}

export function Choice<Value extends string>({ label, value, options, onValue }: ChoiceProps<Value>) {
  return (
    <label class="field inline">
      <span>{label}</span>
      <select
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = options[currentTarget.selectedIndex]
          if (chosen !== undefined) onValue(chosen[0])
        }}
      >
        {options.map(([one, name]) => (
          <option key={one} value={one} selected={one === value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

interface MomentProps {
  readonly label: string
  /** In the viewer's zone, as the browser's field has it; empty where there is none. */
  readonly value: string
  readonly onValue: (value: string) => void
}

export function Moment({ label, value, onValue }: MomentProps) {
  return (
    <label class="field inline">
      <span>{label}</span>
      <input type="datetime-local" value={value} onChange={({ currentTarget }) => onValue(currentTarget.value)} />
    </label>
  )
}

/** What the API takes for a moment of the field; empty where the address has no such moment. */
export function instantOf(value: string): string {
  const moment = new Date(value)
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString()
}
