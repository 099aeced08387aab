import { randomBytes } from 'node:crypto'
import { readMigrations } from '@millrace/cli/migrations'
import { newSecrets } from '@millrace/cli/secrets'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { startGateway, type Gateway } from '@millrace/gateway'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { bodyOf, call, join, someNetwork, type Member } from '../contract/members.ts'
import { emptyDirectory, millrace } from '../cli/millrace.ts'
import { targetOf } from '../database.ts'
import { describeOneDialect, freshDatabase, type DialectName, type TestDatabase, testWhere } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres } from '../servers/own.ts'
import { workspaceRoot } from '../workspace.ts'
import { startDeployment, type Deployment } from './deployment.ts'

/** The runbook of docs/secrets.md, step by step, while requests flow: none may be refused. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 20 }
const keyOf = (kid: string) => `${kid}:${randomBytes(32).toString('base64url')}`
const token = () => randomBytes(32).toString('base64url')
const secretText = 'a secret that stays readable'

/** What callers hold, and change when the runbook says so. */
interface Holders {
  accessToken: string
  refreshToken: string
  apiKey: string
  metricsToken: string
}

interface Flow {
  readonly holders: Holders
  /** What was refused: empty, or the rotation cost somebody something. */
  readonly refused: string[]
  /** Resolves when each kind of request was answered again. */
  aRound(): Promise<void>
  stop(): Promise<void>
}

function startFlow(service: Deployment, holders: Holders): Flow {
  const stopped = new AbortController()
  const refused: string[] = []
  const ask = async (label: string, path: string, credential: string, init: RequestInit = {}): Promise<Response> => {
    const headers = {
      Authorization: `Bearer ${credential}`,
      'Content-Type': 'application/json',
      'CF-Connecting-IP': someNetwork(),
    }
    const response = await service.fetch(path, { ...init, headers })
    if (!response.ok) refused.push(`${label}: ${response.status} ${await response.clone().text()}`)
    return response
  }
  const post = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })
  const kinds: readonly (() => Promise<unknown>)[] = [
    () => ask('session', '/v1/auth/me', holders.accessToken),
    () => ask('api key', '/v1/workflows', holders.apiKey),
    () => ask('metrics', '/metrics', holders.metricsToken),
    () => ask('write', '/v1/workflows', holders.apiKey, post({ name: 'flow', definition: {} })),
    async () => {
      const revealed = await ask('reveal', '/v1/settings/reveal', holders.accessToken, post({ pointer: '/secret' }))
      const { value } = (await revealed.json()) as { value?: string }
      if (value !== secretText) refused.push(`reveal gave ${value}`)
    },
  ]
  const rounds = kinds.map(() => 0)
  const loops = kinds.map(async (kind, index) => {
    while (!stopped.signal.aborted) {
      await kind()
      rounds[index] = (rounds[index] ?? 0) + 1
    }
  })
  return {
    holders,
    refused,
    async aRound() {
      // Two: the first may have begun before.
      const before = [...rounds]
      await vi.waitFor(() => {
        for (const [index, count] of rounds.entries()) expect(count).toBeGreaterThan((before[index] ?? 0) + 1)
      }, patience)
    },
    async stop() {
      stopped.abort()
      await Promise.all(loops)
    },
  }
}

/** A database on a server of its own, where this suite is the administrator. */
async function ownDatabase(dialect: 'postgres' | 'mysql'): Promise<TestDatabase> {
  const server = await (dialect === 'postgres' ? startOwnPostgres() : startOwnMariadb())
  const name = await server.createDatabase()
  return {
    dialect,
    url: server.url(name),
    query: (statement) => server.administer(statement, name),
    drop: () => server.remove(),
  }
}

/** A role of the database that may read and write its rows, and change nothing else. */
async function makeRole(database: TestDatabase, name: string): Promise<string> {
  const password = token()
  const url = new URL(database.url)
  for (const statement of roleStatements(database.dialect, { name, password, database: url.pathname.slice(1) })) {
    await database.query(statement)
  }
  url.username = name
  url.password = password
  return url.href
}

