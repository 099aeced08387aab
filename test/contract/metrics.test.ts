import { openDatabase } from '@millrace/drivers/open'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy, type LosingProxy } from '../faults/losing-proxy.ts'
import { startService, type Service } from '../service.ts'
import { tripsOf } from './answers.ts'
import { bodyOf, call, expectRefusal, join, workflowOf } from './members.ts'

const path = '/metrics'

/** Every line of Prometheus' text format. */
const grammar =
  /^(# (HELP|TYPE) millrace_[a-z_]+ .+|millrace_[a-z_]+(\{[a-z]+="([^"\\\n]|\\["\\n])*"(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? -?\d+(\.\d+)?(e[+-]\d+)?)$/

describeDialectsByTest((dialect) => {
  let proxy: LosingProxy | undefined
  let service: Service
  beforeAll(async () => {
    let upstream = ''
    const ofService = await startService(dialect)
    upstream = ofService.gatewayUrls[0] ?? ''
    proxy = await startLosingProxy(upstream)
    const vars = { ...ofService.vars, DATABASE_GATEWAY_URL: proxy.url, SLOW_QUERY_MS: '0' }
    const throughProxy = await startService(ofService.database, { vars, migrate: false })
    service = {
      ...throughProxy,
      gatewayUrls: ofService.gatewayUrls,
      async stop() {
        await throughProxy.stop()
        await proxy?.close()
        await ofService.stop()
      },
    }
  })
  afterAll(() => service.stop())

  const ask = (authorization?: string) =>
    call(service, 'GET', path, authorization === undefined ? {} : { headers: { Authorization: authorization } })
  const token = () => service.vars['METRICS_TOKEN'] ?? ''

  async function scrape(): Promise<string> {
    const { status, text } = await ask(`Bearer ${token()}`)
    expect({ status, text }).toEqual({ status: 200, text })
    return text
  }

  /** The value of the sample with that name and all of those labels; undefined where there is none. */
  function valueOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const line = text.split('\n').find((candidate) => {
      const [, found, inside = ''] = /^(\w+)(?:\{(.*)\})? /.exec(candidate) ?? []
      return found === name && Object.entries(labels).every(([key, value]) => inside.includes(`${key}="${value}"`))
    })
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
  }

  test('needs the METRICS_TOKEN, and no other', async () => {
    const member = await join(service)
    for (const wrong of [undefined, 'Bearer', `Bearer ${token()}x`, `Bearer ${token().slice(1)}`, `Basic ${token()}`]) {
      expectRefusal(await ask(wrong), 401, 'unauthenticated')
    }
    expectRefusal(await ask(`Bearer ${member.accessToken}`), 401, 'unauthenticated')
    const answer = await ask(`bearer ${token()}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(tripsOf(answer)).toBe(1)
  })

  test('is Prometheus’ text: each family once, with help and type before its samples', async () => {
    const lines = (await scrape()).split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.filter((line) => !grammar.test(line))).toEqual([])
    const families = lines.flatMap((line) => /^# TYPE (\w+) /.exec(line)?.[1] ?? [])
    expect(new Set(families).size).toBe(families.length)
    for (const family of families) {
      const samples = lines.filter(
        (line) => line.startsWith(family) && /^(_bucket|_sum|_count)?[ {]/.test(line.slice(family.length)),
      )
      const first = lines.findIndex((line) => samples.includes(line))
      if (first !== -1) expect(lines[first - 1]).toMatch(new RegExp(`^# TYPE ${family} `))
    }
  })

  test('counts requests and their durations by route, method and status', async () => {
    const member = await join(service)
    const labels = { route: '/v1/workflows/{id}', method: 'GET', status: '404' }
    const before = valueOf(await scrape(), 'millrace_requests_total', labels) ?? 0
    await call(service, 'GET', '/v1/workflows/name-of-nothing', { token: member.accessToken })
    await call(service, 'GET', '/v1/workflows/name-of-nothing', { token: member.accessToken })
    const text = await scrape()
    expect(valueOf(text, 'millrace_requests_total', labels)).toBe(before + 2)
    expect(valueOf(text, 'millrace_request_duration_seconds_count', labels)).toBe(before + 2)
    expect(valueOf(text, 'millrace_request_duration_seconds_bucket', { ...labels, le: '+Inf' })).toBe(before + 2)
    expect(valueOf(text, 'millrace_request_duration_seconds_sum', labels)).toBeGreaterThan(0)
    expect(text).not.toContain('name-of-nothing')
    expect(text).toMatch(/^# HELP millrace_requests_total .*by this (?:isolate|server) since/m)
  })

  test('counts trips, slow ones and retries, each there with 0 before the first', async () => {
    // The first request of an isolate looks at the schema as well.
    await scrape()
    const before = await scrape()
    for (const fault of ['database_busy', 'database_timeout', 'database_unreachable']) {
      expect(valueOf(before, 'millrace_database_retries_total', { fault })).toBeGreaterThanOrEqual(0)
    }
    const name = 'millrace_database_trip_duration_seconds_count'
    proxy?.loseNext(1, 'request')
    expect((await call(service, 'GET', '/readyz')).status).toBe(200)
    const text = await scrape()
    const more = (valueOf(text, name) ?? 0) - (valueOf(before, name) ?? 0)
    // The scrape before, the request twice.
    expect(more).toBe(3)
    expect(valueOf(text, 'millrace_slow_queries_total')).toBe(valueOf(text, name))
    const fault = { fault: 'database_unreachable' }
    expect(valueOf(text, 'millrace_database_retries_total', fault)).toBeGreaterThanOrEqual(1)
  })

  test('no migration is pending where all are applied', async () => {
    expect(valueOf(await scrape(), 'millrace_migrations_pending')).toBe(0)
  })

  test('tells executions by status, and how long the oldest is due', async () => {
    const member = await join(service)
    const workflow = await workflowOf(service, member)
    const empty = await scrape()
    expect(valueOf(empty, 'millrace_executions', { status: 'pending' })).toBe(0)
    expect(valueOf(empty, 'millrace_oldest_due_execution_age_seconds')).toBe(0)
    const dueAt = new Date(Date.now() - 3_600_000)
    const start = async (body: object) => {
      const answer = await call(service, 'POST', `/v1/workflows/${workflow}/executions`, {
        token: member.accessToken,
        body,
      })
      return String(bodyOf(answer, 201)['id'])
    }
    await start({ dueAt: new Date(Date.now() + 3_600_000).toISOString() })
    expect(valueOf(await scrape(), 'millrace_oldest_due_execution_age_seconds')).toBe(0)
    await start({})
    const oldest = await start({ dueAt: dueAt.toISOString() })
    const text = await scrape()
    expect(valueOf(text, 'millrace_executions', { status: 'pending' })).toBe(3)
    const age = valueOf(text, 'millrace_oldest_due_execution_age_seconds') ?? 0
    expect(age).toBeGreaterThanOrEqual(3600)
    expect(age).toBeLessThan(3600 + 120)
    await call(service, 'POST', `/v1/executions/${oldest}/cancel`, { token: member.accessToken })
    const cancelled = await scrape()
    expect(valueOf(cancelled, 'millrace_executions', { status: 'cancelled' })).toBe(1)
    expect(valueOf(cancelled, 'millrace_oldest_due_execution_age_seconds')).toBeLessThan(120)
  })

  test('tells age and result of the newest backup', async () => {
    const none = await scrape()
    expect(valueOf(none, 'millrace_last_backup_ok')).toBe(0)
    expect(valueOf(none, 'millrace_last_backup_age_seconds')).toBe(0)
    expect(valueOf(none, 'millrace_last_verified_backup_age_seconds')).toBe(0)
    const store = (
      await openDatabase({
        target: targetOf(service.database.url),
        gatewayUrl: service.gatewayUrls[0],
      })
    ).store()
    const unknown = { bytes: null, rowCount: null, sha256: null, consistency: null, verifiedAt: null, drilledAt: null }
    const backup = { ...unknown, isEncrypted: false, createdAt: new Date(Date.now() - 7_200_000) }
    await recordBackup(store, { ...backup, name: 'older', result: 'ok' }, crypto.randomUUID())
    const text = await scrape()
    expect(valueOf(text, 'millrace_last_backup_ok')).toBe(1)
    expect(valueOf(text, 'millrace_last_backup_age_seconds')).toBeGreaterThanOrEqual(7200)
    await recordBackup(
      store,
      { ...backup, createdAt: new Date(), name: 'newer', result: 'the store was full' },
      crypto.randomUUID(),
    )
    const failed = await scrape()
    expect(valueOf(failed, 'millrace_last_backup_ok')).toBe(0)
    expect(valueOf(failed, 'millrace_last_backup_age_seconds')).toBeLessThan(120)
    expect(failed).not.toContain('the store was full')
  })

  test('tells the gateway’s pool', async () => {
    const text = await scrape()
    expect(valueOf(text, 'millrace_gateway_pool_size')).toBeGreaterThanOrEqual(1)
    for (const name of ['checked_out', 'overflow', 'waiting']) {
      expect(valueOf(text, `millrace_gateway_pool_${name}`)).toBeGreaterThanOrEqual(0)
    }
  })
})

describeDialectsByTest((dialect) => {
  test('without a METRICS_TOKEN there is nothing, whatever is sent', async () => {
    const service = await startService(dialect, { vars: { METRICS_TOKEN: '' }, migrate: false })
    try {
      expectRefusal(await call(service, 'GET', path), 404, 'not_found')
      expectRefusal(await call(service, 'GET', path, { headers: { Authorization: 'Bearer ' } }), 404, 'not_found')
    } finally {
      await service.stop()
    }
  })

  test('of a database that lacks migrations, how many', async () => {
    const service = await startService(dialect, { migrate: false })
    try {
      const headers = { Authorization: `Bearer ${service.vars['METRICS_TOKEN']}` }
      const { status, text } = await call(service, 'GET', path, { headers })
      expect(status).toBe(200)
      expect(text).toMatch(new RegExp(`^millrace_migrations_pending ${knownMigrations.length}$`, 'm'))
      expect(text).toMatch(/^millrace_database_up 1$/m)
      expect(text).not.toMatch(/millrace_executions/)
    } finally {
      await service.stop()
    }
  })

  test('of a database that does not answer, what the isolate counted is still told, and the log why', async () => {
    const service = await startService(dialect, {
      vars: { DATABASE_GATEWAY_URL: 'http://127.0.0.1:9' },
      migrate: false,
    })
    try {
      expect((await call(service, 'GET', '/readyz')).status).toBe(503)
      const headers = { Authorization: `Bearer ${service.vars['METRICS_TOKEN']}` }
      const { status, text } = await call(service, 'GET', path, { headers })
      expect(status).toBe(200)
      expect(text).toMatch(/^millrace_database_up 0$/m)
      expect(text).toMatch(/^millrace_requests_total\{route="\/readyz",method="GET",status="503"\} 1$/m)
      expect(text).not.toMatch(/127\.0\.0\.1|millrace_executions|millrace_gateway_pool|millrace_migrations/)
      expect(service.logs().filter((line) => line.includes('scrape_incomplete'))).toHaveLength(1)
    } finally {
      await service.stop()
    }
  })
})
