import { nextDefinition } from '../serve-acts.ts'
import { entryOf, type Make } from './act.ts'
import type { Person } from './person.ts'
import { done, inTurn, made, register, type RouteWorld } from './world.ts'

/** What a user has, by its id. */
export interface Owned {
  readonly owner: Person
  readonly id: string
}

/** An execution, and the workflow that it is of. */
export interface OwnedExecution extends Owned {
  readonly workflowId: string
}

export const force = { 'If-Match': '*' } as const

/** A name and a definition of 6.5 kB, as JSON. */
export function newWorkflow(): string {
  return `{"name":"bench","definition":${nextDefinition()}}`
}

export const people: Make<Person> = ({ client }, count) => inTurn(count, () => register(client))

export function workflow({ client }: RouteWorld, owner: Person): Promise<string> {
  return made(client, owner.post('/v1/workflows', newWorkflow()))
}

/** Workflows of one owner. */
export const workflows: Make<Owned> = async (world, count) => {
  const owner = await register(world.client)
  return inTurn(count, async () => ({ owner, id: await workflow(world, owner) }))
}

/** A workflow of each of so many users. */
export const workflowsOfOwners: Make<Owned> = async (world, count) => {
  const owners = await people(world, count)
  return inTurn(count, async (number) => {
    const owner = entryOf(owners, number)
    return { owner, id: await workflow(world, owner) }
  })
}

/** Executions of one workflow that nobody has claimed. */
export const pending: Make<OwnedExecution> = async (world, count) => {
  const owner = await register(world.client)
  const workflowId = await workflow(world, owner)
  const start = owner.post(`/v1/workflows/${workflowId}/executions`, { input: { order: 17 } })
  return inTurn(count, async () => ({ owner, workflowId, id: await made(world.client, start) }))
}

/** Executions of one workflow that run, under fence 1. */
export const running: Make<OwnedExecution> = async (world, count) => {
  const all = await pending(world, count)
  const { owner, workflowId } = entryOf(all, 0)
  const claim = { worker: 'bench', leaseSeconds: 3600, limit: 50, workflowIds: [workflowId] }
  for (let claimed = 0; claimed < count;) {
    const { items } = (await done(world.client, owner.post('/v1/executions/claim', claim))) as {
      readonly items: readonly unknown[]
    }
    if (items.length === 0) throw new Error('there is nothing to claim of what the bench has started')
    claimed += items.length
  }
  return all
}

/** Executions of one workflow that were reported so. */
function reported(status: 'completed' | 'paused'): Make<OwnedExecution> {
  return async (world, count) => {
    const all = await running(world, count)
    await inTurn(count, (number) => {
      const { owner, id } = entryOf(all, number)
      return done(world.client, owner.patch(`/v1/executions/${id}`, { fence: 1, status }))
    })
    return all
  }
}

export const ended = reported('completed')
export const paused = reported('paused')
