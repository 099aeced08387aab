import { nextDefinition } from '../serve-acts.ts'
import { onOne, onOneAndOwn, onOwn, type Make, type RouteAct } from './act.ts'
import type { Person } from './person.ts'
import { force, newWorkflow, people, workflows, workflowsOfOwners, type Owned } from './things.ts'
import { register } from './world.ts'

const batchSize = 10
/** As many as a page has that is asked for without a limit. */
const pageLength = 50

const newBatch = () => `{"items":[${Array.from({ length: batchSize }, newWorkflow).join(',')}]}`

const create = { make: people, send: (owner: Person) => owner.post('/v1/workflows', newWorkflow()) }

interface Keyed {
  readonly owner: Person
  readonly key: string
  readonly body: string
}

/** The same request of one user again and again, with an Idempotency-Key. */
const keyed: Make<Keyed> = async ({ client }, count) => {
  const owner = await register(client)
  return Array.from({ length: count }, (_none, number) => ({ owner, key: `bench ${number}`, body: newWorkflow() }))
}

interface Transferable extends Owned {
  readonly others: readonly Person[]
  /** Who may give it away, whoever has it. */
  readonly by: Person
}

/** One workflow that goes from one to the next, by an administrator: an owner that has given it away may not. */
const wandering: Make<Transferable> = async (world, count) => {
  const others = await people(world, 8)
  const by = await world.administrator()
  return (await workflows(world, count)).map((owned) => ({ ...owned, others, by }))
}

const givenAway: Make<Transferable> = async (world, count) => {
  const others = await people(world, 8)
  return (await workflowsOfOwners(world, count)).map((owned) => ({ ...owned, others, by: owned.owner }))
}

const transfer = {
  send: ({ by, id, others }: Transferable, { number }: { readonly number: number }) =>
    by.post(`/v1/workflows/${id}/transfer`, { username: others[number % others.length]?.username }, force),
}

const update = ({ owner, id }: Owned, ifMatch: string) =>
  owner.patch(`/v1/workflows/${id}`, `{"definition":${nextDefinition()}}`, { 'If-Match': ifMatch })

export const workflowActs: readonly RouteAct[] = [
  ...onOneAndOwn('POST /v1/workflows', 'owner', create),
  onOne('POST /v1/workflows', 'one Idempotency-Key', {
    make: keyed,
    isUsedUp: true,
    refusals: ['idempotency_in_progress'],
    send: ({ owner, key, body }) => owner.post('/v1/workflows', body, { 'Idempotency-Key': key }),
  }),
  ...onOneAndOwn('POST /v1/workflows/batch', 'owner', {
    make: people,
    send: (owner) => owner.post('/v1/workflows/batch', newBatch()),
  }),

  onOne('GET /v1/workflows', 'one owner', {
    make: async (world) => (await workflows(world, pageLength)).slice(0, 1),
    send: ({ owner }) => owner.get('/v1/workflows'),
  }),
  ...onOneAndOwn('GET /v1/workflows/{id}', 'workflow', {
    make: workflows,
    send: ({ owner, id }) => owner.get(`/v1/workflows/${id}`),
  }),

  ...onOneAndOwn('PATCH /v1/workflows/{id}', 'workflow', { make: workflows, send: (owned) => update(owned, '*') }),
  onOne('PATCH /v1/workflows/{id}', 'one revision', {
    make: workflows,
    isUsedUp: true,
    refusals: ['precondition_failed'],
    send: (owned) => update(owned, '"1"'),
  }),

  ...onOneAndOwn('DELETE /v1/workflows/{id}', 'workflow', {
    make: workflows,
    isUsedUp: true,
    refusals: ['not_found'],
    send: ({ owner, id }) => owner.delete(`/v1/workflows/${id}`, force),
  }),

  onOne('POST /v1/workflows/{id}/transfer', 'one workflow', {
    make: wandering,
    // To who has it already.
    refusals: ['validation_failed'],
    ...transfer,
  }),
  onOwn('POST /v1/workflows/{id}/transfer', 'workflows of their own', { make: givenAway, ...transfer }),
]
