import { connectNative, isNative } from '@millrace/drivers/native/open'
import type { ConnectionLogEntry } from '@millrace/drivers/native/log'
import type { Connection } from '@millrace/db/sql/transport'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { targetOf } from '../database.ts'
import { freshDatabase, isCi } from '../dialects.ts'
import { toolsOf } from '../servers/debian-tools.ts'
import { startTransactionPooler } from '../servers/pgbouncer.ts'

/* `millrace serve` behind PgBouncer, which hands a connection on with what its last user has prepared on it. */

const wait = (lock: number) => ({ text: `select pg_advisory_xact_lock(${lock})`, parameters: [] })
const greeting = (word: string) => ({ text: `select '${word} ' || $1::text`, parameters: ['Ada'] })

describe('native, through a pooler of transactions that resets nothing', () => {
  test('a process never runs the statement that another one has prepared', async (context) => {
    const environment = toolsOf(context, 'pgbouncer')
    const { postgres } = inject('servers')
    if ('missing' in postgres) {
      if (!isCi()) context.skip(postgres.missing)
      throw new Error(postgres.missing)
    }
    const database = await freshDatabase('postgres')
    const server = targetOf(database.url)
    if (server.via !== 'gateway' || !isNative(server)) throw new Error('a server is reached by its address')
    const directory = inject('directory')
    const pooler = await startTransactionPooler(server, { directory, environment, poolSize: 2, isReset: false })
    const log: ConnectionLogEntry[] = []
    const options = { timeoutSeconds: 20, log: (entry: ConnectionLogEntry) => void log.push(entry) }
    const open = (): Promise<Connection> => connectNative({ ...server, host: '127.0.0.1', port: pooler.port }, options)
    const [one, other, third] = await Promise.all([open(), open(), open()])
    const { host, port, user, password } = server
    const locks = new pg.Client({ host, port, user, password, database: server.database })
    await locks.connect()
    const waiting = async (lock: number) => {
      const held = `select 1 from pg_locks where locktype = 'advisory' and objid = ${lock} and not granted`
      await expect.poll(async () => (await locks.query(held)).rowCount, { timeout: 10_000 }).toBe(1)
    }
    try {
      await locks.query('select pg_advisory_lock(1), pg_advisory_lock(2)')
      const first = one.transport()
      // From its second use on a text has a name, which the first of the server's connections knows then.
      for (let use = 0; use < 2; use += 1) await first.run(greeting('Hello'))
      const onFirst = first.run(wait(1))
      await waiting(1)
      const second = other.transport()
      for (let use = 0; use < 2; use += 1) await second.run(greeting('Goodbye'))
      const onSecond = third.transport().run(wait(2))
      await waiting(2)
      await locks.query('select pg_advisory_unlock(1)')
      await onFirst

      expect((await second.run(greeting('Goodbye'))).rows).toEqual([['Goodbye Ada']])
      expect((await second.run(greeting('Goodbye'))).rows).toEqual([['Goodbye Ada']])
      expect(log).toMatchObject([{ level: 'warn', event: 'statements_unprepared' }])

      await locks.query('select pg_advisory_unlock(2)')
      await onSecond
    } finally {
      await locks.end()
      await Promise.all([one, other, third].map((connection) => connection.close()))
      await pooler.stop()
      await database.drop()
    }
  })
})
