import { startService, type Service } from '../service.ts'
import { wholeNumberOf } from './answers.ts'
import type { DialectName } from '../dialects.ts'

/** Who a request is from. `nobody` sends no token, `impostor` one that nobody signed. */
export type Actor =
  | 'owner'
  | 'editor'
  | 'executor'
  | 'viewer'
  | 'stranger'
  | 'admin'
  | 'disabled'
  | 'nobody'
  | 'impostor'

type Account = Exclude<Actor, 'nobody' | 'impostor'>

export const password = 'correct horse'

export interface User {
  readonly id: string
  readonly token: string
}

export interface Workflow {
  readonly id: string
  readonly etag: string
  readonly text: string
}

/** A service on a database of its own, with one user of each kind. */
export interface World {
  readonly dialect: DialectName
  readonly service: Service
  readonly users: Readonly<Record<Account, User>>
  send(actor: Actor, method: string, path: string, init?: SendInit): Promise<Response>
  /** Creates a workflow of the owner's, shared with editor, executor and viewer unless told otherwise. */
  workflow(options?: WorkflowOptions): Promise<Workflow>
  stop(): Promise<void>
}

export interface SendInit {
  /** Sent as it is, as `application/json` unless the headers say otherwise. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface WorkflowOptions {
  readonly name?: string
  readonly description?: string
  readonly definition?: string
  readonly isPublic?: boolean
  readonly isShared?: boolean
  readonly by?: Account
}

const accounts: readonly Account[] = ['owner', 'editor', 'executor', 'viewer', 'stranger', 'admin', 'disabled']
const shared = [
  ['editor', 'edit'],
  ['executor', 'execute'],
  ['viewer', 'view'],
] as const

/** @param prepare Is given the service before its first request. */
export async function startWorld(
  dialect: DialectName,
  vars: Readonly<Record<string, string>> = {},
  prepare?: (service: Service) => void,
): Promise<World> {
  const service = await startService(dialect, { vars })
  prepare?.(service)
  const users = await registerAll(service)
  await service.database.query(`update users set role = 'admin' where id = '${users.admin.id}'`)
  await service.database.query(`update users set disabled_at = created_at where id = '${users.disabled.id}'`)
  const world: World = {
    dialect,
    service,
    users,
    send: (actor, method, path, init = {}) => service.fetch(path, requestOf(users, actor, method, init)),
    workflow: (options = {}) => createWorkflow(world, options),
    stop: () => service.stop(),
  }
  return world
}

function requestOf(users: World['users'], actor: Actor, method: string, { body, headers }: SendInit): RequestInit {
  const authorization = actor === 'nobody' ? undefined : actor === 'impostor' ? 'e30.e30.e30' : users[actor].token
  return {
    method,
    headers: {
      // Each request from a network of its own, so that no limit of one is reached by chance.
      'CF-Connecting-IP': randomAddress(),
      ...(authorization === undefined ? {} : { Authorization: `Bearer ${authorization}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    // A stream can only be sent while nothing is read (WHATWG fetch).
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  }
}

async function registerAll(service: Service): Promise<World['users']> {
  const users: Partial<Record<Account, User>> = {}
  for (const name of accounts) users[name] = await register(service, name)
  const { owner, editor, executor, viewer, stranger, admin, disabled } = users
  if (!owner || !editor || !executor || !viewer || !stranger || !admin || !disabled) throw new Error('no users')
  return { owner, editor, executor, viewer, stranger, admin, disabled }
}

export async function register(service: Service, username: string): Promise<User> {
  const answer = await service.fetch('/v1/auth/register', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': randomAddress() },
    body: JSON.stringify({ username, email: `${username}@example.com`, password }),
  })
  const text = await answer.text()
  if (answer.status !== 201) throw new Error(`register answered ${answer.status}: ${text}`)
  const { user, accessToken } = JSON.parse(text) as { user: { id: string }; accessToken: string }
  return { id: user.id, token: accessToken }
}

async function createWorkflow(world: World, options: WorkflowOptions): Promise<Workflow> {
  const { name = 'a workflow', description = null, definition = '{}', isPublic = false } = options
  const { isShared = true, by = 'owner' } = options
  const plain = `"name":${JSON.stringify(name)},"description":${JSON.stringify(description)},"isPublic":${isPublic}`
  const body = `{${plain},"definition":${definition}}`
  const answer = await world.send(by, 'POST', '/v1/workflows', { body })
  const text = await answer.text()
  if (answer.status !== 201) throw new Error(`create answered ${answer.status}: ${text}`)
  const { id } = JSON.parse(text) as { id: string }
  if (isShared) await share(world, id)
  return { id, etag: answer.headers.get('ETag') ?? '', text }
}

async function share({ service, users }: World, workflowId: string): Promise<void> {
  for (const [account, permission] of shared) {
    await service.database.query(
      `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at, shared_by)
       select '${crypto.randomUUID()}', id, '${users[account].id}', '${permission}', created_at, owner_id
       from workflows where id = '${workflowId}'`,
    )
  }
}

/** How many rows of a table there are, past all of Millrace. */
export async function countRows({ service }: World, table: string, condition = '1 = 1'): Promise<number> {
  const [row] = await service.database.query(`select count(*) as n from ${table} where ${condition}`)
  return wholeNumberOf(row?.['n'])
}

function randomAddress(): string {
  return `10.${crypto.getRandomValues(new Uint8Array(3)).join('.')}`
}
