import { later } from './later.tsx'
import { loadTextEditor } from './load-text-editor.ts'

/** The text editor of a page that shows one in any case. */
export const TextEditor = later(loadTextEditor, { classes: 'editor', isSoon: true })
