import { useEffect, useState } from 'preact/hooks'
import { words } from '../words.ts'

interface CopyButtonProps {
  readonly text: string
  readonly label: string
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), 2000)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <button type="button" class="quiet small" aria-label={label} onClick={() => void copy()}>
      {isCopied ? words.copy.done : words.copy.button}
    </button>
  )
}
