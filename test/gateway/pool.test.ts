import { openDatabase } from '@millrace/drivers/open'
import { expect, it } from 'vitest'
import { describeDialects, type DialectName, testWhere } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres } from '../servers/own.ts'
import { libsqlDriver, neonDriver, planetscaleDriver } from './drivers.ts'
import { startTestGateway, until, type StartedGateway } from './start.ts'
import { startGateway } from '@millrace/gateway'
import { targetOf } from './target.ts'

const small = 'pool_size=2&max_overflow=1&pool_timeout=0.2'

/** A connection of the gateway's that is in use until it is let go. */
interface Held {
  letGo(): Promise<unknown>
}

async function hold({ gateway, target, database }: StartedGateway, dialect: DialectName): Promise<Held> {
  switch (dialect) {
    case 'sqlite': {
      const transaction = await libsqlDriver(gateway).transaction('read')
      await transaction.execute('select 1')
      return { letGo: () => transaction.rollback() }
    }
    case 'mysql': {
      const connection = planetscaleDriver(gateway, target).connection()
      await connection.execute('begin')
      return { letGo: () => connection.execute('rollback') }
    }
    case 'postgres': {
      const before = gateway.status().checkedOut
      // Each sleeps another time, so that this very one can be woken.
      const asleep = `select pg_sleep(${60 + before})`
      const sleeping = neonDriver(gateway, target).query(asleep).then(String, String)
      await until(() => gateway.status().checkedOut > before)
      return {
        letGo: async () => {
          // It may have its connection, and not have come to sleep yet.
          await until(async () => {
            const woken = await database.query(
              "select pg_cancel_backend(pid) from pg_stat_activity where query = $1 and state = 'active' and datname = current_database()",
              [asleep],
            )
            return woken.length > 0
          })
          await sleeping
        },
      }
    }
  }
}

const one = { text: 'select 1', parameters: [] }

describeDialects((dialect) => {
  it('exhausted, answers busy in pool_timeout, and serves again when a connection comes back', async () => {
    const started = await startTestGateway(dialect, { urlOptions: small })
    const { gateway, target } = started
    const transport = (await openDatabase({ target, gatewayUrl: gateway.url })).transport()
    expect(gateway.status()).toEqual({ size: 2, checkedOut: 0, overflow: 0, waiting: 0 })
    const held = [await hold(started, dialect), await hold(started, dialect)]
    expect(gateway.status()).toEqual({ size: 2, checkedOut: 2, overflow: 0, waiting: 0 })
    held.push(await hold(started, dialect))
    expect(gateway.status()).toEqual({ size: 2, checkedOut: 3, overflow: 1, waiting: 0 })
    const askedAtMs = performance.now()
    const refused = transport.run(one).catch((error: unknown) => error)
    await until(() => gateway.status().waiting === 1)
    expect(await (await fetch(`${gateway.url}/status`)).json()).toMatchObject({
      checkedOut: 3,
      overflow: 1,
      waiting: 1,
    })
    expect(await refused).toMatchObject({ fault: 'database_busy', trouble: 'pool_exhausted', isNotApplied: true })
    const waitedMilliseconds = performance.now() - askedAtMs
    expect(waitedMilliseconds).toBeGreaterThan(190)
    expect(waitedMilliseconds).toBeLessThan(2000)
    expect(gateway.status()).toEqual({ size: 2, checkedOut: 3, overflow: 1, waiting: 0 })
    await held[0]?.letGo()
    expect((await transport.run(one)).rows).toHaveLength(1)
    await Promise.all(held.slice(1).map((each) => each.letGo()))
    // Those beyond pool_size are closed, not kept.
    await until(() => gateway.status().checkedOut === 0 && gateway.status().overflow === 0)
    expect(gateway.status()).toEqual({ size: 2, checkedOut: 0, overflow: 0, waiting: 0 })
  })

  it('who waits is served before pool_timeout when a connection comes back', async () => {
    const started = await startTestGateway(dialect, { urlOptions: 'pool_size=1&max_overflow=0&pool_timeout=20' })
    const { gateway, target } = started
    const held = await hold(started, dialect)
    const waiting = (await openDatabase({ target, gatewayUrl: gateway.url })).transport().run(one)
    await until(() => gateway.status().waiting === 1)
    await held.letGo()
    expect((await waiting).rows).toHaveLength(1)
    await until(() => gateway.status().checkedOut === 0 && gateway.status().waiting === 0)
  })

  it('a transaction that its client has left is rolled back, and its connection comes back', async () => {
    if (dialect === 'postgres') return
    const limits = { transactionIdleSeconds: 0.2, streamIdleSeconds: 0.2 }
    const { gateway, target, database, log } = await startTestGateway(dialect, { limits })
    await database.query('create table t (a integer)')
    if (dialect === 'sqlite')
      await (await libsqlDriver(gateway).transaction('write')).execute('insert into t values (1)')
    else {
      const connection = planetscaleDriver(gateway, target).connection()
      await connection.execute('begin')
      await connection.execute('insert into t values (1)')
    }
    expect(gateway.status().checkedOut).toBe(1)
    await until(() => gateway.status().checkedOut === 0)
    expect(await database.query('select a from t')).toEqual([])
    expect(log.map(({ event }) => event)).toContain('transaction_ended')
  })

  testWhere(dialect !== 'sqlite', 'connections of before a restart of the server serve nobody after it', async () => {
    const server = dialect === 'postgres' ? await startOwnPostgres() : await startOwnMariadb()
    try {
      const database = await server.createDatabase()
      const opened = await Promise.all(
        ['', 'pool_pre_ping=true', 'pool_recycle=1', 'pool_recycle=-1'].map(async (options) => {
          const target = targetOf(server.url(database, options))
          const gateway = await startGateway({ target })
          const transport = (await openDatabase({ target, gatewayUrl: gateway.url })).transport()
          await Promise.all([transport.run(one), transport.run(one)])
          return { gateway, transport }
        }),
      )
      await server.stop()
      await server.start()
      for (const { gateway, transport } of opened) {
        const answers = await Promise.all([transport.run(one), transport.run(one), transport.run(one)])
        expect(answers.map(({ rows }) => rows.length)).toEqual([1, 1, 1])
        await until(() => gateway.status().checkedOut === 0)
        expect(gateway.status()).toEqual({ size: 5, checkedOut: 0, overflow: 0, waiting: 0 })
      }
      await Promise.all(opened.map(({ gateway }) => gateway.close()))
    } finally {
      await server.remove()
    }
  })
})
