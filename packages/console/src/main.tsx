import { render } from 'preact'
import { App, begin } from './app.tsx'
import './styles/base.css'
import './styles/frame.css'
import './styles/controls.css'
import './styles/parts.css'
import './styles/workflows.css'
import './styles/pages.css'

const root = document.getElementById('app')
if (root !== null) {
  begin()
  // What stands there until this script has come.
  root.replaceChildren()
  render(<App />, root)
}
