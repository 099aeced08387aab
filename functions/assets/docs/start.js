// Of /docs: a file of its own, as the page's content security policy runs nothing that stands in the page.
const answer = await fetch('/openapi.json')
const reader = SwaggerUIBundle({
  spec: forTrying(await answer.json()),
  dom_id: '#reader',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  // The reader would ask another host whether the document is valid.
  validatorUrl: null,
})

const form = document.getElementById('login')
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const { username, email, password } = Object.fromEntries(new FormData(form))
  const isNew = event.submitter?.value === 'register'
  const body = isNew ? { username, email, password } : { username, password }
  void enter(isNew ? 'register' : 'login', body)
})

/** Logs in, and lets the reader send the token with every request that is tried. */
async function enter(step, body) {
  const status = form.querySelector('output')
  const response = await fetch(`/v1/auth/${step}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { accessToken, user, detail, errors } = await response.json()
  if (!response.ok) {
    status.value = [detail, ...(errors ?? []).map(({ pointer, message }) => `${pointer} ${message}`)].join(' ')
    return
  }
  reader.preauthorizeApiKey('accessToken', accessToken)
  status.value = `Logged in as ${user.username}. Requests that you try carry the access token, for 15 minutes.`
}

/**
 * The document with examples that work when they are sent, and when they are sent again: a name of this moment, no
 * Idempotency-Key, which would answer the second request with the first one's answer.
 */
function forTrying(description) {
  const name = `ada-${Date.now().toString(36)}`
  for (const operations of Object.values(description.paths)) {
    for (const { parameters = [] } of Object.values(operations)) {
      for (const parameter of parameters) if (parameter.name === 'Idempotency-Key') delete parameter.example
    }
  }
  const entry = { username: name, password: 'correct horse battery' }
  setExample(description.paths['/v1/auth/register']?.post, { ...entry, email: `${name}@example.com` })
  setExample(description.paths['/v1/auth/login']?.post, entry)
  return description
}

function setExample(operation, example) {
  const content = operation?.requestBody?.content?.['application/json']
  if (content === undefined) return
  delete content.examples
  content.example = example
}
