import type { DialectName } from '../dialects.ts'
import type { Place } from './ground.ts'
import { writesAmong } from './pairs.ts'
import { steppedByTrip, type Stage } from './stage.ts'
import { openTheatre, type OpenTheatre } from './theatre.ts'
import { table, type Write } from './write.ts'
import { writes } from './writes.ts'
import type { World } from './world.ts'

/*
 * On PostgreSQL, a process that was just given an execution of a workflow claims the next one by a smaller statement, from
 * the head of the queue. The other pairs never reach it: their world has a lost lease, and each run has one claim alone.
 */

export interface HeadTheatre extends OpenTheatre {
  /** How many of the smaller statements have been sent so far. */
  readonly sentHeads: () => number
}

/**
 * Opens the world with alice's `queue` in it: `first` and `second` wait since their creation, `held` runs, `tried` runs
 * with its last attempt, `halted` is paused and `broken` has failed. Nobody's lease is lost, and the process knows the
 * queue when a run begins.
 */
export async function openHeadTheatre(dialect: DialectName, place: Place): Promise<HeadTheatre> {
  let sent = 0
  const theatre = await openTheatre(dialect, place, {
    between: (name, send) =>
      steppedByTrip(name, (input, init) => {
        if (typeof init?.body === 'string' && init.body.includes('head as materialized')) sent += 1
        return send(input, init)
      }),
    add: addQueue,
    prepare: learnQueue,
  })
  return { ...theatre, sentHeads: () => sent }
}

async function addQueue(stage: Stage, world: World): Promise<void> {
  const send = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await stage.send(world.request('alice', method, path, { body }))
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`)
    return answer.body
  }
  const create = async (label: string, path: string, body: object) => {
    const { id } = JSON.parse(await send('POST', path, body)) as { readonly id: string }
    world.name(label, id)
  }
  await send('POST', '/v1/executions/{spent}/cancel')
  await create('queue', '/v1/workflows', { name: 'queue', definition: { n: 1 } })
  await send('POST', '/v1/workflows/{queue}/shares', { username: 'bob', permission: 'edit' })
  for (const label of ['broken', 'held', 'tried', 'halted', 'first', 'second']) {
    await create(label, '/v1/workflows/{queue}/executions', { input: label, maxAttempts: label === 'tried' ? 1 : 5 })
  }
  for (let claims = 0; claims < 4; claims += 1) {
    await send('POST', '/v1/executions/claim', { ...ofQueue(world), leaseSeconds: 3600 })
  }
  const error = { code: 'x', message: 'y' }
  await send('PATCH', '/v1/executions/{broken}', { fence: 1, status: 'failed', error })
  await send('PATCH', '/v1/executions/{halted}', { fence: 1, status: 'paused' })
}

const ofQueue = (world: World) => ({ worker: 'w', workflowIds: [world.id('queue')] })

/** As a new process: one to which the head of a queue gave nothing in the last run would leave it alone for a second. */
async function learnQueue(stage: Stage, world: World): Promise<void> {
  await stage.reopen()
  const { body } = await stage.send(world.request('alice', 'POST', '/v1/executions/claim', { body: ofQueue(world) }))
  if (!body.includes(world.id('first'))) throw new Error(`the claim gave another than the first: ${body}`)
}

const claims = table({
  'claim at the head': {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'x', workflowIds: ['{id queue}'] },
  },
  'claim at the head by an API key': {
    by: 'alice.worker',
    send: 'POST /v1/executions/claim',
    body: { worker: 'z', workflowIds: ['{id queue}'] },
  },
})

const others = table({
  'claim five of the queue': {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'y', limit: 5, workflowIds: ['{id queue}'] },
  },
  'cancel the first': { by: 'alice', send: 'POST /v1/executions/{first}/cancel' },
  'cancel the first by bob': { by: 'bob', send: 'POST /v1/executions/{first}/cancel' },
  'delete the broken one': { by: 'alice', send: 'DELETE /v1/executions/{broken}' },
  'delete the queue': { by: 'alice', send: 'DELETE /v1/workflows/{queue}', ifMatch: '*' },
  'transfer the queue to bob': {
    by: 'alice',
    send: 'POST /v1/workflows/{queue}/transfer',
    body: { username: 'bob' },
    ifMatch: '*',
  },
  'unshare bob from the queue': { by: 'alice', send: 'DELETE /v1/workflows/{queue}/shares/{bob}' },
  'give back the held one': {
    by: 'alice',
    send: 'PATCH /v1/executions/{held}',
    body: { fence: 1, status: 'pending' },
  },
  'complete the held one': {
    by: 'alice.worker',
    send: 'PATCH /v1/executions/{held}',
    body: { fence: 1, status: 'completed', state: 1 },
  },
  'heartbeat of the held one': {
    by: 'alice.worker',
    send: 'POST /v1/executions/{held}/heartbeat',
    body: { fence: 1, leaseSeconds: 60 },
  },
  'resume the halted one': { by: 'bob', send: 'POST /v1/executions/{halted}/resume' },
  'start in the queue': { by: 'bob', send: 'POST /v1/workflows/{queue}/executions', body: { input: 1 } },
  'start what is due in the queue': {
    by: 'alice',
    send: 'POST /v1/workflows/{queue}/executions',
    body: { input: 2, dueAt: '2020-01-01T00:00:00.000Z' },
  },
  'retry the broken one': { by: 'alice', send: 'POST /v1/executions/{broken}/retry' },
})

/** It is refused, and holds the first until then. In no pair: a claim may pass over what others hold, and get the second. */
const refused = table({ 'delete the first': { by: 'alice', send: 'DELETE /v1/executions/{first}' } })

/** What time and a restore do, by a statement of its own, which is a step. */
function byHand(name: string, textOf: (world: World) => string): Write {
  return {
    name,
    changes: [],
    reads: [],
    act: (stage, world) => stage.work(({ store }) => store.tidy([{ text: textOf(world), parameters: [] }])),
  }
}

const ofTime: readonly Write[] = [
  ...['held', 'tried'].map((label) =>
    byHand(
      `lose the lease of ${label}`,
      (world) => `update executions set lease_until = created_at where id = '${world.id(label)}' and fence = 1`,
    ),
  ),
  byHand(
    'use up the first',
    (world) => `update executions set attempts = max_attempts where id = '${world.id('first')}' and status = 'pending'`,
  ),
  byHand('mark a restore', () => `update marks set value = 'an archive' where name = 'restore'`),
]

const headWrites: readonly Write[] = [...claims, ...others, ...refused, ...ofTime, ...writes]

/** @throws where no write has one of the names */
export const headWritesOf = (name: string): readonly Write[] => writesAmong(headWrites, name)

/** What takes the first of the queue, puts another one before it, or ends what the claim rests on. */
export const headGroups: readonly (readonly Write[])[] = [
  ...[
    'claim at the head',
    'claim at the head by an API key',
    ...others.map(({ name }) => name),
    ...ofTime.map(({ name }) => name),
    'disable alice',
    'change the password',
  ].map((other) => `claim at the head × ${other}`),
  'claim at the head by an API key × delete the worker key',
  'claim at the head × claim at the head by an API key × cancel the first',
  'claim at the head × claim at the head by an API key × give back the held one',
  'claim at the head × lose the lease of tried × sweep executions',
  'claim at the head × use up the first × sweep executions',
].map(headWritesOf)
