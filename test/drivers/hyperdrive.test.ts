import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeServers, freshDatabase, isCi, type ServerDialect, type TestDatabase } from '../dialects.ts'
import { connectionStringOf, serverOf } from '../hyperdrive.ts'
import { findTools, type ToolEnvironment } from '../servers/debian-tools.ts'
import { startTransactionPooler } from '../servers/pgbouncer.ts'
import { buildOtherWorker } from '../servers/worker.ts'
import { workspaceRoot } from '../workspace.ts'
import { startCuttingProxy } from './cutting-proxy.ts'
import { driverConformance, type DriverUnderTest } from './conformance.ts'
import { connectInWorkerd } from './hyperdrive/bridge.ts'

/* The driver runs in workerd, as the functions run it, and reaches a real server by TCP through a Hyperdrive binding. */

/** Once for all dialects. */
let building: ReturnType<typeof buildOtherWorker> | undefined

async function inWorkerd(dialect: ServerDialect): Promise<DriverUnderTest> {
  building ??= buildOtherWorker(
    join(inject('directory'), 'hyperdrive'),
    join(workspaceRoot, 'test/drivers/hyperdrive/worker.ts'),
  )
  const [built, database] = await Promise.all([building, freshDatabase(dialect)])
  return {
    database,
    connect: ({ port, timeoutSeconds = 30 } = {}) =>
      connectInWorkerd(built, { dialect, timeoutSeconds, connectionString: connectionStringOf(database, port) }),
    server: serverOf(database),
    stop: () => database.drop(),
  }
}

/** How many connections the server has to the database, but for the one that asks. */
async function connectionsTo(database: TestDatabase): Promise<number> {
  const { dialect, url } = database
  const name = new URL(url).pathname.slice(1)
  const own = dialect === 'postgres' ? "application_name = 'millrace'" : "command = 'Sleep' and info is null"
  const [row] = await database.query(
    dialect === 'postgres'
      ? `select count(*)::int as n from pg_stat_activity where datname = '${name}' and ${own}`
      : `select count(*) as n from information_schema.processlist where db = '${name}' and ${own}`,
  )
  return Number(row?.['n'])
}

/** Through a pooler that lends connections as Hyperdrive does, and fewer of them than the suite asks for at once. */
async function pooled(environment: ToolEnvironment): Promise<DriverUnderTest> {
  const driver = await inWorkerd('postgres')
  const target = targetOf(driver.database.url)
  if (target.via !== 'gateway') throw new Error('a server is reached by its address')
  const directory = inject('directory')
  const pooler = await startTransactionPooler(target, { directory, environment, poolSize: 2 })
  return {
    database: driver.database,
    connect: ({ port = pooler.port, ...options } = {}) => driver.connect({ port, ...options }),
    server: { host: '127.0.0.1', port: pooler.port },
    async stop() {
      await pooler.stop()
      await driver.stop()
    },
  }
}

describe('through a pooler of transactions, in workerd', () => {
  const tools = findTools(['pgbouncer'])
  const { postgres } = inject('servers')
  const reason = 'missing' in tools ? tools.missing : 'missing' in postgres ? postgres.missing : undefined
  if ('environment' in tools && reason === undefined) {
    driverConformance({ hasNetwork: true, canBeStopped: true, countsMatched: true, snapshot: 'kept' }, () =>
      pooled(tools.environment),
    )
  } else {
    test('has a pooler to run through', (context) => {
      if (!isCi()) context.skip(reason)
      expect.fail(reason)
    })
  }
})

describeServers((dialect) => {
  describe('through Hyperdrive, in workerd', () => {
    driverConformance(
      { hasNetwork: true, canBeStopped: true, countsMatched: dialect === 'postgres', snapshot: 'kept' },
      () => inWorkerd(dialect),
    )

    test('a request that has ended leaves no connection, and one that goes on without work neither', async () => {
      const driver = await inWorkerd(dialect)
      const connection = await driver.connect()
      try {
        const before = await connectionsTo(driver.database)
        const statement = { text: 'select 1', parameters: [] }
        await Promise.all(Array.from({ length: 5 }, () => connection.transport().run(statement)))
        await connection.transport().transact([], [statement])
        await expect.poll(() => connectionsTo(driver.database), { timeout: 10_000 }).toBe(before)
        // Those requests go on: their transports take another.
        const own = connection.transport()
        for (let turn = 0; turn < 2; turn += 1) {
          expect((await own.run(statement)).rows).toHaveLength(1)
          await expect.poll(() => connectionsTo(driver.database), { timeout: 10_000 }).toBe(before)
        }
      } finally {
        await connection.close()
        await driver.stop()
      }
    })

    test.each([
      ['before', 0],
      ['after', 2],
    ] as const)(
      'a batch whose COMMIT is lost %s the server has it is no certain failure, and is whole or not there',
      async (when, stored) => {
        const driver = await inWorkerd(dialect)
        if (driver.server === undefined) throw new Error('Hyperdrive reaches servers alone')
        const proxy = await startCuttingProxy(driver.server)
        const connection = await driver.connect({ port: proxy.port })
        try {
          await driver.database.query('create table kept (id varchar(8) primary key)')
          const own = connection.transport()
          await own.run({ text: 'select 1', parameters: [] })
          proxy.cut(when, dialect === 'postgres' ? 'COMMIT' : 'commit')
          const rows = ['a', 'b'].map((id) => ({ text: `insert into kept values ('${id}')`, parameters: [] }))
          await expect(own.transact(rows, [])).rejects.toMatchObject({
            fault: 'database_unreachable',
            isNotApplied: false,
          })
          // The server ends what a connection that is gone has left open when it notices.
          const count = async () => (await driver.database.query('select id from kept')).length
          await expect.poll(count, { timeout: 10_000 }).toBe(stored)
          proxy.cut('never')
          expect((await own.transact(rows.slice(stored), [])).length).toBe(2 - stored)
          expect(await count()).toBe(2)
        } finally {
          await connection.close()
          await proxy.close()
          await driver.stop()
        }
      },
    )
  })
})
