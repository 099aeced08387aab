/** Works every execution that its user owns, until Ctrl-C. A step that is recorded is not run again by the next worker. */
import { appendFileSync } from 'node:fs'
import { createClient, toJson, type Handler } from '@millrace/client'

const apiKey = process.env['MILLRACE_API_KEY']
if (apiKey === undefined) throw new Error('Set MILLRACE_API_KEY to a key with the scope `worker`.')
const client = createClient({ url: process.env['MILLRACE_URL'] ?? 'http://127.0.0.1:8787', apiKey })

const handler: Handler = async (_execution, run) => {
  const rows = await run.step('count', () => act('count', 412))
  await run.sleep('pause', 2)
  const mail = await run.step('mail', ({ idempotencyKey }) =>
    act('mail', `sent as ${idempotencyKey.split('/').at(-1)}`),
  )
  return { status: 'completed', state: toJson({ rows, mail }) }
}

/** Stands for a call to another service; the file shows what was really done. */
function act<Answer>(name: string, answer: Answer): Answer {
  appendFileSync('acts.log', `${name}\n`)
  return answer
}

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

await client.work(handler, {
  worker: `worker-${process.pid}`,
  leaseSeconds: 5,
  signal: stopping.signal,
  onEvent(event) {
    const detail = event.kind === 'step' ? event.key : event.kind === 'reported' ? event.status : ''
    console.log(`${event.kind} ${detail}`.trim())
  },
})
