import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../../test/servers/process.ts'
import { workspaceRoot } from '../../test/workspace.ts'
import { openClient, type Client, type Received, type Sent } from '../load.ts'
import { nextDefinition, pageLength, type ServeAct } from '../serve-acts.ts'
import { install } from './install.ts'

const version = '12.4.1'
const folder = join(workspaceRoot, '.cache/bench-directus')
const program = join(folder, 'node_modules/directus/cli.js')
const collection = 'workflows'
const administrator = { email: 'bench@example.com', password: 'correct horse battery' }
const patienceMilliseconds = 120_000

export interface Directus {
  readonly client: Client
  readonly processId: number
  turn(act: ServeAct, client: Client, lane: number): Promise<Received>
  stop(): Promise<void>
}

/** On a SQLite file of its own, with definitions as items of one collection. Revisions are its history. */
export async function startDirectus(directory: string, lanes: number): Promise<Directus> {
  if (!existsSync(program)) installDirectus()
  const port = await findFreePort()
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    DB_CLIENT: 'sqlite3',
    DB_FILENAME: join(directory, 'directus.db'),
    SECRET: randomBytes(32).toString('base64url'),
    ADMIN_EMAIL: administrator.email,
    ADMIN_PASSWORD: administrator.password,
    ACCESS_TOKEN_TTL: '1d',
    LOG_LEVEL: 'warn',
    TELEMETRY: 'false',
    NODE_ENV: 'production',
  }
  await promisify(execFile)(process.execPath, [program, 'bootstrap'], { cwd: directory, env })
  const child = spawn(process.execPath, [program, 'start'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  const client = openClient(`http://127.0.0.1:${port}`)
  const stop = async () => {
    client.close()
    child.kill('SIGTERM')
    await exited
  }
  try {
    await untilReady(client)
    const turn = await createWorld(client, lanes)
    return { client, processId: child.pid ?? 0, turn, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** Its drivers are built or fetched by their own install scripts. The browser's app is not measured. */
function installDirectus(): void {
  install(folder, {
    dependencies: { directus: version },
    // The version that it names is not in every mirror of the registry.
    overrides: { '@directus/app': '18.0.0' },
    flags: [],
  })
}

async function untilReady(client: Client): Promise<void> {
  const until = performance.now() + patienceMilliseconds
  for (;;) {
    const answer = await client.send({ method: 'GET', path: '/server/ping', headers: {} }).catch(() => undefined)
    if (answer?.status === 200) return
    if (performance.now() > until) throw new Error('Directus did not start')
    await delay(100)
  }
}

/** As `createServeWorld`: a page of items, one of them with a page of revisions, and one for each lane to update. */
async function createWorld(client: Client, lanes: number): Promise<Directus['turn']> {
  const token = await logIn(client)
  const authorized: Readonly<Record<string, string>> = { Authorization: `Bearer ${token}` }
  const get = (path: string): Sent => ({ method: 'GET', path, headers: authorized })
  const send = (method: string, path: string, body: string): Sent => ({
    method,
    path,
    headers: { ...authorized, 'Content-Type': 'application/json' },
    body,
  })
  const creation = () => send('POST', `/items/${collection}`, `{"name":"bench","definition":${nextDefinition()}}`)
  const change = (id: string) => send('PATCH', `/items/${collection}/${id}`, `{"definition":${nextDefinition()}}`)
  await succeed(client, send('POST', '/collections', JSON.stringify(workflows)))
  const make = async () => {
    const { body } = await succeed(client, creation())
    return (JSON.parse(body) as { readonly data: { readonly id: string } }).data.id
  }
  const listed: string[] = []
  for (let made = 0; made < pageLength; made += 1) listed.push(await make())
  const [versioned = ''] = listed
  for (let revision = 1; revision <= pageLength; revision += 1) await succeed(client, change(versioned))
  const updated: string[] = []
  for (let lane = 0; lane < lanes; lane += 1) updated.push(await make())
  const list = `/items/${collection}?limit=${pageLength}&sort=-created_at&fields=id,name,created_at,updated_at`
  const history = `/revisions?filter[collection][_eq]=${collection}&filter[item][_eq]=${versioned}&limit=${pageLength}&sort=-id&fields=id,version,activity.timestamp,activity.user`
  const requests: Readonly<Record<ServeAct, (lane: number) => Sent>> = {
    read: (lane) => get(`/items/${collection}/${listed[lane % listed.length]}`),
    list: () => get(list),
    history: () => get(encodeURI(history)),
    create: creation,
    update: (lane) => change(updated[lane] ?? ''),
  }
  return (act, to, lane) => to.send(requests[act](lane))
}

/** What the API of workflows has, with Directus' own revisions. */
const workflows = {
  collection,
  meta: { accountability: 'all' },
  schema: {},
  fields: [
    { field: 'id', type: 'uuid', meta: { special: ['uuid'] }, schema: { is_primary_key: true, length: 36 } },
    { field: 'name', type: 'string', meta: {}, schema: {} },
    { field: 'definition', type: 'json', meta: { special: ['cast-json'] }, schema: {} },
    { field: 'created_at', type: 'timestamp', meta: { special: ['date-created'] }, schema: {} },
    { field: 'updated_at', type: 'timestamp', meta: { special: ['date-updated'] }, schema: {} },
  ],
}

async function logIn(client: Client): Promise<string> {
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify(administrator)
  const answer = await succeed(client, { method: 'POST', path: '/auth/login', headers, body })
  return (JSON.parse(answer.body) as { readonly data: { readonly access_token: string } }).data.access_token
}

async function succeed(client: Client, sent: Sent): Promise<Received> {
  const answer = await client.send(sent)
  if (answer.status !== 200) {
    throw new Error(`Directus answered ${sent.method} ${sent.path} with ${answer.status}: ${answer.body}`)
  }
  return answer
}
