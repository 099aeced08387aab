import { MergeView, goToNextChunk, goToPreviousChunk } from '@codemirror/merge'
import { keymap } from '@codemirror/view'
import { useEffect, useRef } from 'preact/hooks'
import { editorSetup } from './setup.ts'
import { shadowOf } from './shadow.ts'

interface TextComparisonProps {
  readonly from: string
  readonly to: string
  readonly fromLabel: string
  readonly toLabel: string
}

/** Two texts side by side, what is the same folded away. */
export function TextComparison({ from, to, fromLabel, toLabel }: TextComparisonProps) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (host.current === null) return undefined
    const { root, parent } = shadowOf(host.current)
    const jumps = keymap.of([
      { key: 'n', run: goToNextChunk },
      { key: 'p', run: goToPreviousChunk },
    ])
    const side = (doc: string, label: string) => ({
      doc,
      extensions: [jumps, editorSetup({ label, isReadOnly: true, isChecked: false })],
    })
    const view = new MergeView({
      a: side(from, fromLabel),
      b: side(to, toLabel),
      parent,
      root,
      collapseUnchanged: { margin: 3, minSize: 6 },
      diffConfig: { scanLimit: 5000, timeout: 2000 },
    })
    return () => view.destroy()
  }, [from, to, fromLabel, toLabel])
  return <div ref={host} class="editor comparison" />
}
