/** The text editor is a part of its own: most pages do without it. */
export async function loadTextEditor() {
  const { TextEditor } = await import('../editor/text-editor.tsx')
  return TextEditor
}
