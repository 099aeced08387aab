/**
 * A worker: `node worker.ts --url http://127.0.0.1:8787 --name one`, with `MILLRACE_API_KEY` (scope `worker`). It works
 * orders until SIGTERM or SIGINT, then gives back what it has not finished. It prints one JSON line per event.
 * `--die-at POINT` makes it kill itself with SIGKILL there, once, to show that nothing is lost.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient, type WorkEvent } from '@millrace/client'
import { workOrder } from './order.ts'
import { openShop } from './shop.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    name: { type: 'string', default: `worker-${process.pid}` },
    workflow: { type: 'string', multiple: true },
    concurrency: { type: 'string', default: '3' },
    'lease-seconds': { type: 'string', default: '5' },
    'act-milliseconds': { type: 'string', default: '100' },
    ledger: { type: 'string', default: join(tmpdir(), 'millrace-example-ledger.jsonl') },
    'die-at': { type: 'string' },
  },
})
const apiKey = process.env['MILLRACE_API_KEY']
if (apiKey === undefined) throw new Error('MILLRACE_API_KEY is not set: make a key with the scope `worker`.')

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort(new Error(`${values.name} was stopped by ${signal}.`)))
}

const shop = openShop({
  worker: values.name,
  ledger: values.ledger,
  actMilliseconds: Number(values['act-milliseconds']),
  onPoint: dieAt,
})

await createClient({ url: values.url, apiKey }).work(workOrder(shop), {
  worker: values.name,
  concurrency: Number(values.concurrency),
  leaseSeconds: Number(values['lease-seconds']),
  pollMilliseconds: 250,
  ...(values.workflow === undefined ? {} : { workflowIds: values.workflow }),
  signal: stopping.signal,
  onEvent(event) {
    process.stdout.write(`${JSON.stringify(lineOf(event))}\n`)
    dieAt(event.kind === 'step' ? `recorded ${event.key}` : event.kind)
  },
})

function dieAt(point: string): void {
  if (point === values['die-at']) process.kill(process.pid, 'SIGKILL')
}

function lineOf(event: WorkEvent) {
  const { kind } = event
  if (kind === 'claim_failed') return { worker: values.name, kind, cause: String(event.cause) }
  const { id, fence, attempts } = event.execution
  const line = { worker: values.name, kind, id, fence, attempts }
  if (kind === 'lost') return { ...line, cause: String(event.cause) }
  if (kind === 'step') return { ...line, key: event.key, seq: event.seq }
  return kind === 'reported' ? { ...line, status: event.status } : line
}
