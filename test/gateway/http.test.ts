import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { GatewayStartError, startGateway } from '@millrace/gateway'
import { freshDatabase } from '../dialects.ts'
import { libsqlDriver, neonDriver, planetscaleDriver } from './drivers.ts'
import { startTestGateway, until } from './start.ts'
import { targetOf } from './target.ts'

const token = 'a-long-random-text-of-32-or-more-characters'

/** A request with headers that fetch would not send. */
function send(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Neon's promises send nothing until they are waited for. */
async function sent<T>(query: PromiseLike<T>): Promise<T> {
  const answer = await query
  return answer
}

describe('who may speak to the gateway', () => {
  it('beyond loopback nobody without a token: it does not start', async () => {
    const database = await freshDatabase('sqlite')
    const starting = startGateway({ target: targetOf(database.url), host: '0.0.0.0' })
    await expect(starting).rejects.toThrow(GatewayStartError)
    await expect(starting).rejects.toThrow(/token/u)
    await database.drop()
  })

  it.each(['/status', '/v2', '/v2/pipeline', '/nothing'])('with a token %s demands it', async (path) => {
    const { gateway } = await startTestGateway('sqlite', { token })
    const url = gateway.url + path
    expect((await fetch(url)).status).toBe(401)
    expect((await fetch(url, { headers: { 'x-millrace-gateway-token': `${token}x` } })).status).toBe(401)
    expect((await fetch(url, { headers: { 'x-millrace-gateway-token': token } })).status).not.toBe(401)
  })

  it('with a token /healthz does not demand it', async () => {
    const { gateway } = await startTestGateway('sqlite', { token })
    const response = await fetch(`${gateway.url}/healthz`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })

  it('no page in a browser: whatever has an Origin is refused', async () => {
    const { gateway } = await startTestGateway('sqlite')
    expect(await send(`${gateway.url}/v2`, { origin: 'https://example.com' })).toBe(403)
    expect(await send(`${gateway.url}/v2`, { origin: gateway.url })).toBe(403)
    expect(await send(`${gateway.url}/v2`, {})).toBe(200)
  })

  it('no name that somebody’s DNS points at loopback', async () => {
    const { gateway } = await startTestGateway('sqlite')
    const statuses = [
      'attacker.example',
      `attacker.example:${gateway.port}`,
      '127.0.0.1.attacker.example',
      '10.0.0.1',
    ].map((host) => send(`${gateway.url}/v2`, { host }))
    expect(await Promise.all(statuses)).toEqual([403, 403, 403, 403])
    expect(await send(`${gateway.url}/v2`, { host: `localhost:${gateway.port}` })).toBe(200)
    expect(await send(`${gateway.url}/v2`, { host: `[::1]:${gateway.port}` })).toBe(200)
  })

  it('no one by another protocol than the dialect’s', async () => {
    const { gateway } = await startTestGateway('sqlite')
    const statuses = ['/sql', '/psdb.v1alpha1.Database/Execute'].map((path) => send(gateway.url + path, {}, 'POST'))
    expect(await Promise.all(statuses)).toEqual([404, 404])
  })

  it('no method but the route’s', async () => {
    const { gateway } = await startTestGateway('sqlite')
    const response = await fetch(`${gateway.url}/v2/pipeline`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await fetch(`${gateway.url}/status`, { method: 'POST' })).status).toBe(405)
  })
})

describe('a certificate file that can’t be read', () => {
  it('is an error at the start that names it', async () => {
    const database = await freshDatabase('postgres')
    const starting = startGateway({ target: targetOf(`${database.url}?sslmode=verify-full&ssl_ca=/nowhere/ca.pem`) })
    await expect(starting).rejects.toMatchObject({
      code: 'settings_invalid',
      message: expect.stringContaining('/nowhere/ca.pem'),
    })
    await database.drop()
  })
})

describe('a port that is taken', () => {
  it('is an error that says so', async () => {
    const { gateway, target } = await startTestGateway('sqlite')
    await expect(startGateway({ target, port: gateway.port })).rejects.toMatchObject({ code: 'port_taken' })
  })
})

describe('a body larger than the limit', () => {
  const limits = { bodyBytes: 100_000 }
  const large = 'x'.repeat(150_000)

  it('is refused to Neon’s driver with the reason', async () => {
    const { gateway, target } = await startTestGateway('postgres', { limits })
    const sql = neonDriver(gateway, target)
    await expect(sql.query('select $1::text', [large])).rejects.toThrow(/413.*larger than 100000 bytes/u)
    expect(await sql.query('select 1 a')).toEqual([{ a: 1 }])
  })

  it('is refused to PlanetScale’s driver with the reason', async () => {
    const { gateway, target } = await startTestGateway('mysql', { limits })
    const client = planetscaleDriver(gateway, target)
    await expect(client.execute('select ?', [large])).rejects.toThrow(/larger than 100000 bytes/u)
    expect((await client.execute('select 1 a')).rows).toEqual([{ a: 1 }])
  })

  it('is refused to libSQL’s driver with the reason', async () => {
    const { gateway } = await startTestGateway('sqlite', { limits })
    const client = libsqlDriver(gateway)
    await expect(client.execute({ sql: 'select ?', args: [large] })).rejects.toThrow(/larger than 100000 bytes/u)
    expect((await client.execute('select 1 a')).rows[0]?.['a']).toBe(1n)
  })
})

describe('the pool', () => {
  const urlOptions = 'pool_size=1&max_overflow=1&pool_timeout=1'

  it('says busy to Neon’s driver within pool_timeout, and recovers', async () => {
    const shortly = urlOptions.replace('pool_timeout=1', 'pool_timeout=0.2')
    const { gateway, target } = await startTestGateway('postgres', { urlOptions: shortly })
    const sql = neonDriver(gateway, target)
    const sleeps = [1, 2].map(() => sql.query('select pg_sleep(2)').then(() => 'slept'))
    await until(() => gateway.status().checkedOut === 2)
    const startedAtMs = performance.now()
    const busy = sent(sql.query('select 1'))
    await until(() => gateway.status().waiting === 1)
    expect(gateway.status()).toEqual({ size: 1, checkedOut: 2, overflow: 1, waiting: 1 })
    await expect(busy).rejects.toThrow(/HTTP status 503.*MILLRACE_BUSY/u)
    expect(performance.now() - startedAtMs).toBeLessThan(1900)
    expect(await Promise.all(sleeps)).toEqual(['slept', 'slept'])
    await until(() => gateway.status().overflow === 0)
    expect(await sql.query('select 1 a')).toEqual([{ a: 1 }])
    expect(gateway.status()).toEqual({ size: 1, checkedOut: 0, overflow: 0, waiting: 0 })
  })

  it('answers 503 with Retry-After', async () => {
    const { gateway } = await startTestGateway('sqlite', { urlOptions: 'pool_size=1&max_overflow=0&pool_timeout=1' })
    const transaction = await libsqlDriver(gateway).transaction('read')
    await transaction.execute('select 1')
    const body = JSON.stringify({ requests: [{ type: 'close' }] })
    const response = await fetch(`${gateway.url}/v2/pipeline`, { method: 'POST', body })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({ code: 'SQLITE_BUSY' })
    transaction.close()
  })

  it('says busy to PlanetScale’s driver, and recovers', async () => {
    const { gateway, target } = await startTestGateway('mysql', { urlOptions })
    const client = planetscaleDriver(gateway, target)
    const open = [client.connection(), client.connection()]
    for (const connection of open) await connection.execute('begin')
    await expect(client.execute('select 1')).rejects.toMatchObject({
      body: { code: 'RESOURCE_EXHAUSTED' },
      message: expect.stringMatching(/\(errno 1203\) \(sqlstate 42000\)/u),
    })
    for (const connection of open) await connection.execute('commit')
    expect((await client.execute('select 1 a')).rows).toEqual([{ a: 1 }])
  })

  it('says busy to libSQL’s driver, and recovers', async () => {
    const { gateway } = await startTestGateway('sqlite', { urlOptions })
    const client = libsqlDriver(gateway)
    const open = [await client.transaction('read'), await client.transaction('read')]
    for (const transaction of open) await transaction.execute('select 1')
    await expect(client.execute('select 1')).rejects.toMatchObject({ code: 'SQLITE_BUSY' })
    for (const transaction of open) await transaction.commit()
    expect((await client.execute('select 1 a')).rows[0]?.['a']).toBe(1n)
  })

  it('serves those who wait in the order in which they came', async () => {
    const { gateway, target } = await startTestGateway('postgres', { urlOptions: 'pool_size=1&max_overflow=0' })
    const sql = neonDriver(gateway, target)
    const order: number[] = []
    const queries: Promise<unknown>[] = []
    for (const turn of [0, 1, 2, 3]) {
      queries.push(sql.query(`select pg_sleep(0.05)`).then(() => order.push(turn)))
      await until(() => gateway.status().checkedOut + gateway.status().waiting === turn + 1)
    }
    await Promise.all(queries)
    expect(order).toEqual([0, 1, 2, 3])
  })

  it('is shown at /status, with the dialect', async () => {
    const { gateway } = await startTestGateway('sqlite')
    const response = await fetch(`${gateway.url}/status`)
    expect(await response.json()).toEqual({ dialect: 'sqlite', size: 5, checkedOut: 0, overflow: 0, waiting: 0 })
  })
})

describe('connections that the server ended while they were idle', () => {
  it('are replaced without an error, PostgreSQL’s', async () => {
    const { gateway, target, database, log } = await startTestGateway('postgres')
    const sql = neonDriver(gateway, target)
    await Promise.all([1, 2, 3].map(() => sql.query('select pg_sleep(0.05)')))
    await until(() => gateway.status().checkedOut === 0)
    const ended = await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'millrace'`,
    )
    // Three, or fewer where one query was done before another asked for its connection.
    expect(ended.length).toBeGreaterThan(0)
    await until(() => log.filter((entry) => entry.event === 'connection_lost').length === ended.length)
    expect(await Promise.all([1, 2, 3].map((n) => sql.query(`select ${n} a`)))).toEqual([
      [{ a: 1 }],
      [{ a: 2 }],
      [{ a: 3 }],
    ])
  })

  it('are replaced without an error, MySQL’s', async () => {
    const { gateway, target, database, log } = await startTestGateway('mysql')
    const client = planetscaleDriver(gateway, target)
    await Promise.all([1, 2, 3].map(() => client.execute('select sleep(0.05)')))
    await until(() => gateway.status().checkedOut === 0)
    const idle = `select id from information_schema.processlist where db = database() and id <> connection_id() and command = 'Sleep'`
    const ids = (await database.query(idle)).map((row) => Number(row['id']))
    for (const id of ids) await database.query(`kill ${id}`).catch(() => undefined)
    await until(() => log.some((entry) => entry.event === 'connection_lost'))
    const answers = await Promise.all([1, 2, 3].map((n) => client.execute(`select ${n} a`)))
    expect(answers.map((answer) => answer.rows)).toEqual([[{ a: 1 }], [{ a: 2 }], [{ a: 3 }]])
  })
})

describe('closing', () => {
  it('lets a running request end, and takes no other', async () => {
    const { gateway, target } = await startTestGateway('postgres')
    const sql = neonDriver(gateway, target)
    const running = sent(sql.query('select pg_sleep(0.3), 1 a'))
    await until(() => gateway.status().checkedOut === 1)
    const closing = gateway.close()
    expect(await running).toMatchObject([{ a: 1 }])
    await closing
    await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow()
  })

  it('rolls open transactions back and ends every connection', async () => {
    const { gateway, target, database } = await startTestGateway('mysql')
    const client = planetscaleDriver(gateway, target)
    await client.execute('create table t (id int primary key) engine = innodb')
    const open = client.connection()
    await open.execute('begin')
    await open.execute('insert into t values (1)')
    await gateway.close()
    expect(await database.query('select id from t')).toEqual([])
    const connections = `select count(*) n from information_schema.processlist where db = database() and id <> connection_id()`
    await until(async () => Number((await database.query(connections))[0]?.['n']) <= 1)
  })

  it('does not wait for a request that does not end', async () => {
    const { gateway, target } = await startTestGateway('postgres', { limits: { drainSeconds: 0.2 } })
    const running = sent(neonDriver(gateway, target).query('select pg_sleep(30)'))
    await until(() => gateway.status().checkedOut === 1)
    const startedAtMs = performance.now()
    await Promise.all([gateway.close(), expect(running).rejects.toThrow()])
    expect(performance.now() - startedAtMs).toBeLessThan(5000)
  })
})

describe('the log', () => {
  it('holds neither SQL nor parameters nor passwords, whatever fails', async () => {
    const canary = 'canary-51f2'
    const postgres = await startTestGateway('postgres')
    const mysql = await startTestGateway('mysql')
    const sqlite = await startTestGateway('sqlite')
    await Promise.allSettled([
      neonDriver(postgres.gateway, postgres.target).query(`selec '${canary}'`, [canary]),
      neonDriver(postgres.gateway, postgres.target, canary).query('select 1'),
      planetscaleDriver(mysql.gateway, mysql.target).execute(`selec '${canary}'`),
      planetscaleDriver(mysql.gateway, mysql.target, canary).execute('select 1'),
      libsqlDriver(sqlite.gateway).execute(`selec '${canary}'`),
      fetch(`${sqlite.gateway.url}/v2/pipeline`, { method: 'POST', body: canary }),
    ])
    const logged = JSON.stringify([postgres.log, mysql.log, sqlite.log])
    expect(logged).not.toContain(canary)
    expect(logged).not.toContain('selec')
  })
})
