import { connectHttp } from '@millrace/drivers/open'
import { connectNative, isNative, type NativeTarget } from '@millrace/drivers/native/open'
import { startGateway } from '@millrace/gateway'
import type { Trouble } from '@millrace/db/sql/troubles'
import type { Target } from '@millrace/db/url'
import { describe } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialects, freshDatabase, type DialectName } from '../dialects.ts'
import { isLong } from '../sampling.ts'
import { nobodysDatabase } from './conformance/suite.ts'
import { driverConformance, type ConnectOptions, type DriverUnderTest, type Refusal } from './conformance.ts'

/* Every driver, on a real server. Those over HTTP meet it through the gateway, which speaks their services' protocols. */

const token = 'a-token-of-the-gateway-of-the-suite'

/** The target with what is to be wrong of it, and the pool that is asked for. */
function alteredOf(target: Target, { wrong, hasOneConnection = false }: ConnectOptions): Target {
  if (target.via !== 'gateway' && target.via !== 'file') return target
  const options = hasOneConnection
    ? { ...target.options, poolSize: 1, maxOverflow: 0, poolTimeoutSeconds: 0.1 }
    : target.options
  if (target.via === 'file') return { ...target, options }
  return {
    ...target,
    options,
    ...(wrong === 'password' ? { password: 'hush' } : {}),
    ...(wrong === 'database' ? { database: nobodysDatabase } : {}),
  }
}

async function overHttp(dialect: DialectName, foundRows: boolean): Promise<DriverUnderTest> {
  const database = await freshDatabase(dialect)
  const target = targetOf(database.url)
  const start = (to: Target) => startGateway({ target: to, foundRows, token, limits: { lockSeconds: 0.1 } })
  const gateway = await start(target)
  const connectBy = (to: Target, port: number, gatewayToken: string, timeoutSeconds: number) =>
    connectHttp({ target: to, gatewayUrl: `http://127.0.0.1:${port}`, gatewayToken, timeoutSeconds })
  return {
    database,
    async connect(options = {}) {
      const { port = gateway.port, timeoutSeconds = 30, wrong, hasOneConnection = false } = options
      const needsOwn = wrong === 'password' || wrong === 'database' || hasOneConnection
      if (!needsOwn) return connectBy(target, port, wrong === 'token' ? `${token}-hush` : token, timeoutSeconds)
      const to = alteredOf(target, options)
      const own = await start(to)
      const connection = await connectBy(to, own.port, token, timeoutSeconds)
      return {
        ...connection,
        async close() {
          await connection.close()
          await own.close()
        },
      }
    },
    server: { host: '127.0.0.1', port: gateway.port },
    async stop() {
      await gateway.close()
      await database.drop()
    },
  }
}

/** A proxy reads what passes: MariaDB 11.4 and MySQL have certificates that they made themselves. */
function throughProxy(server: NativeTarget, port: number): NativeTarget {
  return server.via === 'file' ? server : { ...server, port, options: { ...server.options, tlsMode: 'disable' } }
}

async function native(dialect: DialectName, foundRows: boolean): Promise<DriverUnderTest> {
  const database = await freshDatabase(dialect)
  const target = targetOf(database.url)
  return {
    database,
    connect(options = {}) {
      const { port, timeoutSeconds = 30 } = options
      const altered = alteredOf(target, options)
      if (!isNative(altered)) throw new Error('a platform has no native driver')
      return connectNative(port === undefined ? altered : throughProxy(altered, port), {
        timeoutSeconds,
        foundRows,
        log: () => undefined,
      })
    },
    server: target.via === 'gateway' ? { host: target.host, port: target.port } : undefined,
    stop: () => database.drop(),
  }
}

const told = (trouble: Trouble): Refusal => ({ trouble })
const cannot = (reason: string): Refusal => ({ cannot: reason })

const readOnly: Readonly<Record<DialectName, Refusal>> = {
  sqlite: told('read_only'),
  postgres: told('read_only'),
  mysql: cannot('what a transaction may do is said before it begins, and a session of a pool keeps it'),
}

const ofServer = (dialect: DialectName) => ({
  password: told('database_auth_failed'),
  database: told('database_missing'),
  lock: told('lock_wait'),
  readOnly: readOnly[dialect],
})

const ofFile = {
  password: cannot('a file has none'),
  database: cannot('a file that is not there is made'),
  readOnly: readOnly.sqlite,
}

const noToken = { token: cannot('no gateway is asked') }

describeDialects((dialect) => {
  for (const foundRows of dialect === 'mysql' ? [false, true] : [false]) {
    const counting = foundRows ? ', counting the rows that match' : ''
    const canBeStopped = dialect !== 'sqlite'
    const countsMatched = dialect !== 'mysql' || foundRows
    describe(`over HTTP${counting}`, () => {
      driverConformance(
        {
          hasNetwork: true,
          canBeStopped,
          countsMatched,
          snapshot: 'kept',
          // With its quotes: a session of PlanetScale's has an `autocommit` in it.
          commitText: dialect === 'mysql' ? '"commit"' : '',
          refusals: {
            ...(dialect === 'sqlite'
              ? { ...ofFile, lock: told('lock_wait'), readOnly: cannot('the gateway takes no such pragma') }
              : ofServer(dialect)),
            token: told('token_refused'),
            pool: told('pool_exhausted'),
          },
        },
        () => overHttp(dialect, foundRows),
      )
    })
    describe(`native${counting}`, () => {
      driverConformance(
        {
          hasNetwork: dialect !== 'sqlite',
          canBeStopped,
          countsMatched,
          snapshot: 'kept',
          commitText: dialect === 'mysql' ? 'commit' : '',
          refusals:
            dialect === 'sqlite'
              ? {
                  ...ofFile,
                  ...noToken,
                  lock: isLong ? told('lock_wait') : cannot('it waits 5 s for the lock'),
                  pool: cannot('one connection serves all, in turn'),
                }
              : { ...ofServer(dialect), ...noToken, pool: told('pool_exhausted') },
        },
        () => native(dialect, foundRows),
      )
    })
  }
})
