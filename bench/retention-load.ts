import { load, type Client, type Received } from './load.ts'
import { liveId, type FillOwners } from './retention-fill.ts'

/** What users and workers do meanwhile. */
export const retentionActs = ['claim', 'step', 'read', 'list'] as const
export type RetentionAct = (typeof retentionActs)[number]

export interface RetentionWorld {
  readonly owners: FillOwners
  /** Access tokens end after 15 minutes: taken before each slice. */
  logIn(): Promise<void>
  turn(act: RetentionAct, client: Client): Promise<Received>
}

/** Latencies of one act in milliseconds, and how many of them there were in a second. */
export interface Felt {
  readonly latencies: readonly number[]
  readonly perSecond: number
}
export type FeltByAct = Readonly<Record<RetentionAct, Felt>>

const password = 'correct horse battery'
const credentials = JSON.stringify({ username: 'bench', password })
const json = { 'Content-Type': 'application/json' }
const workflowCount = 10

/**
 * Registers two users with ten workflows each: what has ended is the one's, and what is asked for the other's. An owner's list
 * would be another measurement, since MariaDB reads the keys of all that the owner has.
 */
export async function createRetentionWorld(client: Client, live: number): Promise<RetentionWorld> {
  const owners = { ended: await register(client, 'past'), live: await register(client, 'bench') }
  let token = owners.live.token
  const authorized = () => ({ ...json, Authorization: `Bearer ${token}` })
  let steps = 0
  return {
    owners,
    async logIn() {
      token = (await post(client, '/v1/auth/login', {}, credentials)).accessToken
    },
    async turn(act, to) {
      const headers = authorized()
      steps += 1
      // Spread over all, and coming back to each.
      const id = liveId(1 + ((steps * 7919) % live))
      switch (act) {
        case 'claim': {
          const answer = await to.send({ method: 'POST', path: '/v1/executions/claim', headers, body: claimBody })
          if (answer.body === '{"items":[]}') throw new Error('the queue is used up: take more with --queued')
          return answer
        }
        case 'step': {
          const body = `{"fence":1,"steps":[{"key":"step ${steps}","output":{"number":${steps}}}]}`
          return to.send({ method: 'POST', path: `/v1/executions/${id}/steps`, headers, body })
        }
        case 'read':
          return to.send({ method: 'GET', path: `/v1/executions/${id}`, headers })
        case 'list':
          return to.send({ method: 'GET', path: '/v1/executions', headers })
      }
    },
  }
}

async function register(client: Client, username: string) {
  const registration = JSON.stringify({ username, email: `${username}@example.com`, password })
  const { accessToken: token, user } = await post(client, '/v1/auth/register', {}, registration)
  const workflowIds: string[] = []
  for (let number = 0; number < workflowCount; number += 1) {
    const headers = { Authorization: `Bearer ${token}` }
    workflowIds.push((await post(client, '/v1/workflows', headers, '{"name":"bench","definition":{}}')).id)
  }
  return { userId: user.id, workflowIds, token }
}

const claimBody = '{"worker":"bench","leaseSeconds":3600}'

interface Posted {
  readonly id: string
  readonly accessToken: string
  readonly user: { readonly id: string }
}

async function post(
  client: Client,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Posted> {
  const answer = await client.send({ method: 'POST', path, headers: { ...json, ...headers }, body })
  if (answer.status > 299) throw new Error(`${path} of the bench was answered ${answer.status}: ${answer.body}`)
  return JSON.parse(answer.body) as Posted
}

/** Every act one after the other, on a connection of its own, as fast as they are answered. */
export async function atFullSpeed(client: Client, world: RetentionWorld, seconds: number): Promise<FeltByAct> {
  return ofActs(async (act) => {
    const slice = await load(client, { lanes: 1, seconds }, (to) => world.turn(act, to))
    return { latencies: slice.latencies, perSecond: slice.requests / slice.seconds }
  })
}

/** So many of every act in a second, whether or not those before are answered: each is timed from when it was due. */
export async function atPace(
  client: Client,
  world: RetentionWorld,
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
): Promise<FeltByAct> {
  return ofActs(async (act, position) => {
    const startedAt = performance.now() + (position * 1000) / perSecond / retentionActs.length
    const turns = Array.from({ length: Math.round(seconds * perSecond) }, async (_none, number) => {
      const dueAt = startedAt + (number * 1000) / perSecond
      await new Promise((resolve) => setTimeout(resolve, dueAt - performance.now()))
      const { status, body } = await world.turn(act, client)
      if (status > 299) throw new Error(`${act} of the bench was answered ${status}: ${body}`)
      return performance.now() - dueAt
    })
    return { latencies: await Promise.all(turns), perSecond }
  })
}

async function ofActs(feel: (act: RetentionAct, position: number) => Promise<Felt>): Promise<FeltByAct> {
  const [claim, step, read, list] = await Promise.all([
    feel('claim', 0),
    feel('step', 1),
    feel('read', 2),
    feel('list', 3),
  ])
  return { claim, step, read, list }
}
