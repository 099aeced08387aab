import type { Act } from './floor-contract.ts'
import { definitionsOf, type Definitions } from './documents.ts'
import type { Client, Received, Sent } from './load.ts'

/** A user's requests about definitions of one size. */
export interface World {
  readonly bytes: number
  turn(act: Act, client: Client, lane: number): Promise<Received>
}

interface Lane {
  readonly id: string
  etag: string
}

/** Of a page that is asked for without a limit. */
const pageLength = 50

/** Registers a user of the product's with a page of workflows; each lane patches a workflow of its own. */
export async function createWorld(client: Client, bytes: number, lanes: number): Promise<World> {
  const definitions = definitionsOf(bytes)
  const reader = await register(client)
  const writer = await register(client)
  const listed: string[] = []
  for (let index = 0; index < pageLength; index += 1) listed.push((await created(client, reader, definitions)).id)
  const patched: Lane[] = []
  for (let index = 0; index < lanes; index += 1) patched.push(await created(client, writer, definitions))
  return {
    bytes,
    turn(act, to, lane) {
      switch (act) {
        case 'read':
          return to.send(get(reader, `/v1/workflows/${listed[lane % listed.length]}`))
        case 'list':
          return to.send(get(reader, '/v1/workflows'))
        case 'create':
          return to.send(creation(writer, definitions))
        case 'patch':
          return patch(to, writer, definitions, patched[lane])
      }
    },
  }
}

async function register(client: Client): Promise<string> {
  const username = `bench-${crypto.randomUUID()}`
  const { status, body } = await client.send({
    method: 'POST',
    path: '/v1/auth/register',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, email: `${username}@example.com`, password: crypto.randomUUID() }),
  })
  if (status !== 201) throw new Error(`a user of the bench was not registered: ${status} ${body}`)
  return (JSON.parse(body) as { accessToken: string }).accessToken
}

async function created(client: Client, token: string, definitions: Definitions): Promise<Lane> {
  const { status, body, etag = '' } = await client.send(creation(token, definitions))
  if (status !== 201) throw new Error(`a workflow of the bench was not created: ${status} ${body}`)
  return { id: (JSON.parse(body) as { id: string }).id, etag }
}

function get(token: string, path: string): Sent {
  return { method: 'GET', path, headers: { Authorization: `Bearer ${token}` } }
}

function creation(token: string, definitions: Definitions): Sent {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  return {
    method: 'POST',
    path: '/v1/workflows',
    headers,
    body: `{"name":"A workflow","definition":${definitions.next()}}`,
  }
}

async function patch(client: Client, token: string, definitions: Definitions, lane?: Lane): Promise<Received> {
  if (lane === undefined) throw new Error('there are more lanes than workflows to patch')
  const answer = await client.send({
    method: 'PATCH',
    path: `/v1/workflows/${lane.id}`,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'If-Match': lane.etag },
    body: `{"definition":${definitions.next()}}`,
  })
  lane.etag = answer.etag ?? ''
  return answer
}
