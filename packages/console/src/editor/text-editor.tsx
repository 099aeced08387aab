import { forceLinting } from '@codemirror/lint'
import { EditorView, keymap } from '@codemirror/view'
import { EditorState } from '@codemirror/state'
import { useEffect, useRef } from 'preact/hooks'
import { placeOf } from './portable-rules.ts'
import { editorSetup, type SetupOptions } from './setup.ts'
import { shadowOf } from './shadow.ts'

export interface TextEditorProps extends SetupOptions {
  /** What the editor begins with; another one replaces what is there. */
  readonly text: string
  readonly onText?: (text: string) => void
  readonly onSave?: () => void
  /** Shows and selects the value at this path, each time that it is another array. */
  readonly revealed?: readonly (string | number)[] | undefined
}

interface Handlers {
  readonly onText: ((text: string) => void) | undefined
  readonly onSave: (() => void) | undefined
}

export function TextEditor({ text, onText, onSave, revealed, ...setup }: TextEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const handlers = useRef({ onText, onSave })
  handlers.current = { onText, onSave }
  useEffect(() => {
    if (host.current === null) return undefined
    const { root, parent } = shadowOf(host.current)
    const made = new EditorView({ parent, root, state: stateOf(text, setup, handlers) })
    view.current = made
    return () => made.destroy()
  }, [setup.isReadOnly, setup.label])
  useEffect(() => {
    const { current } = view
    if (current === null || current.state.sliceDoc() === text) return
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: text } })
    forceLinting(current)
  }, [text])
  useEffect(() => {
    const { current } = view
    if (current === null || revealed === undefined) return
    const place = placeOf(current.state.sliceDoc(), revealed)
    if (place === undefined) return
    const effects = EditorView.scrollIntoView(place.from, { y: 'start', yMargin: 40 })
    current.dispatch({ selection: { anchor: place.from, head: place.to }, effects })
  }, [revealed])
  return <div ref={host} class="editor" />
}

function stateOf(text: string, setup: SetupOptions, handlers: { readonly current: Handlers }): EditorState {
  const save = {
    key: 'Mod-s',
    preventDefault: true,
    run: () => {
      handlers.current.onSave?.()
      return true
    },
  }
  return EditorState.create({
    doc: text,
    extensions: [
      keymap.of([save]),
      editorSetup(setup),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (docChanged) handlers.current.onText?.(state.sliceDoc())
      }),
    ],
  })
}
