/**
 * Shows that no order is lost and no step done again after its record, whatever moment a worker dies at: for each point
 * of the program one worker kills itself there with SIGKILL; then two workers go on, and everything is counted.
 * `node examples/worker/src/main.ts [--url http://127.0.0.1:8787] [--json]`.
 *
 * With `MILLRACE_API_KEY` (scopes `write`, `read`, `worker`) the workflow is made for the key's user; without, for a new
 * account. Exit 1 where anything is not as it must be.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient, exactJson, toJson, type Client } from '@millrace/client'
import { findFaults } from './judge.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    json: { type: 'boolean', default: false },
  },
})
const { url } = values
const leaseSeconds = 5

/** Every moment at which the program can be between two things. */
const points = [
  'claimed',
  ...['reserve', 'charge', 'ship', 'notify'].flatMap((step) => [`before ${step}`, `after ${step}`, `recorded ${step}`]),
  'recorded wait:approval',
  'reported',
]

/** The whole show may take so long. */
const deadline = AbortSignal.timeout(180_000)
const folder = mkdtempSync(join(tmpdir(), 'millrace-orders-'))
const ledger = join(folder, 'ledger.jsonl')

try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main(): Promise<number> {
  const givenKey = process.env['MILLRACE_API_KEY']
  const client = createClient(givenKey === undefined ? { url } : { url, apiKey: givenKey })
  if (givenKey === undefined) await makeAccount(client)
  const { key } = await client.apiKeys.create({ name: 'example worker', scopes: ['worker'] })
  if (key === null) throw new Error('the answer with the key was lost: start again')
  const orders = await startOrders(client)
  const ids = orders.map(({ id }) => id)
  say(`${ids.length} orders are pending.`)
  const approving = approve(client, ids)
  const start: StartWorker = (name, workflowIds, dieAt) =>
    startWorker({ url, name, apiKey: key, workflowIds, ledger, leaseSeconds, concurrency: 8, dieAt })
  const killed = await killAtEveryPoint(orders, start)
  say(`${killed} workers have killed themselves, one at each point. Two others continue.`)
  const all = orders.map(({ workflowId }) => workflowId)
  const workers = [start('one', all), start('two', all)]
  try {
    await untilEnded(client, ids)
    await approving
    const exitCodes = await Promise.all(workers.map((worker) => worker.end('SIGTERM')))
    return await report(client, ids, { killed, exitCodes })
  } finally {
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')))
  }
}

type StartWorker = (name: string, workflowIds: readonly string[], dieAt?: string) => WorkerProcess

function say(line: string): void {
  if (!values.json) process.stdout.write(`${line}\n`)
}

async function makeAccount(client: Client): Promise<void> {
  const username = `orders-${Date.now()}`
  await client.auth.register({ username, email: `${username}@example.com`, password: randomUUID() })
}

interface Order {
  readonly id: string
  readonly workflowId: string
  readonly point: string
}

/** One for each point, of a workflow of its own: so the worker that dies there works that order and no other. */
async function startOrders(client: Client): Promise<readonly Order[]> {
  const definition = exactJson(readFileSync(join(import.meta.dirname, '../flows/order.json'), 'utf8').trim())
  const workflows = await client.workflows.createAll(points.map((point) => ({ name: `Order: ${point}`, definition })))
  return Promise.all(
    workflows.map(async ({ id: workflowId }, number) => {
      const input = toJson({ article: `no. ${number}`, amount: 9.5 })
      // Each long wait takes one of the attempts, and so does each crash.
      const { id } = await client.executions.start(workflowId, { input, maxAttempts: 20 })
      return { id, workflowId, point: points[number] ?? '' }
    }),
  )
}

/** Every other order is approved before anyone asks, the rest when they wait; the last one is refused. */
async function approve(client: Client, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id, number) => {
      if (number % 2 === 1) await untilWaiting(client, id)
      await client.executions.signal(id, {
        name: 'approval',
        payload: toJson({ isApproved: number !== points.length - 1 }),
      })
    }),
  )
}

async function untilWaiting(client: Client, id: string): Promise<void> {
  while ((await client.executions.get(id, { signal: deadline })).status !== 'paused') {
    await pause(250, undefined, { signal: deadline })
  }
}

/** A few at a time. Each works its order until it comes to its point, and is gone then. */
async function killAtEveryPoint(orders: readonly Order[], start: StartWorker): Promise<number> {
  const left = [...orders]
  const codes: (number | null)[] = []
  const one = async (): Promise<void> => {
    for (let order = left.shift(); order !== undefined; order = left.shift()) {
      const worker = start(`dies at ${order.point}`, [order.workflowId], order.point)
      const abort = (): void => void worker.end('SIGTERM')
      deadline.addEventListener('abort', abort, { once: true })
      codes.push(await worker.ended)
      deadline.removeEventListener('abort', abort)
    }
  }
  await Promise.all([one(), one(), one()])
  return codes.filter((code) => code === null).length
}

async function untilEnded(client: Client, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    for await (const { type } of client.executions.events(id, { signal: deadline })) void type
  }
}

async function report(
  client: Client,
  ids: readonly string[],
  { killed, exitCodes }: { readonly killed: number; readonly exitCodes: readonly (number | null)[] },
): Promise<number> {
  const orders = await Promise.all(ids.map((id) => findFaults(client, id, ledger)))
  const isGood =
    killed === points.length &&
    exitCodes.every((code) => code === 0) &&
    orders.every(({ faults }) => faults.length === 0)
  if (values.json) process.stdout.write(`${JSON.stringify({ isGood, killed, exitCodes, orders })}\n`)
  for (const { id, status, attempts, acts, faults } of orders) {
    say(`  ${id}  ${status}  attempts ${attempts}  acts ${acts}  ${faults.join('; ')}`)
  }
  say(isGood ? `All ${ids.length} orders are correct.` : 'FAILED')
  return isGood ? 0 : 1
}
