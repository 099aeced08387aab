import type { Client, Received, Sent } from './load.ts'

/** What is measured of `millrace serve`. */
export const serveActs = ['read', 'list', 'history', 'create', 'update'] as const
export type ServeAct = (typeof serveActs)[number]

/** One user's requests: workflows of 20 nodes, about 6.5 kB each, as an editor stores them. */
export interface ServeWorld {
  turn(act: ServeAct, client: Client, lane: number): Promise<Received>
}

interface Stored {
  readonly id: string
  etag: string
}

/** Of a page that is asked for without a limit. */
export const pageLength = 50
const nodes = 20

/** Registers a user with a page of workflows, one with a page of versions, and one for each lane to update. */
export async function createServeWorld(client: Client, lanes: number): Promise<ServeWorld> {
  const token = await register(client)
  const listed: Stored[] = []
  for (let index = 0; index < pageLength; index += 1) listed.push(await create(client, token))
  const [versioned] = listed
  if (versioned === undefined) throw new Error('there is no workflow to read')
  for (let version = 1; version <= pageLength; version += 1) await update(client, token, versioned)
  const updated: Stored[] = []
  for (let lane = 0; lane < lanes; lane += 1) updated.push(await create(client, token))
  return {
    turn(act, to, lane) {
      switch (act) {
        case 'read':
          return to.send(get(token, `/v1/workflows/${listed[lane % listed.length]?.id}`))
        case 'list':
          return to.send(get(token, '/v1/workflows'))
        case 'history':
          return to.send(get(token, `/v1/workflows/${versioned.id}/versions`))
        case 'create':
          return to.send(creation(token))
        case 'update': {
          const own = updated[lane]
          if (own === undefined) throw new Error('there are more lanes than workflows to update')
          return update(to, token, own)
        }
      }
    },
  }
}

let made = 0

/** One of 20 nodes, as JSON, that is like no other. */
export function nextDefinition(): string {
  made += 1
  return `{"saved":${made},${rest}`
}

const rest = JSON.stringify({
  nodes: Array.from({ length: nodes }, (_none, index) => ({
    id: `node-${index}`,
    type: 'http',
    position: { x: index * 120, y: 80 },
    data: { label: `Step ${index}`, url: `https://example.com/${index}`, method: 'POST', body: 'x'.repeat(160) },
  })),
  edges: Array.from({ length: nodes - 1 }, (_none, index) => ({
    source: `node-${index}`,
    target: `node-${index + 1}`,
  })),
}).slice(1)

async function register(client: Client): Promise<string> {
  const { status, body } = await client.send({
    method: 'POST',
    path: '/v1/auth/register',
    headers: { 'Content-Type': 'application/json' },
    body: '{"username":"bench","email":"bench@example.com","password":"correct horse battery"}',
  })
  if (status !== 201) throw new Error(`the user of the bench was not registered: ${status} ${body}`)
  return (JSON.parse(body) as { accessToken: string }).accessToken
}

async function create(client: Client, token: string): Promise<Stored> {
  const { status, body, etag = '' } = await client.send(creation(token))
  if (status !== 201) throw new Error(`a workflow of the bench was not created: ${status} ${body}`)
  return { id: (JSON.parse(body) as { id: string }).id, etag }
}

async function update(client: Client, token: string, stored: Stored): Promise<Received> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'If-Match': stored.etag }
  const body = `{"definition":${nextDefinition()}}`
  const answer = await client.send({ method: 'PATCH', path: `/v1/workflows/${stored.id}`, headers, body })
  stored.etag = answer.etag ?? ''
  return answer
}

function get(token: string, path: string): Sent {
  return { method: 'GET', path, headers: { Authorization: `Bearer ${token}` } }
}

function creation(token: string): Sent {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  return { method: 'POST', path: '/v1/workflows', headers, body: `{"name":"bench","definition":${nextDefinition()}}` }
}
