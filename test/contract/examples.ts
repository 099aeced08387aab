import { sha256Hex } from '@millrace/api/digest'
import { examples, type RouteExample } from '@millrace/api/openapi/examples'
import { asRecord, readAnswer } from './answers.ts'
import { takeDailyBackup } from '../service.ts'
import type { World } from './world.ts'

/** A documented example with what it names made to be there, ready to be sent by its caller. */
export interface PreparedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly status: number
  /** Of the caller. */
  readonly token: string
}

/** The routes' names: method and path. */
export type RouteName = string

interface Account {
  readonly id: string
  readonly username: string
  readonly token: string
  readonly refreshToken: string
}

/** What takes the place of an example's ids and tokens. */
interface Filling {
  readonly path?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly token?: string
}

type Prepare = (world: World, caller: Account) => Promise<Filling>

const password = 'correct horse battery'

const inWorkflow: Prepare = async (world, caller) => ({ path: { id: await makeWorkflow(world, caller) } })
const inExecution: Prepare = async (world, caller) => ({ path: { id: await makeExecution(world, caller) } })
const inClaimedExecution: Prepare = async (world, caller) => ({ path: { id: await makeClaimed(world, caller) } })

const inEndedExecution: Prepare = async (world, caller) => {
  const id = await makeExecution(world, caller)
  await ask(world, caller, 'POST', `/v1/executions/${id}/cancel`)
  return { path: { id } }
}

const inSchedule: Prepare = async (world, caller) => {
  const body = { name: 'a schedule', cron: '0 0 1 1 *' }
  const workflow = await makeWorkflow(world, caller)
  return { path: { id: idOf(await ask(world, caller, 'POST', `/v1/workflows/${workflow}/schedules`, body)) } }
}

async function withGrace(world: World, caller: Account): Promise<Filling> {
  await ensureAccount(world, 'grace')
  return inWorkflow(world, caller)
}

const asAdministrator: Prepare = (world) => Promise.resolve({ token: world.users.admin.token })

const preparations: Readonly<Record<RouteName, Prepare>> = {
  'POST /v1/auth/login': async (world) => {
    await ensureAccount(world, 'ada')
    return {}
  },
  'POST /v1/auth/refresh': (_, { refreshToken }) => Promise.resolve({ body: { refreshToken } }),
  'POST /v1/auth/reset': async ({ service }, { id }) => {
    const token = crypto.randomUUID()
    await service.database.query(
      `insert into password_resets (id, user_id, token_sha256, created_at, expires_at)
       select id, user_id, '${sha256Hex(token)}', created_at, expires_at from sessions where user_id = '${id}'`,
    )
    return { body: { token } }
  },
  'DELETE /v1/auth/sessions/{id}': async (world, caller) => {
    const { items } = asRecord(await ask(world, caller, 'GET', '/v1/auth/sessions'))
    return { path: { id: idOf(Array.isArray(items) ? items[0] : undefined) } }
  },
  'DELETE /v1/api-keys/{id}': async (world, caller) => ({
    path: { id: idOf(await ask(world, caller, 'POST', '/v1/api-keys', { name: 'k', scopes: ['read'] })) },
  }),
  'GET /v1/workflows/{id}': inWorkflow,
  'PATCH /v1/workflows/{id}': inWorkflow,
  'DELETE /v1/workflows/{id}': inWorkflow,
  'POST /v1/workflows/{id}/transfer': withGrace,
  'GET /v1/workflows/{id}/versions': inWorkflow,
  'GET /v1/workflows/{id}/versions/{n}': inWorkflow,
  'POST /v1/workflows/{id}/versions/{n}/restore': inWorkflow,
  'GET /v1/workflows/{id}/versions/{a}/diff/{b}': inWorkflow,
  'GET /v1/workflows/{id}/shares': inWorkflow,
  'POST /v1/workflows/{id}/shares': withGrace,
  'DELETE /v1/workflows/{id}/shares/{userId}': async (world, caller) => {
    const id = await makeWorkflow(world, caller)
    const grace = await ensureAccount(world, 'grace')
    await ask(world, caller, 'POST', `/v1/workflows/${id}/shares`, { username: 'grace', permission: 'view' })
    return { path: { id, userId: grace } }
  },
  'POST /v1/workflows/{id}/executions': inWorkflow,
  'GET /v1/executions/{id}': inExecution,
  'POST /v1/executions/{id}/heartbeat': inClaimedExecution,
  'PATCH /v1/executions/{id}': inClaimedExecution,
  'POST /v1/executions/{id}/cancel': inExecution,
  'POST /v1/executions/{id}/resume': async (world, caller) => {
    const id = await makeClaimed(world, caller)
    await ask(world, caller, 'PATCH', `/v1/executions/${id}`, { fence: 1, status: 'paused' })
    return { path: { id } }
  },
  'POST /v1/executions/{id}/retry': inEndedExecution,
  'DELETE /v1/executions/{id}': inEndedExecution,
  'POST /v1/executions/{id}/steps': inClaimedExecution,
  'GET /v1/executions/{id}/steps': inExecution,
  'GET /v1/executions/{id}/steps/{key}': async (world, caller) => {
    const id = await makeClaimed(world, caller)
    await ask(world, caller, 'POST', `/v1/executions/${id}/steps`, { fence: 1, steps: [{ key: 'charge', output: 1 }] })
    return { path: { id } }
  },
  'GET /v1/executions/{id}/history': inExecution,
  'POST /v1/executions/{id}/signals': inExecution,
  'GET /v1/executions/{id}/signals': inExecution,
  // Of one that has ended the stream ends.
  'GET /v1/executions/{id}/events': inEndedExecution,
  'GET /v1/workflows/{id}/schedules': inWorkflow,
  'POST /v1/workflows/{id}/schedules': inWorkflow,
  'GET /v1/schedules/{id}': inSchedule,
  'PATCH /v1/schedules/{id}': inSchedule,
  'DELETE /v1/schedules/{id}': inSchedule,
  'POST /v1/settings/reveal': async (world, caller) => {
    await ask(world, caller, 'PUT', '/v1/settings', { data: { github: { token: { $secret: 'of the example' } } } })
    return {}
  },
  'GET /metrics': ({ service }) => Promise.resolve({ token: service.vars['METRICS_TOKEN'] ?? '' }),
  'GET /v1/admin/status': asAdministrator,
  'GET /v1/admin/backups': asAdministrator,
  'POST /v1/admin/backups': asAdministrator,
  'GET /v1/admin/backups/{name}': async (world) => {
    await takeDailyBackup(world.service)
    return { token: world.users.admin.token }
  },
  'GET /v1/admin/users': asAdministrator,
  'PATCH /v1/admin/users/{id}': async (world, caller) => ({
    path: { id: caller.id },
    token: world.users.admin.token,
  }),
}

