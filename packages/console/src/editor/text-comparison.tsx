import { MergeView, goToNextChunk, goToPreviousChunk, unifiedMergeView } from '@codemirror/merge'
import type { Extension } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useRef } from 'preact/hooks'
import { words } from '../words.ts'
import { editorSetup } from './setup.ts'
import { shadowOf } from './shadow.ts'

interface TextComparisonProps {
  readonly from: string
  readonly to: string
  readonly fromLabel: string
  readonly toLabel: string
}

/** Where two texts beside each other are too narrow to be read, they are one under the other, change by change. */
const narrow = matchMedia('(max-width: 700px)')
const collapseUnchanged = { margin: 3, minSize: 6 }
const diffConfig = { scanLimit: 5000, timeout: 2000 }
const jumps = keymap.of([
  { key: 'n', run: goToNextChunk },
  { key: 'p', run: goToPreviousChunk },
])

/** Two texts compared, what is the same folded away. */
export function TextComparison(props: TextComparisonProps) {
  const { from, to, fromLabel, toLabel } = props
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (host.current === null) return undefined
    const { root, parent } = shadowOf(host.current)
    const view = narrow.matches ? unified(props, root, parent) : sideBySide(props, root, parent)
    return () => view.destroy()
  }, [from, to, fromLabel, toLabel])
  return <div ref={host} class="editor comparison" />
}

function sideBySide(
  { from, to, fromLabel, toLabel }: TextComparisonProps,
  root: ShadowRoot,
  parent: HTMLElement,
): MergeView {
  const sides = { a: stateOf(from, fromLabel), b: stateOf(to, toLabel) }
  return new MergeView({ ...sides, parent, root, collapseUnchanged, diffConfig })
}

function unified(
  { from, to, fromLabel, toLabel }: TextComparisonProps,
  root: ShadowRoot,
  parent: HTMLElement,
): EditorView {
  const changes = unifiedMergeView({ original: from, mergeControls: false, collapseUnchanged, diffConfig })
  return new EditorView({ ...stateOf(to, words.comparison.unified(fromLabel, toLabel), changes), parent, root })
}

function stateOf(doc: string, label: string, more: Extension = []) {
  return { doc, extensions: [jumps, more, editorSetup({ label, isReadOnly: true, isChecked: false })] }
}
