/**
 * A shadow root for an editor. In one, CodeMirror puts its styles into constructed style sheets; in the document it would
 * write a `style` element, which the content security policy refuses.
 */
export function shadowOf(host: HTMLElement): { readonly root: ShadowRoot; readonly parent: HTMLElement } {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const parent = document.createElement('div')
  parent.style.height = '100%'
  root.replaceChildren(parent)
  return { root, parent }
}
