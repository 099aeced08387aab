import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { readPoolStatus } from '@millrace/drivers/pool-status'
import { startGateway } from '@millrace/gateway'
import { expect, onTestFinished, test } from 'vitest'
import { describeDialects, type DialectName } from '../dialects.ts'
import { startTestGateway, until } from './start.ts'
import { targetOf } from './target.ts'

const token = 'a-long-random-text-of-32-or-more-characters'
const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', parent: 'b7ad6b7169203331' }
const traceHeaders = { traceparent: `00-${trace.traceId}-${trace.parent}-01` }

async function scrape(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers: { 'X-Millrace-Gateway-Token': token } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return answer.text()
}

function valueOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length))
}

/** Keeps one connection for longer than `pool_timeout`. */
const holding: Readonly<Record<DialectName, (database: Database) => Promise<unknown>>> = {
  sqlite: async (database) => {
    const snapshot = await database.snapshot()
    await new Promise((resolve) => {
      setTimeout(resolve, 1500)
    })
    await snapshot.close()
  },
  postgres: (database) => database.transport().run({ text: 'select pg_sleep(1.5)', parameters: [] }),
  mysql: (database) => database.transport().run({ text: 'select sleep(1.5)', parameters: [] }),
}

describeDialects((dialect) => {
  const start = async (urlOptions = '') => {
    const {
      gateway,
      target,
      log,
      database: raw,
    } = await startTestGateway(dialect, { token, ...(urlOptions && { urlOptions }) })
    const database = await openDatabase({ target, gatewayUrl: gateway.url, gatewayToken: token, attempts: 1 })
    return { gateway, log, raw, database }
  }

  test('/metrics is behind the token, and only for GET', async () => {
    const { gateway } = await start()
    const answer = await fetch(`${gateway.url}/metrics`)
    expect([answer.status, (await answer.text()).includes('millrace_')]).toEqual([401, false])
    const headers = { 'X-Millrace-Gateway-Token': token }
    expect((await fetch(`${gateway.url}/metrics`, { method: 'POST', headers })).status).toBe(405)
    const bearer = (given: string) => ({ headers: { Authorization: `Bearer ${given}` } })
    expect((await fetch(`${gateway.url}/metrics`, bearer(token))).status).toBe(200)
    expect((await fetch(`${gateway.url}/metrics`, bearer(`${token}x`))).status).toBe(401)
    expect((await fetch(`${gateway.url}/status`, bearer(token))).status).toBe(401)
  })

  test('requests are counted by route and status, with their duration; what the database refuses is an error', async () => {
    const { gateway, database } = await start()
    const transport = database.transport()
    await transport.run({ text: 'select 1', parameters: [] })
    await expect(transport.run({ text: 'select nothing from nowhere', parameters: [] })).rejects.toThrow()
    const text = await scrape(gateway.url)
    const answered = [...text.matchAll(/^millrace_gateway_requests_total\{route="(\/[^"]+)",status="\d+"\} (\d+)$/gm)]
    expect(answered.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(2)
    const [, route = ''] = answered[0] ?? []
    expect(valueOf(text, `millrace_gateway_request_duration_seconds_count{route="${route}"}`)).toBe(2)
    expect(valueOf(text, 'millrace_gateway_errors_total{code="database"}')).toBe(1)
    expect(valueOf(text, 'millrace_gateway_errors_total{code="pool_timeout"}')).toBe(0)
    expect(valueOf(text, `millrace_gateway_info{dialect="${dialect}"}`)).toBe(1)
    expect(text).not.toMatch(/nowhere|select/)
  })

  test('paths that it does not have are one route, however many there are', async () => {
    const { gateway } = await start()
    for (const path of ['/a', '/b', '/c?d=e']) {
      await fetch(gateway.url + path, { headers: { 'X-Millrace-Gateway-Token': token } })
    }
    const text = await scrape(gateway.url)
    expect(valueOf(text, 'millrace_gateway_requests_total{route="other",status="404"}')).toBe(3)
    expect(text).not.toMatch(/"\/[abc]/)
  })

  test('a pool that is used up shows in its gauges, and who waits in vain is a timeout', async () => {
    const { gateway, raw, database } = await start('pool_size=1&max_overflow=0&pool_timeout=1')
    await raw.query('create table marks (name text)')
    const held = holding[dialect](database)
    await until(async () => valueOf(await scrape(gateway.url), 'millrace_gateway_pool_checked_out') === 1)
    const inVain = database.transport().run({ text: 'select 1', parameters: [] })
    const refused = inVain.catch((error: unknown) => error)
    await until(async () => valueOf(await scrape(gateway.url), 'millrace_gateway_pool_waiting') === 1)
    const full = await scrape(gateway.url)
    expect(valueOf(full, 'millrace_gateway_pool_size')).toBe(1)
    expect(valueOf(full, 'millrace_gateway_pool_checked_out')).toBe(1)
    expect(await readPoolStatus({ gatewayUrl: new URL(gateway.url), gatewayToken: token })).toMatchObject({
      waiting: 1,
    })
    expect(await refused).toMatchObject({ fault: 'database_busy' })
    await held
    await until(async () => valueOf(await scrape(gateway.url), 'millrace_gateway_pool_checked_out') === 0)
    expect(valueOf(await scrape(gateway.url), 'millrace_gateway_errors_total{code="pool_timeout"}')).toBe(1)
  })

  test('a request’s trace is in its log line; what is no trace is not', async () => {
    const { gateway, log, database } = await start()
    const observer = { trip: () => undefined, traceHeaders }
    await database.transport(observer).run({ text: 'select 1', parameters: [] })
    const requests = () => log.filter(({ event }) => event === 'request')
    await until(() => requests().length === 1)
    expect(requests()[0]).toMatchObject({ level: 'debug', traceId: trace.traceId })
    for (const traceparent of ['what', `00-${'0'.repeat(32)}-${trace.parent}-01`]) {
      await fetch(`${gateway.url}/none`, { headers: { 'X-Millrace-Gateway-Token': token, traceparent } })
    }
    await until(() => requests().length === 3)
    expect(requests().map(({ traceId }) => traceId)).toEqual([trace.traceId, undefined, undefined])
  })
})

test.each(['postgres', 'mysql'] as const)('a %s that is not there is unreachable', async (dialect) => {
  const target = targetOf(`${dialect === 'postgres' ? 'postgresql' : dialect}://user:password@127.0.0.1:9/none`)
  const gateway = await startGateway({ target, token })
  onTestFinished(() => gateway.close())
  const database = await openDatabase({ target, gatewayUrl: gateway.url, gatewayToken: token, attempts: 1 })
  const refused = database.transport().run({ text: 'select 1', parameters: [] })
  await expect(refused).rejects.toMatchObject({ fault: 'database_unreachable' })
  const text = await scrape(gateway.url)
  expect(valueOf(text, 'millrace_gateway_errors_total{code="unreachable"}')).toBe(1)
  expect(valueOf(text, 'millrace_gateway_events_total{event="connection_failed"}')).toBe(1)
  expect(text).not.toMatch(/127\.0\.0\.1/)
})

test('a transaction that was abandoned is counted when it is rolled back', async () => {
  const { gateway, target } = await startTestGateway('mysql', { token, limits: { transactionIdleSeconds: 0 } })
  const database = await openDatabase({ target, gatewayUrl: gateway.url, gatewayToken: token })
  await database.snapshot().catch(() => undefined)
  const ended = async () =>
    valueOf(await scrape(gateway.url), 'millrace_gateway_events_total{event="transaction_ended"}') ?? 0
  await until(async () => (await ended()) > 0)
  expect(await ended()).toBe(1)
})
