/**
 * A worker: `node worker.ts --url http://127.0.0.1:8787 --name one`, with `MILLRACE_API_KEY` (scope `worker`). It works
 * executions until SIGTERM or SIGINT, then gives back what it has not finished. One JSON line an event.
 */
import { parseArgs } from 'node:util'
import { createClient, type WorkEvent } from '@millrace/client'
import { runWorkflow } from './run-workflow.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    name: { type: 'string', default: `worker-${process.pid}` },
    concurrency: { type: 'string', default: '3' },
    'lease-seconds': { type: 'string', default: '5' },
    'step-milliseconds': { type: 'string', default: '150' },
  },
})
const apiKey = process.env['MILLRACE_API_KEY']
if (apiKey === undefined) throw new Error('MILLRACE_API_KEY is not set: make a key with the scope `worker`.')

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort(new Error(`${values.name} was stopped by ${signal}.`)))
}

await createClient({ url: values.url, apiKey }).work(runWorkflow(Number(values['step-milliseconds'])), {
  worker: values.name,
  concurrency: Number(values.concurrency),
  leaseSeconds: Number(values['lease-seconds']),
  pollMilliseconds: 250,
  signal: stopping.signal,
  onEvent: (event) => process.stdout.write(`${JSON.stringify(lineOf(event))}\n`),
})

function lineOf(event: WorkEvent) {
  const { kind } = event
  if (kind === 'claim_failed') return { worker: values.name, kind, cause: String(event.cause) }
  const { id, fence, attempts } = event.execution
  const line = { worker: values.name, kind, id, fence, attempts }
  if (kind === 'lost') return { ...line, cause: String(event.cause) }
  return kind === 'reported' ? { ...line, status: event.status } : line
}
