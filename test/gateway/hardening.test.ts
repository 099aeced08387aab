import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startGateway } from '@millrace/gateway'
import { describeDialects, freshDatabase, type DialectName } from '../dialects.ts'
import { libsqlDriver, neonDriver, planetscaleDriver } from './drivers.ts'
import { startTestGateway, until, type StartedGateway } from './start.ts'
import { targetOf } from './target.ts'

/** Opens a connection and sends the text. */
async function say(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

async function heard(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

/** A transaction that is open on a gateway. */
interface Open {
  commit(): Promise<unknown>
}

const paths: Readonly<Record<DialectName, string>> = {
  sqlite: '/v2/pipeline',
  postgres: '/sql',
  mysql: '/psdb.v1alpha1.Database/Execute',
}

describe('a token', () => {
  it.each(['', 'x'.repeat(31)])('of fewer than 32 characters is refused: %j', async (token) => {
    const database = await freshDatabase('sqlite')
    await expect(startGateway({ target: targetOf(database.url), token })).rejects.toMatchObject({
      code: 'settings_invalid',
      fix: expect.stringContaining('32 random characters'),
    })
    await database.drop()
  })
})

describe('a client that takes its time', () => {
  it('with the headers is told 408 or cut off', async () => {
    const { gateway } = await startTestGateway('sqlite', { limits: { headersSeconds: 0.2 } })
    const socket = await say(gateway.port, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n')
    expect(await heard(socket)).toMatch(/^HTTP\/1\.1 408 |^$/u)
  })

  it('with the body is told 408 or cut off, and holds no connection of the database meanwhile', async () => {
    const { gateway } = await startTestGateway('sqlite', { limits: { headersSeconds: 0.2, bodySeconds: 0.3 } })
    const head = 'POST /v2/pipeline HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{'
    const socket = await say(gateway.port, head)
    expect(gateway.status().checkedOut).toBe(0)
    expect(await heard(socket)).toMatch(/^HTTP\/1\.1 408 |^$/u)
  })

  it('with the first message of a WebSocket is cut off', async () => {
    const { gateway } = await startTestGateway('postgres', { limits: { headersSeconds: 0.2 } })
    const webSocket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v2`)
    await once(webSocket, 'close')
    expect(gateway.status().checkedOut).toBe(0)
  })
})

describe('clients', () => {
  it('beyond the limit are cut off, and served again when others have gone', async () => {
    const { gateway } = await startTestGateway('sqlite', { limits: { connections: 2 } })
    const request = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    const first = await say(gateway.port, request)
    const second = await say(gateway.port, request)
    const third = await say(gateway.port, `${request}\r\n`)
    expect(await heard(third)).toBe('')
    first.destroy()
    second.destroy()
    await until(async () => (await fetch(`${gateway.url}/healthz`).catch(() => undefined))?.status === 200)
  })
})

describeDialects((dialect) => {
  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'GET'])('%s is refused', async (method) => {
    const { gateway } = await startTestGateway(dialect)
    const answer = await fetch(gateway.url + paths[dialect], { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it.each(['/', '/sql/', '/../status', '/admin', '/v1/workflows', '//sql'])('%s leads nowhere', async (path) => {
    const { gateway } = await startTestGateway(dialect)
    const socket = await say(gateway.port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    expect(await heard(socket)).toMatch(/^HTTP\/1\.1 404 /u)
  })

  it('a refusal says nothing of what was sent', async () => {
    const token = 'a-token-of-more-than-32-characters-indeed'
    const { gateway } = await startTestGateway(dialect, { token, limits: { bodyBytes: 50 } })
    const canary = "select 'canary'"
    const url = gateway.url + paths[dialect]
    const ask = (headers: Record<string, string>, body: string) =>
      fetch(url, { method: 'POST', headers, body }).then(
        async (answer) => [answer.status, await answer.text()] as const,
      )
    const own = { 'x-millrace-gateway-token': token }
    const answers = await Promise.all([
      ask({}, canary),
      ask({ ...own, origin: 'https://canary.example' }, canary),
      ask(own, canary.repeat(10)),
      ask(own, canary),
    ])
    expect(answers.map(([status]) => status).slice(0, 3)).toEqual([401, 403, 413])
    for (const [, text] of answers) expect(text).not.toContain('canary')
  })

  it('told to close, it lets an open transaction end, refuses another, and rolls nothing back', async () => {
    if (dialect === 'postgres') return
    const started = await startTestGateway(dialect)
    await started.database.query('create table t (a integer)')
    const transaction = await begin(started, dialect)
    const closing = started.gateway.close({ waitsForTransactions: true })
    expect((await fetch(`${started.gateway.url}/healthz`)).status).toBe(503)
    await expect(begin(started, dialect)).rejects.toThrow(/shutting down/u)
    await transaction.commit()
    await closing
    expect(await started.database.query('select a from t')).toHaveLength(1)
  })

  it('it waits no longer than its limit, and then rolls back', async () => {
    if (dialect === 'postgres') return
    const started = await startTestGateway(dialect, { limits: { drainSeconds: 0.1 } })
    await started.database.query('create table t (a integer)')
    await begin(started, dialect)
    await started.gateway.close({ waitsForTransactions: true })
    expect(await started.database.query('select a from t')).toHaveLength(0)
  })
})

/** Has inserted a row. PostgreSQL's protocol has no transaction of several requests. */
async function begin({ gateway, target }: StartedGateway, dialect: DialectName): Promise<Open> {
  if (dialect === 'sqlite') {
    const transaction = await libsqlDriver(gateway).transaction('write')
    await transaction.execute('insert into t values (1)')
    return transaction
  }
  const connection = planetscaleDriver(gateway, target).connection()
  await connection.execute('begin')
  await connection.execute('insert into t values (1)')
  return { commit: () => connection.execute('commit') }
}

describe('a request', () => {
  it('has at most so many statements', async () => {
    const limits = { statementsPerRequest: 3 }
    const file = await startTestGateway('sqlite', { limits })
    const batch = (count: number) => libsqlDriver(file.gateway).batch(Array.from({ length: count }, () => 'select 1'))
    await expect(batch(9)).rejects.toThrow(/at most 3 statements/u)
    const server = await startTestGateway('postgres', { limits })
    const sql = neonDriver(server.gateway, server.target)
    const queries = (count: number) => Array.from({ length: count }, () => sql.query('select 1'))
    await expect(sql.transaction(queries(4))).rejects.toThrow(/at most 3 queries/u)
    expect(await sql.transaction(queries(3))).toHaveLength(3)
  })

  it('that takes too long is cancelled in the database, and answered', async () => {
    const limits = { requestSeconds: 0.2 }
    const server = await startTestGateway('postgres', { limits })
    await expect(neonDriver(server.gateway, server.target).query('select pg_sleep(60)')).rejects.toMatchObject({
      code: '57014',
    })
    const other = await startTestGateway('mysql', { limits })
    const running = planetscaleDriver(other.gateway, other.target).execute('select sleep(60)')
    await expect(running).rejects.toThrow(/errno 1317/u)
    await until(() => server.gateway.status().checkedOut === 0 && other.gateway.status().checkedOut === 0)
  })
})