/** Makes what the route's example names, of a new user who is then the caller. */
export async function prepareExample(world: World, name: RouteName): Promise<PreparedRequest> {
  const example = examples[name]
  if (example === undefined) throw new Error(`${name} has no example in packages/api/src/openapi/examples.ts`)
  const caller = await makeAccount(world, `user-${crypto.randomUUID().slice(0, 8)}`)
  const filling = (await preparations[name]?.(world, caller)) ?? {}
  const [method = '', pattern = ''] = name.split(' ')
  return {
    method,
    path: pathOf(pattern, example, filling),
    body: example.body === undefined ? undefined : JSON.stringify({ ...example.body, ...filling.body }),
    headers: example.headers ?? {},
    status: example.status,
    token: filling.token ?? caller.token,
  }
}

/** Sends a request as its caller. */
export function sendPrepared(
  world: World,
  { method, path, body, headers, token }: PreparedRequest,
  more: { readonly headers?: Readonly<Record<string, string>>; readonly method?: string } = {},
): Promise<Response> {
  const sent = { ...headers, Authorization: `Bearer ${token}`, ...more.headers }
  const isRead = more.method === 'GET' || more.method === 'HEAD'
  return world.send('nobody', more.method ?? method, path, { body: isRead ? undefined : body, headers: sent })
}

function pathOf(pattern: string, { path = {}, query }: RouteExample, filling: Filling): string {
  const values: Readonly<Record<string, string>> = { ...path, ...filling.path }
  const filled = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
  return query === undefined ? filled : `${filled}?${new URLSearchParams({ ...query }).toString()}`
}

async function makeWorkflow(world: World, caller: Account): Promise<string> {
  return idOf(await ask(world, caller, 'POST', '/v1/workflows', { name: 'orders', definition: { a: 1 } }))
}

async function makeExecution(world: World, caller: Account): Promise<string> {
  const workflow = await makeWorkflow(world, caller)
  return idOf(await ask(world, caller, 'POST', `/v1/workflows/${workflow}/executions`, {}))
}

async function makeClaimed(world: World, caller: Account): Promise<string> {
  const id = await makeExecution(world, caller)
  await ask(world, caller, 'POST', '/v1/executions/claim', { worker: 'w' })
  return id
}

async function ensureAccount(world: World, username: string): Promise<string> {
  const [known] = await world.service.database.query(`select id from users where username = '${username}'`)
  return known === undefined ? (await makeAccount(world, username)).id : String(known['id'])
}

async function makeAccount(world: World, username: string): Promise<Account> {
  const body = JSON.stringify({ username, email: `${username}@example.org`, password })
  const { json, status, text } = await readAnswer(await world.send('nobody', 'POST', '/v1/auth/register', { body }))
  if (status !== 201) throw new Error(`register answered ${status}: ${text}`)
  const { user, accessToken, refreshToken } = asRecord(json)
  return { id: idOf(user), username, token: String(accessToken), refreshToken: String(refreshToken) }
}

async function ask(world: World, { token }: Account, method: string, path: string, body?: object): Promise<unknown> {
  const sent = { body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${token}`, 'If-Match': '*' } }
  const { status, text, json } = await readAnswer(await world.send('nobody', method, path, sent))
  if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
  return json
}

function idOf(thing: unknown): string {
  const { id } = asRecord(thing)
  if (typeof id !== 'string') throw new Error(`no id: ${JSON.stringify(thing)}`)
  return id
}