function roleStatements(
  dialect: DialectName,
  { name, password, database }: { name: string; password: string; database: string },
): readonly string[] {
  const rights = 'select, insert, update, delete'
  return dialect === 'postgres'
    ? [`create role ${name} login password '${password}'`, `grant ${rights} on all tables in schema public to ${name}`]
    : [`create user '${name}'@'%' identified by '${password}'`, `grant ${rights} on \`${database}\`.* to '${name}'@'%'`]
}

async function dropRole(database: TestDatabase, name: string): Promise<void> {
  const statements =
    database.dialect === 'postgres' ? [`drop owned by ${name}`, `drop role ${name}`] : [`drop user '${name}'@'%'`]
  for (const statement of statements) await database.query(statement)
}

/** Only the database's password is another matter on each dialect; the rest runs everywhere in the long form. */
const isLong = process.env['TEST_LONG'] === '1'

describeOneDialect((dialect) => {
  const hasRoles = dialect !== 'sqlite'
  const isRun = !hasRoles || isLong
  const roles = [`rotated_${randomBytes(4).toString('hex')}`, `rotated_${randomBytes(4).toString('hex')}`] as const
  const [oldAuth, newAuth, oldSeal, newSeal] = [keyOf('a1'), keyOf('a2'), keyOf('s1'), keyOf('s2')]
  const [oldMetrics, newMetrics, oldGateway, newGateway] = [token(), token(), token(), token()]
  let database: TestDatabase
  let tokens: readonly string[] = [oldGateway]
  let gateway: Gateway
  let service: Deployment
  let member: Member
  let flow: Flow
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    database = hasRoles ? await ownDatabase(dialect) : await freshDatabase(dialect)
    cleanups.push(() => database.drop())
    const owner = await startGateway({ target: targetOf(database.url) })
    await migrate(
      await openDatabase({ target: targetOf(database.url), gatewayUrl: owner.url }),
      readMigrations(workspaceRoot, dialect),
    )
    await owner.close()
    const url = hasRoles ? await makeRole(database, roles[0]) : database.url
    gateway = await startGateway({ target: targetOf(url), tokens: () => tokens })
    cleanups.push(() => gateway.close())
    service = await startDeployment(database, {
      DATABASE_URL: url,
      DATABASE_GATEWAY_URL: gateway.url,
      DATABASE_GATEWAY_TOKEN: oldGateway,
      AUTH_KEYS: oldAuth,
      SETTINGS_KEYS: oldSeal,
      METRICS_TOKEN: oldMetrics,
      BCRYPT_COST: '4',
    })
    cleanups.push(() => service.stop())
    member = await join(service)
    const { accessToken, refreshToken } = member
    const data = { secret: { $secret: secretText } }
    bodyOf(await call(service, 'PUT', '/v1/settings', { token: accessToken, body: { data } }), 200)
    const { key: apiKey } = await newApiKey()
    flow = startFlow(service, { accessToken, refreshToken, apiKey, metricsToken: oldMetrics })
    cleanups.push(() => flow.stop())
    await flow.aRound()
  })
  afterAll(async () => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup()
  })

  async function newApiKey(): Promise<{ readonly id: string; readonly key: string }> {
    const body = { name: 'worker', scopes: ['read', 'write'] }
    const made = bodyOf(await call(service, 'POST', '/v1/api-keys', { token: member.accessToken, body }), 201)
    return { id: String(made['id']), key: String(made['key']) }
  }

  /** Deploys, and lets what flows meet the new version. */
  async function deploy(variables: Readonly<Record<string, string>>): Promise<void> {
    await service.deploy(variables)
    await flow.aRound()
    expect(flow.refused).toEqual([])
  }

  const statusWith = async (path: string, credential: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${credential}`, 'CF-Connecting-IP': someNetwork() }
    return (await service.fetch(path, { headers })).status
  }

  testWhere(isRun, 'AUTH_KEYS: the new key signs, then the old one goes, and nobody is signed out', async () => {
    const { accessToken: old } = flow.holders
    await deploy({ AUTH_KEYS: `${newAuth},${oldAuth}` })
    const body = { refreshToken: flow.holders.refreshToken }
    const refreshed = bodyOf(await call(service, 'POST', '/v1/auth/refresh', { body }), 200)
    flow.holders.accessToken = String(refreshed['accessToken'])
    flow.holders.refreshToken = String(refreshed['refreshToken'])
    await flow.aRound()
    await deploy({ AUTH_KEYS: newAuth })
    expect(await statusWith('/v1/auth/me', old)).toBe(401)
    member = { ...member, accessToken: flow.holders.accessToken }
  })

  testWhere(isRun, 'SETTINGS_KEYS: the new key seals, everything is resealed, then the old one goes', async () => {
    await deploy({ SETTINGS_KEYS: `${newSeal},${oldSeal}` })
    const env = { DATABASE_URL: database.url, SETTINGS_KEYS: `${newSeal},${oldSeal}` }
    expect(await millrace(['keys', 'rotate', '--json'], { cwd: emptyDirectory(), env })).toMatchObject({ exitCode: 0 })
    await deploy({ SETTINGS_KEYS: newSeal })
  })

  testWhere(isRun, 'METRICS_TOKEN: both open /metrics until the scraper has the new one', async () => {
    await deploy({ METRICS_TOKEN: `${newMetrics},${oldMetrics}` })
    flow.holders.metricsToken = newMetrics
    await flow.aRound()
    await deploy({ METRICS_TOKEN: newMetrics })
    expect(await statusWith('/metrics', oldMetrics)).toBe(401)
  })

  testWhere(isRun, 'DATABASE_GATEWAY_TOKEN: the gateway takes both until the functions send the new one', async () => {
    tokens = [newGateway, oldGateway]
    await deploy({ DATABASE_GATEWAY_TOKEN: newGateway })
    tokens = [newGateway]
    await flow.aRound()
    expect(flow.refused).toEqual([])
    const headers = { 'X-Millrace-Gateway-Token': oldGateway }
    expect((await fetch(`${gateway.url}/status`, { headers })).status).toBe(401)
  })

  testWhere(
    hasRoles,
    "the database's password: a second role behind a second gateway, then the first one goes",
    async () => {
      const url = await makeRole(database, roles[1])
      const second = await startGateway({ target: targetOf(url), tokens: () => tokens })
      await deploy({ DATABASE_URL: url, DATABASE_GATEWAY_URL: second.url })
      await gateway.close()
      gateway = second
      await dropRole(database, roles[0])
      await flow.aRound()
      expect(flow.refused).toEqual([])
    },
  )

  testWhere(isRun, 'an API key: a second one beside it, then the first one goes', async () => {
    const { apiKey: old } = flow.holders
    const { key } = await newApiKey()
    flow.holders.apiKey = key
    await flow.aRound()
    const listed = bodyOf(await call(service, 'GET', '/v1/api-keys', { token: member.accessToken }), 200)
    const first = (listed['items'] as { id: string; prefix: string }[]).find(({ prefix }) => old.startsWith(prefix))
    const removed = await call(service, 'DELETE', `/v1/api-keys/${first?.id}`, { token: member.accessToken })
    expect(removed.status).toBe(204)
    await flow.aRound()
    expect(flow.refused).toEqual([])
    expect(await statusWith('/v1/workflows', old)).toBe(401)
  })
})

testWhere(isLong, "an age identity: archives go to both recipients, until none of the old one's is kept", async () => {
  const cwd = emptyDirectory()
  const [old, next] = await Promise.all([newSecrets(), newSecrets()])
  for (const [name, { age }] of Object.entries({ old, next })) writeFileSync(joinPath(cwd, name), `${age.identity}\n`)
  const run = (...args: string[]) =>
    millrace([...args, '--json'], { cwd, env: { BACKUP_RECIPIENTS: `${next.age.recipient},${old.age.recipient}` } })
  expect(await run('migrate')).toMatchObject({ exitCode: 0 })
  expect(await run('backup', '--out', 'both.millrace')).toMatchObject({ exitCode: 0 })
  const opened = await Promise.all(['old', 'next'].map((name) => run('verify', 'both.millrace', '--identity', name)))
  expect(opened).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }])
})
