import { randomUUID } from 'node:crypto'
import { onOne, onOneAndOwn, onOwn, type Make, type RouteAct } from './act.ts'
import { ended, running, type OwnedExecution } from './things.ts'
import { done, inTurn } from './world.ts'

/** One execution with so many steps and signals. */
const recorded: Make<OwnedExecution> = async (world, count) => {
  const all = await running(world, count)
  for (const { owner, id } of all) {
    const steps = Array.from({ length: 50 }, (_none, number) => ({ key: `step-${number}`, output: { number } }))
    await done(world.client, owner.post(`/v1/executions/${id}/steps`, { fence: 1, steps }))
    await inTurn(20, (number) =>
      done(world.client, owner.post(`/v1/executions/${id}/signals`, { name: 'approved', payload: { number } })),
    )
  }
  return all
}

const report = 'PATCH /v1/executions/{id}'
const steps = 'POST /v1/executions/{id}/steps'
const events = 'GET /v1/executions/{id}/events'

const completed = { fence: 1, status: 'completed' } as const

const read = (name: string, path = name): RouteAct =>
  onOne(`GET /v1/executions/{id}/${name}`, 'one execution', {
    make: recorded,
    send: ({ owner, id }) => owner.get(`/v1/executions/${id}/${path}`),
  })

/** What a worker writes, and what is read of it. */
export const workerActs: readonly RouteAct[] = [
  ...onOneAndOwn('POST /v1/executions/{id}/heartbeat', 'execution', {
    make: running,
    send: ({ owner, id }) => owner.post(`/v1/executions/${id}/heartbeat`, { fence: 1, leaseSeconds: 3600 }),
  }),

  onOne(report, 'state of one execution', {
    make: running,
    send: ({ owner, id }, { number }) => owner.patch(`/v1/executions/${id}`, { fence: 1, state: { number } }),
  }),
  onOwn(report, 'state of executions of their own', {
    make: running,
    send: ({ owner, id }, { number }) => owner.patch(`/v1/executions/${id}`, { fence: 1, state: { number } }),
  }),
  onOne(report, 'end of one execution', {
    make: running,
    isUsedUp: true,
    refusals: ['invalid_transition'],
    send: ({ owner, id }) => owner.patch(`/v1/executions/${id}`, completed),
  }),
  onOwn(report, 'end of executions of their own', {
    make: running,
    send: ({ owner, id }) => owner.patch(`/v1/executions/${id}`, completed),
  }),
  onOwn(report, 'pause of executions of their own', {
    make: running,
    send: ({ owner, id }) => owner.patch(`/v1/executions/${id}`, { fence: 1, status: 'paused', waitFor: ['approved'] }),
  }),

  ...onOneAndOwn(steps, 'execution', {
    make: running,
    send: ({ owner, id }) =>
      owner.post(`/v1/executions/${id}/steps`, { fence: 1, steps: [{ key: randomUUID(), output: { receipt: 17 } }] }),
  }),
  onOne(steps, 'one step', {
    make: running,
    isUsedUp: true,
    send: ({ owner, id }) =>
      owner.post(`/v1/executions/${id}/steps`, { fence: 1, steps: [{ key: 'charge', output: { receipt: 17 } }] }),
  }),
  read('steps'),
  read('steps/{key}', 'steps/step-17'),
  read('history'),

  ...onOneAndOwn('POST /v1/executions/{id}/signals', 'execution', {
    make: running,
    send: ({ owner, id }) => owner.post(`/v1/executions/${id}/signals`, { name: 'approved', payload: { by: 'grace' } }),
  }),
  read('signals'),

  ...onOneAndOwn(events, 'ended execution', {
    make: ended,
    send: ({ owner, id }) => owner.get(`/v1/executions/${id}/events`),
  }),
  onOne(events, 'one running execution, to its first entries', {
    make: recorded,
    send: ({ owner, id }) => ({ ...owner.get(`/v1/executions/${id}/events`), takesFirstChunk: true }),
  }),
]
