/**
 * `node bench/serve.ts [--dialect sqlite,postgres] [--rounds 4] [--seconds 3]`: `millrace serve`, one process, beside a floor
 * (bench/serve-floor.ts) in one run: one process of Node that sends the same SQL through the same driver. Each in turn under
 * eight connections; ratios count, times belong to the machine.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { createDatabase } from './databases.ts'
import { load, openClient, type Client, type Received } from './load.ts'
import { recordStatements } from './statements.ts'

const lanes = 8
const nodes = 20

type Served = 'sqlite' | 'postgres'
const served: readonly Served[] = ['sqlite', 'postgres']
const acts = ['read', 'create'] as const
type Act = (typeof acts)[number]

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: served.join(',') },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
  },
})
const wanted = served.filter((dialect) => values.dialect.split(',').includes(dialect))
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

/** About 6.5 kB, as an editor stores it. */
const definition = JSON.stringify({
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
})

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const runId = randomUUID()
const servers = await startServers(directory, runId)
process.env[runVariable] = runId
const children: ChildProcess[] = []
try {
  for (const dialect of wanted) await compare(dialect)
} finally {
  for (const child of children) child.kill('SIGTERM')
  await servers.stop()
}

async function compare(dialect: Served): Promise<void> {
  const { url } = await createDatabase(dialect, servers.started, directory)
  const secrets = { ...newServiceSecrets() }
  const product = await startProduct(url, secrets)
  const { token, id } = await prepare(product)
  const floor = await startFloor(dialect, url, secrets.AUTH_KEYS)
  const clients = { product: openClient(product), floor: openClient(floor) }
  const rates: Record<Act, { product: number[]; floor: number[] }> = {
    read: { product: [], floor: [] },
    create: { product: [], floor: [] },
  }
  for (const act of acts) {
    for (const client of Object.values(clients)) await load(client, { lanes, seconds: 1 }, turnOf(act, token, id))
    for (let round = 0; round < rounds; round += 1) {
      for (const subject of ['product', 'floor'] as const) {
        const slice = await load(clients[subject], { lanes, seconds }, turnOf(act, token, id))
        rates[act][subject].push(slice.requests / slice.seconds)
      }
    }
  }
  const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
  process.stdout.write(`\n${dialect}, ${lanes} connections, ${rounds} rounds of ${seconds} s (${machine})\n`)
  process.stdout.write(
    '|        | serve/s | floor/s | ratio (each round) |\n|--------|--------:|--------:|--------------------|\n',
  )
  for (const act of acts) {
    const ratios = rates[act].product.map((rate, round) => (rate / (rates[act].floor[round] ?? 1)).toFixed(2))
    const line = [act, middle(rates[act].product).toFixed(0), middle(rates[act].floor).toFixed(0), ratios.join(' ')]
    process.stdout.write(`| ${line.join(' | ')} |\n`)
  }
}

function turnOf(act: Act, token: string, id: string) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const body = `{"name":"bench","definition":${definition}}`
  return (client: Client): Promise<Received> =>
    act === 'read'
      ? client.send({ method: 'GET', path: `/v1/workflows/${id}`, headers })
      : client.send({ method: 'POST', path: '/v1/workflows', headers, body })
}

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0
}

async function startProduct(url: string, secrets: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../packages/cli/bin/millrace.js'), 'serve', '--migrate', '--port', '0', '--json'],
    {
      cwd: directory,
      env: { ...process.env, ...secrets, DATABASE_URL: url, BCRYPT_COST: '4', LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(child)
  const [line]: Buffer[] = (await once(child.stdout, 'data')) as Buffer[]
  return (JSON.parse(String(line)) as { url: string }).url
}

async function prepare(url: string): Promise<{ readonly token: string; readonly id: string }> {
  const headers = { 'Content-Type': 'application/json' }
  const registered = await fetch(`${url}/v1/auth/register`, {
    method: 'POST',
    headers,
    body: '{"username":"bench","email":"bench@example.com","password":"correct horse battery"}',
  })
  const { accessToken: token } = (await registered.json()) as { accessToken: string }
  const created = await fetch(`${url}/v1/workflows`, {
    method: 'POST',
    headers: { ...headers, Authorization: `Bearer ${token}` },
    body: `{"name":"bench","definition":${definition}}`,
  })
  const { id } = (await created.json()) as { id: string }
  return { token, id }
}

async function startFloor(dialect: Served, url: string, authKeys: string): Promise<string> {
  const target = targetOf(url)
  const database = await openNativeDatabase({ target })
  const statements = await recordStatements(database)
  // The statements are recorded for an administrator.
  await database.transport().run({ text: "update users set role = 'admin'", parameters: [] })
  await database.close()
  const reached =
    target.via === 'file'
      ? target.path
      : target.dialect === 'sqlite'
        ? ''
        : `postgresql://${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}@${target.host}:${target.port}/${target.database}`
  const secret = authKeys.split(',')[0]?.split(':')[1] ?? ''
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve-floor.ts')], {
    env: { ...process.env, FLOOR: JSON.stringify({ dialect, database: reached, secret, statements }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line]: Buffer[] = (await once(child.stdout, 'data')) as Buffer[]
  return `http://127.0.0.1:${String(line).trim()}`
}
