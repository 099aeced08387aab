import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeServers, freshDatabase, isCi, type ServerDialect, type TestDatabase } from '../dialects.ts'
import { connectionStringOf, serverOf } from '../hyperdrive.ts'
import { findTools, type ToolEnvironment } from '../servers/debian-tools.ts'
import { startTransactionPooler } from '../servers/pgbouncer.ts'
import { buildOtherWorker } from '../servers/worker.ts'
import { workspaceRoot } from '../workspace.ts'
import { driverConformance, type DriverTraits, type DriverUnderTest, type Refusal } from './conformance.ts'
import { nobodysDatabase } from './conformance/suite.ts'
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
    connect({ port, timeoutSeconds = 30, wrong } = {}) {
      const url = new URL(connectionStringOf(database, port))
      if (wrong === 'password') url.password = 'hush'
      if (wrong === 'database') url.pathname = `/${nobodysDatabase}`
      return connectInWorkerd(built, { dialect, timeoutSeconds, connectionString: url.href })
    },
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

const cannot = (reason: string): Refusal => ({ cannot: reason })

const traits = { hasNetwork: true, canBeStopped: true, snapshot: 'kept' } as const

function refusalsOf(dialect: ServerDialect): DriverTraits['refusals'] {
  return {
    password: { trouble: 'database_auth_failed' },
    token: cannot('a binding has none'),
    database: { trouble: 'database_missing' },
    pool: cannot('the pool is the own one of Hyperdrive, which no test has'),
    lock: { trouble: 'lock_wait' },
    readOnly:
      dialect === 'postgres'
        ? { trouble: 'read_only' }
        : cannot('what a transaction may do is said before it begins, and the driver begins it'),
  }
}

describe('through a pooler of transactions, in workerd', () => {
  const tools = findTools(['pgbouncer'])
  const { postgres } = inject('servers')
  const reason = 'missing' in tools ? tools.missing : 'missing' in postgres ? postgres.missing : undefined
  if ('environment' in tools && reason === undefined) {
    driverConformance(
      {
        ...traits,
        countsMatched: true,
        commitText: 'COMMIT',
        refusals: {
          ...refusalsOf('postgres'),
          password: cannot('this pooler takes any'),
          database: cannot('this pooler refuses by itself, with a code that says less'),
        },
      },
      () => pooled(tools.environment),
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
      {
        ...traits,
        countsMatched: dialect === 'postgres',
        commitText: dialect === 'postgres' ? 'COMMIT' : 'commit',
        refusals: refusalsOf(dialect),
      },
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
  })
})
