import { later } from './later.tsx'
import { loadTextEditor } from './load-text-editor.ts'

// Not that of `text-editor.ts`, which is fetched with the page: most fields are in dialogs that stay closed.
const TextEditor = later(loadTextEditor, { classes: 'editor' })

interface JsonFieldProps {
  readonly label: string
  /** What stands there at first. */
  readonly begun: string
  readonly onText: (text: string) => void
}

/** A field for any JSON value. */
export function JsonField({ label, begun, onText }: JsonFieldProps) {
  return (
    <div class="field">
      <span>{label}</span>
      <TextEditor text={begun} label={label} isReadOnly={false} needsObject={false} onText={onText} />
    </div>
  )
}
