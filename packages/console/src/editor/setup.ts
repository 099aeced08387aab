import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json, jsonParseLinter } from '@codemirror/lang-json'
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language'
import { linter, lintGutter, lintKeymap, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { portableProblems } from './portable-rules.ts'

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--code-name)' },
  { tag: tags.string, color: 'var(--code-string)' },
  { tag: tags.number, color: 'var(--code-number)' },
  { tag: [tags.bool, tags.null], color: 'var(--code-keyword)' },
  { tag: tags.invalid, color: 'var(--danger)' },
])

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', color: 'var(--text)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--selection)',
  },
  '.cm-panels, .cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-textfield, .cm-button': { background: 'var(--surface)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-foldPlaceholder': { background: 'var(--hover)', borderColor: 'var(--line)', color: 'var(--muted)' },
  '.cm-changedLine': { backgroundColor: 'var(--changed-back)' },
  '.cm-collapsedLines': { background: 'var(--hover)', color: 'var(--muted)' },
})

export interface SetupOptions {
  readonly label: string
  readonly isReadOnly: boolean
  readonly needsObject?: boolean
  readonly allowsSecrets?: boolean
  readonly isChecked?: boolean
}

/**
 * An editor that keeps text as it is: CodeMirror would take each kind of line end for the same, so a line ends by a line
 * feed alone, and a carriage return is a character that is shown.
 */
export function editorSetup(options: SetupOptions): Extension {
  const { label, isReadOnly, isChecked = true } = options
  return [
    EditorState.lineSeparator.of('\n'),
    EditorState.tabSize.of(2),
    EditorState.readOnly.of(isReadOnly),
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    isReadOnly ? EditorView.editable.of(false) : [history(), indentOnInput(), highlightActiveLine()],
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    drawSelection(),
    foldGutter(),
    bracketMatching(),
    highlightSelectionMatches(),
    json(),
    syntaxHighlighting(colours),
    isChecked ? [lintGutter(), linter((view) => problemsOf(view, options), { delay: 200 })] : [],
    // Tab leaves the editor, so that the keyboard alone gets out of it.
    keymap.of([...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, ...defaultKeymap]),
    theme,
  ]
}

const parseProblems = jsonParseLinter()

function problemsOf(view: EditorView, options: SetupOptions): readonly Diagnostic[] {
  const syntax = parseProblems(view)
  if (syntax.length > 0) return syntax
  const { needsObject = true, allowsSecrets = false } = options
  return portableProblems(view.state.sliceDoc(), { needsObject, allowsSecrets }).map((problem) => ({
    ...problem,
    severity: 'error',
  }))
}
