import { randomUUID } from 'node:crypto'
import type { Client, Received, Sent } from './load.ts'

/** Whose statements are counted. */
export const countedActs = [
  'read one workflow',
  'list workflows',
  'list versions',
  'create workflows',
  'update one workflow',
  'update workflows of one’s own',
  'share one workflow',
  'share many workflows',
  'replace settings',
  'start executions of one workflow',
  'claim from one queue',
  'record steps of one execution',
  'heartbeat of one execution',
  'complete executions',
  'signal one execution',
  'read a history',
  'delete workflows',
] as const
export type CountedAct = (typeof countedActs)[number]

export interface CountedWorld {
  /** @param number Of the request, in its act. */
  send(act: CountedAct, number: number): Promise<Received>
}

/** What a request of each act needs is there for so many of them. */
export async function createCountedWorld(client: Client, count: number): Promise<CountedWorld> {
  const owner = await register(client)
  const others = await inTurn(8, () => register(client))
  const workflow = await create(client, owner.token)
  const own = await inTurn(count, () => create(client, owner.token))
  const doomed = await inTurn(count, () => create(client, owner.token))
  const started = await created(client, post(owner.token, `/v1/workflows/${workflow}/executions`, { input: {} }))
  const queue = await create(client, owner.token)
  await inTurn(count, () => created(client, post(owner.token, `/v1/workflows/${queue}/executions`, { input: {} })))
  const claim = { worker: 'bench', leaseSeconds: 3600 }
  const finished = await create(client, owner.token)
  await inTurn(count, () => created(client, post(owner.token, `/v1/workflows/${finished}/executions`, { input: {} })))
  const held: string[] = []
  while (held.length < count) {
    const wanted = { ...claim, limit: 50, workflowIds: [finished] }
    held.push(...claimedOf(await client.send(post(owner.token, '/v1/executions/claim', wanted))))
  }
  await client.send(post(owner.token, '/v1/executions/claim', { ...claim, workflowIds: [workflow] }))
  const execution = `/v1/executions/${started}`
  const { token } = owner
  const requests: Readonly<Record<CountedAct, (number: number) => Sent>> = {
    'read one workflow': () => get(token, `/v1/workflows/${workflow}`),
    'list workflows': () => get(token, '/v1/workflows'),
    'list versions': () => get(token, `/v1/workflows/${workflow}/versions`),
    'create workflows': () => post(token, '/v1/workflows', { name: 'bench', definition: {} }),
    'update one workflow': (number) => patch(token, `/v1/workflows/${workflow}`, { definition: { number } }, '*'),
    'update workflows of one’s own': (number) =>
      patch(token, `/v1/workflows/${own[number % own.length]}`, { definition: { number } }, '*'),
    'share one workflow': (number) =>
      post(token, `/v1/workflows/${workflow}/shares`, share(others[number % others.length], number)),
    'share many workflows': (number) =>
      post(token, `/v1/workflows/${own[number % own.length]}/shares`, share(others[number % others.length], number)),
    'replace settings': (number) => ({ ...post(token, '/v1/settings', { data: { number } }), method: 'PUT' }),
    'start executions of one workflow': () => post(token, `/v1/workflows/${workflow}/executions`, { input: {} }),
    'claim from one queue': () => post(token, '/v1/executions/claim', { ...claim, workflowIds: [queue] }),
    'record steps of one execution': () =>
      post(token, `${execution}/steps`, { fence: 1, steps: [{ key: randomUUID(), output: 1 }] }),
    'heartbeat of one execution': () => post(token, `${execution}/heartbeat`, { fence: 1, leaseSeconds: 3600 }),
    'complete executions': (number) => ({
      ...post(token, `/v1/executions/${held[number]}`, { fence: 1, status: 'completed' }),
      method: 'PATCH',
    }),
    'signal one execution': () => post(token, `${execution}/signals`, { name: 'bench', payload: 1 }),
    'read a history': () => get(token, `${execution}/history`),
    'delete workflows': (number) => ({
      method: 'DELETE',
      path: `/v1/workflows/${doomed[number]}`,
      headers: { Authorization: `Bearer ${token}`, 'If-Match': '*' },
    }),
  }
  return { send: (act, number) => client.send(requests[act](number)) }
}

interface Registered {
  readonly token: string
  readonly username: string
}

async function register(client: Client): Promise<Registered> {
  const username = `bench-${randomUUID()}`
  const sent = post('', '/v1/auth/register', {
    username,
    email: `${username}@example.com`,
    password: randomUUID(),
  })
  const { Authorization: _, ...headers } = sent.headers
  const { status, body } = await client.send({ ...sent, headers })
  if (status !== 201) throw new Error(`a user of the bench was not registered: ${status} ${body}`)
  return { token: (JSON.parse(body) as { accessToken: string }).accessToken, username }
}

function create(client: Client, token: string): Promise<string> {
  return created(client, post(token, '/v1/workflows', { name: 'bench', definition: {} }))
}

async function created(client: Client, sent: Sent): Promise<string> {
  const { status, body } = await client.send(sent)
  if (status !== 201) throw new Error(`what the bench needs was not created: ${status} ${body}`)
  return (JSON.parse(body) as { id: string }).id
}

function claimedOf({ status, body }: Received): readonly string[] {
  if (status !== 200) throw new Error(`what the bench needs was not claimed: ${status} ${body}`)
  const { items } = JSON.parse(body) as { readonly items: readonly { readonly id: string }[] }
  if (items.length === 0) throw new Error('there is nothing that the bench can claim')
  return items.map(({ id }) => id)
}

/** Side by side as far as one connection of the pool each. */
async function inTurn<Made>(count: number, make: () => Promise<Made>): Promise<readonly Made[]> {
  const made: Made[] = []
  while (made.length < count) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(5, count - made.length) }, make))))
  }
  return made
}

function share(user: Registered | undefined, number: number): object {
  return { username: user?.username ?? '', permission: number % 2 === 0 ? 'view' : 'edit' }
}

function get(token: string, path: string): Sent {
  return { method: 'GET', path, headers: { Authorization: `Bearer ${token}` } }
}

function post(token: string, path: string, body: object): Sent {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  return { method: 'POST', path, headers, body: JSON.stringify(body) }
}

function patch(token: string, path: string, body: object, ifMatch: string): Sent {
  const sent = post(token, path, body)
  return { ...sent, method: 'PATCH', headers: { ...sent.headers, 'If-Match': ifMatch } }
}
