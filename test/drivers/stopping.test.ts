import { once } from 'node:events'
import { chownSync, copyFileSync, chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { connectNative, isNative } from '@millrace/drivers/native/open'
import type { Connection } from '@millrace/db/sql/transport'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Statement } from '@millrace/db/sql/statement'
import { targetOf } from '../database.ts'
import { describeServers, type ServerDialect } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { makeCertificates, type Certificates } from '../tls/certificates.ts'
import { fingerprintOf, shownFingerprint } from '../tls/shown.ts'
import { failureOf } from './conformance/suite.ts'
import { startCuttingProxy } from './cutting-proxy.ts'

/* A statement that takes too long is stopped on a server that has no connection free. */

const slowOf: Readonly<Record<ServerDialect, Statement>> = {
  postgres: { text: 'select pg_sleep(20)', parameters: [] },
  mysql: { text: 'select sleep(20)', parameters: [] },
}
const runningOf: Readonly<Record<ServerDialect, string>> = {
  postgres: "select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(20)'",
  mysql: "select 1 from information_schema.processlist where info = 'select sleep(20)'",
}
const one: Statement = { text: 'select 1 as one', parameters: [] }
/** CancelRequest's code. */
const cancelCode = Buffer.from([4, 210, 22, 46])

interface Client {
  end(): Promise<void>
}

const connectors: Readonly<
  Record<ServerDialect, (server: OwnServer, database: string, isEncrypted: boolean) => Promise<Client>>
> = {
  async postgres({ address }, database, isEncrypted) {
    const client = new pg.Client({ ...address, database, ssl: isEncrypted && { rejectUnauthorized: false } })
    client.on('error', () => undefined)
    await client.connect()
    return client
  },
  mysql: ({ address }, database) => mysql.createConnection({ ...address, database }),
}

/** Takes all connections that are left. */
async function fill(connect: () => Promise<Client>): Promise<readonly Client[]> {
  const clients: Client[] = []
  for (;;) {
    try {
      clients.push(await connect())
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code === '53300' || code === 'ER_CON_COUNT_ERROR') return clients
      throw error
    }
  }
}

describeServers((dialect) => {
  let server: OwnServer
  let database: string

  beforeAll(async () => {
    server = await (dialect === 'postgres'
      ? startOwnPostgres({ max_connections: '12' })
      : startOwnMariadb(['--max-connections=12']))
    database = await server.createDatabase()
  })
  afterAll(() => server.remove())

  function connect(url: string): Promise<Connection> {
    const target = targetOf(url)
    if (!isNative(target)) throw new Error('a server is reached by its address')
    return connectNative(target, { timeoutSeconds: 0.3, log: () => undefined })
  }

  /** What becomes of a slow statement on a kept connection while there is no new one, and of the next statement. */
  async function stopped(connection: Connection, { kept, isEncrypted }: Kept) {
    const transport = connection.transport()
    const brief: Statement = { text: slowOf[dialect].text.replace('20', '0.1'), parameters: [] }
    await Promise.all(Array.from({ length: kept }, () => transport.run(brief)))
    // By a connection that the server may reserve for its administrator.
    const administrator = await server.session(database)
    const clients = await fill(() => connectors[dialect](server, database, isEncrypted))
    try {
      const error = await failureOf(transport.run(slowOf[dialect]))
      const running = await administrator.query(runningOf[dialect])
      const next = await transport.run(one)
      return { error, running, next: next.rows.map(String) }
    } finally {
      await administrator.end()
      await Promise.all(clients.map((client) => client.end()))
      await connection.close()
    }
  }

  interface Kept {
    /** How many connections its pool has. */
    readonly kept: number
    readonly isEncrypted: boolean
  }

  const asAsked = { error: { fault: 'database_timeout', isNotApplied: true }, running: [], next: ['1'] }

  // MySQL has no other way than a connection that works, which one without work can be.
  const kept = dialect === 'postgres' ? 1 : 2

  test('without a new connection', async () => {
    expect(await stopped(await connect(server.url(database)), { kept, isEncrypted: false })).toMatchObject(asAsked)
  })

  if (dialect !== 'postgres') return

  test('not at all where the server does not hear of it, which then notices that nobody waits', async () => {
    await server.administer("alter role millrace set client_connection_check_interval = '200ms'")
    const proxy = await startCuttingProxy(server.address)
    const url = new URL(server.url(database))
    url.port = String(proxy.port)
    proxy.cut('before', cancelCode)
    const connection = await connect(url.href)
    try {
      const startedAt = performance.now()
      const error = await failureOf(connection.transport().run(slowOf.postgres))
      expect(error).toMatchObject({ fault: 'database_timeout', isNotApplied: false })
      expect(performance.now() - startedAt).toBeLessThan(9000)
      await expect.poll(() => server.administer(runningOf.postgres)).toEqual([])
      expect(performance.now() - startedAt).toBeLessThan(15_000)
      expect((await connection.transport().run(one)).rows).toEqual([['1']])
    } finally {
      await connection.close()
      await proxy.close()
      await server.administer('alter role millrace reset client_connection_check_interval')
    }
  })

  describe('encrypted', () => {
    let listener: ReturnType<typeof createServer>
    const sockets = new Set<Socket>()
    const sent: Buffer[] = []

    let certificates: Certificates

    beforeAll(async () => {
      certificates = makeCertificates(join(mkdtempSync(join(inject('directory'), 'stopping-')), 'certificates'))
      const { certificateFile, keyFile } = certificates.of.good
      for (const [file, name] of [
        [certificateFile, 'server.crt'],
        [keyFile, 'server.key'],
      ] as const) {
        const copy = join(server.dataDirectory, name)
        copyFileSync(file, copy)
        chmodSync(copy, 0o600)
        if (process.getuid?.() === 0) chownSync(copy, server.processUserId, server.processUserId)
      }
      const rules = join(server.dataDirectory, 'pg_hba.conf')
      writeFileSync(rules, 'host all postgres all scram-sha-256\nhostssl all all all scram-sha-256\n')
      await server.administer('alter system set ssl = on')
      await server.administer('select pg_reload_conf()')
      const shown = fingerprintOf(certificates.of.good.certificateFile)
      while ((await shownFingerprint(server.address.port)) !== shown);
      listener = createServer((client) => {
        const upstream = connectTcp(server.address.port, server.address.host)
        for (const socket of [client, upstream]) {
          sockets.add(socket)
          socket.on('error', () => undefined)
        }
        client.on('data', (bytes) => sent.push(bytes))
        client.pipe(upstream).pipe(client)
      })
      listener.listen(0, '127.0.0.1')
      await once(listener, 'listening')
    })
    afterAll(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        listener.close(resolve)
      })
    })

    test.each(['require', 'verify-full'])('as the connection is: sslmode=%s', async (mode) => {
      const ca = mode === 'require' ? '' : `&ssl_ca=${encodeURIComponent(certificates.caFile)}`
      const { port } = listener.address() as AddressInfo
      const url = new URL(server.url(database, `sslmode=${mode}${ca}`))
      url.port = String(port)
      expect(await stopped(await connect(url.href), { kept, isEncrypted: true })).toMatchObject(asAsked)
      expect(sent.length).toBeGreaterThan(0)
      expect(Buffer.concat(sent).includes(cancelCode)).toBe(false)
    })
  })
})
