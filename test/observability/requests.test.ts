import { createApp } from '@millrace/api/app'
import type { LogEntry } from '@millrace/api/log'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { withAnalytics } from '@millrace/functions/analytics'
import { startGateway, type Gateway, type GatewayLogEntry } from '@millrace/gateway'
import { readMigrations } from '@millrace/cli/migrations'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { targetOf } from '../database.ts'
import { describeOneDialect, freshDatabase, type TestDatabase } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'

/* What a request leaves behind for whoever runs the service: log lines, its trace, a data point. */

const traceId = '0af7651916cd43dd8448eb211c80319c'
const trace = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'rojo=00f067aa0ba902b7' }

/** The gateway logs after it has answered. */
const patience = { timeout: 20_000 }

interface DataPoint {
  readonly indexes: readonly string[]
  readonly blobs: readonly string[]
  readonly doubles: readonly number[]
}

describeOneDialect((dialect) => {
  let raw: TestDatabase
  let gateway: Gateway
  const gatewayLog: GatewayLogEntry[] = []

  beforeAll(async () => {
    raw = await freshDatabase(dialect)
    gateway = await startGateway({ target: targetOf(raw.url), log: (entry) => gatewayLog.push(entry) })
    const database = await openDatabase({ target: targetOf(raw.url), gatewayUrl: gateway.url })
    await migrate(database, readMigrations(workspaceRoot, dialect))
  })

  afterAll(async () => {
    await gateway.close()
    await raw.drop()
  })

  async function start(variables: Readonly<Record<string, string>> = {}) {
    const parsed = parseSettings({
      DATABASE_URL: raw.url,
      DATABASE_GATEWAY_URL: gateway.url,
      BCRYPT_COST: '4',
      ...newServiceSecrets(),
      ...variables,
    })
    if (!parsed.ok) throw new Error('the settings are wrong')
    const { settings } = parsed
    const entries: LogEntry[] = []
    const points: DataPoint[] = []
    const dataSet = { writeDataPoint: (point: DataPoint) => points.push(point) }
    const log = withAnalytics((entry) => entries.push(entry), { ANALYTICS: dataSet }, dialect)
    const database = await openDatabase({ target: settings.database, gatewayUrl: settings.gatewayUrl })
    return { app: createApp({ settings, database, log }), entries, points }
  }

  const register = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: `u${crypto.randomUUID()}`, email: 'a@example.com', password: 'correct horse' }),
  }

  test('a trace goes on to the gateway, and both log it', async () => {
    const { app, entries } = await start({ SLOW_QUERY_MS: '60000' })
    gatewayLog.length = 0
    expect((await app.request('/readyz', { headers: trace })).status).toBe(200)
    expect(entries).toMatchObject([{ event: 'request', route: '/readyz', traceId }])
    await vi.waitFor(() => {
      const requests = gatewayLog.filter(({ event }) => event === 'request')
      // All of them: the gateway logs after it has answered, and a late line would stand among the next test's.
      expect(requests.length).toBe(tripsOf(entries))
      expect(requests.every((entry) => entry.traceId === traceId)).toBe(true)
    }, patience)
  })

  test('what is no trace goes nowhere', async () => {
    const { app, entries } = await start({ SLOW_QUERY_MS: '60000' })
    gatewayLog.length = 0
    await app.request('/readyz', { headers: { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` } })
    await app.request('/readyz', { headers: { tracestate: trace.tracestate } })
    expect(entries.map((entry) => 'traceId' in entry && entry.traceId)).toEqual([undefined, undefined])
    await vi.waitFor(() => {
      expect(gatewayLog.filter(({ event }) => event === 'request').length).toBe(tripsOf(entries))
    }, patience)
    expect(gatewayLog.every(({ traceId: given }) => given === undefined)).toBe(true)
  })

  test('at level debug each statement is logged with the types of its parameters', async () => {
    const { app, entries } = await start({ LOG_LEVEL: 'debug', SLOW_QUERY_MS: '60000' })
    expect((await app.request('/v1/auth/register', register)).status).toBe(201)
    const trips = entries.flatMap((entry) => ('statement' in entry ? [entry] : []))
    const types = trips.flatMap((entry) => entry.parameters ?? [])
    expect(types).toContain('text')
    expect(types.filter((type) => !['text', 'null', 'number', 'bigint', 'boolean'].includes(type))).toEqual([])
    expect(trips.some(({ statement }) => /insert into ["`]users["`]/.test(statement))).toBe(true)
    expect(JSON.stringify(entries)).not.toMatch(/correct horse|a@example\.com/)
  })

  test('a slow query is logged with its text and nothing of its parameters, and others are not', async () => {
    const slow = await start({ SLOW_QUERY_MS: '0' })
    await slow.app.request('/readyz')
    const [entry] = slow.entries.filter(({ event }) => event === 'slow_query')
    expect(entry).toMatchObject({ level: 'warn', statement: expect.stringContaining('select') })
    expect(entry).not.toHaveProperty('parameters')
    const quick = await start({ SLOW_QUERY_MS: '60000' })
    await quick.app.request('/readyz')
    expect(quick.entries.map(({ event }) => event)).toEqual(['request'])
  })

  test('each request is a data point, without anything of who asked', async () => {
    const { app, points, entries } = await start()
    await app.request('/readyz')
    await app.request('/v1/workflows/0198c0de-0000-7000-8000-000000000000?x=1')
    await app.request('/nowhere', { method: 'PURGE' })
    expect(points.map(({ indexes, blobs }) => [indexes, blobs])).toEqual([
      [['/readyz'], ['/readyz', 'GET', '200', '', dialect]],
      [['/v1/workflows/{id}'], ['/v1/workflows/{id}', 'GET', '401', 'unauthenticated', dialect]],
      [['*'], ['*', 'other', '404', 'not_found', dialect]],
    ])
    for (const { doubles } of points) {
      expect(doubles).toHaveLength(3)
      expect(doubles.every((value) => value >= 0)).toBe(true)
    }
    expect(points[0]?.doubles[2]).toBeGreaterThan(0)
    expect(entries.filter(({ event }) => event === 'request')).toHaveLength(3)
  })
})

function tripsOf(entries: readonly LogEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.event === 'request' ? entry.trips : 0), 0)
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each(['postgresql://u:p@ep-x.neon.tech/d', 'mysql://u:p@aws.connect.psdb.cloud/d', 'libsql://x.turso.io'])(
  'a trace is not passed on to %s',
  async (url) => {
    const sent: Headers[] = []
    vi.stubGlobal('fetch', (input: Request | string, init?: RequestInit) => {
      sent.push(new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined)))
      return Promise.resolve(new Response('{}', { status: 500 }))
    })
    const database = await openDatabase({ target: targetOf(url), attempts: 1 })
    const observer = { trip: () => undefined, traceHeaders: trace }
    await expect(database.transport(observer).run({ text: 'select 1', parameters: [] })).rejects.toThrow()
    expect(sent.length).toBeGreaterThan(0)
    expect(sent.some((headers) => headers.has('traceparent') || headers.has('tracestate'))).toBe(false)
  },
)

test('without a data set nothing is wrapped', () => {
  const log = () => undefined
  expect(withAnalytics(log, {}, 'sqlite')).toBe(log)
  expect(withAnalytics(log, { ANALYTICS: 'text' }, 'sqlite')).toBe(log)
})
