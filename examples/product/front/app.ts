/** Logs in, lists workflows, edits one; when somebody else was faster, shows both definitions and lets the user choose. */
import { createClient, exactJson, ProblemError, type Workflow } from '@millrace/client'

const url = new URLSearchParams(location.search).get('api') ?? 'http://127.0.0.1:8787'
// Tokens stay in memory: a script that gets into the page finds none in storage. A reload asks for the password again.
const client = createClient({ url })

const message = find('#message', HTMLElement)
const loginForm = find('#login', HTMLFormElement)
const usernameField = find('#login [name=username]', HTMLInputElement)
const passwordField = find('#login [name=password]', HTMLInputElement)
const list = find('#workflows', HTMLElement)
const editor = find('#editor', HTMLFormElement)
const definition = find('#editor textarea', HTMLTextAreaElement)
const conflict = find('#conflict', HTMLElement)
const theirs = find('#theirs', HTMLTextAreaElement)

/** The workflow as it was last seen: its revision goes with every change. */
let opened: Workflow | undefined
let newest: Workflow | undefined

listen(loginForm, 'submit', async () => {
  const { username } = await client.auth.login({ username: usernameField.value, password: passwordField.value })
  loginForm.hidden = true
  message.textContent = `Logged in as ${username}`
  for await (const { id, name } of client.workflows.list({ scope: 'owned' })) addToList(id, name)
})

listen(editor, 'submit', async () => save(opened))
listen(find('#keep', HTMLElement), 'click', async () => save(newest))
listen(find('#take', HTMLElement), 'click', async () => {
  if (newest !== undefined) show(newest)
})

function addToList(id: string, name: string): void {
  const button = document.createElement('button')
  button.textContent = name
  listen(button, 'click', async () => show(await client.workflows.get(id)))
  const item = document.createElement('li')
  item.append(button)
  list.append(item)
}

function show(workflow: Workflow): void {
  opened = workflow
  find('#name', HTMLElement).textContent = workflow.name
  definition.value = workflow.definition
  editor.hidden = false
  conflict.hidden = true
}

async function save(seen: Workflow | undefined): Promise<void> {
  if (seen === undefined) return
  try {
    show(await client.workflows.update(seen, { definition: exactJson(definition.value) }))
    message.textContent = `Saved version ${opened?.versionNumber}`
  } catch (error) {
    const isStale = error instanceof ProblemError && error.code === 'precondition_failed'
    if (!isStale) throw error
    newest = await client.workflows.get(seen.id)
    theirs.value = newest.definition
    conflict.hidden = false
    message.textContent = `${error.status}: version ${newest.versionNumber} was saved in the meantime`
  }
}

function find<Kind extends Element>(selector: string, kind: new () => Kind): Kind {
  const element = document.querySelector(selector)
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`)
  return element
}

/** What fails is shown: a ProblemError's message says what is wrong and what to do. */
function listen(element: HTMLElement, event: string, act: () => Promise<void>): void {
  element.addEventListener(event, (happened) => {
    happened.preventDefault()
    act().catch((error: unknown) => {
      message.textContent = error instanceof Error ? error.message : String(error)
    })
  })
}
