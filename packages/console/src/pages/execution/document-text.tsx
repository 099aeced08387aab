import { CopyButton } from '../../parts/copy-button.tsx'
import { words } from '../../words.ts'

interface DocumentTextProps {
  readonly label: string
  readonly document: string
}

/** A document as its exact text, to be read and copied. */
export function DocumentText({ label, document }: DocumentTextProps) {
  if (document === 'null') return <p class="faint">{words.execution.nothing}</p>
  return (
    <div class="document">
      <CopyButton text={document} label={words.copy.value} />
      <pre tabIndex={0} role="group" aria-label={label}>
        {document}
      </pre>
    </div>
  )
}
