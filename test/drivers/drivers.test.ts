import { connectHttp } from '@millrace/drivers/open'
import { connectNative, isNative } from '@millrace/drivers/native/open'
import { startGateway } from '@millrace/gateway'
import { describe } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialects, freshDatabase, type DialectName } from '../dialects.ts'
import { driverConformance, type DriverUnderTest } from './conformance.ts'

/* Every driver, on a real server. Those over HTTP meet it through the gateway, which speaks their services' protocols. */

async function overHttp(dialect: DialectName, foundRows: boolean): Promise<DriverUnderTest> {
  const database = await freshDatabase(dialect)
  const target = targetOf(database.url)
  const gateway = await startGateway({ target, foundRows })
  return {
    database,
    connect: ({ port = gateway.port, timeoutSeconds = 30 } = {}) =>
      connectHttp({ target, gatewayUrl: `http://127.0.0.1:${port}`, timeoutSeconds }),
    server: { host: '127.0.0.1', port: gateway.port },
    async stop() {
      await gateway.close()
      await database.drop()
    },
  }
}

async function native(dialect: DialectName, foundRows: boolean): Promise<DriverUnderTest> {
  const database = await freshDatabase(dialect)
  const target = targetOf(database.url)
  if (!isNative(target)) throw new Error('a platform has no native driver')
  return {
    database,
    connect: ({ port, timeoutSeconds = 30 } = {}) =>
      connectNative(target.via === 'gateway' && port !== undefined ? { ...target, port } : target, {
        timeoutSeconds,
        foundRows,
        log: () => undefined,
      }),
    server: target.via === 'gateway' ? { host: target.host, port: target.port } : undefined,
    stop: () => database.drop(),
  }
}

describeDialects((dialect) => {
  for (const foundRows of dialect === 'mysql' ? [false, true] : [false]) {
    const counting = foundRows ? ', counting the rows that match' : ''
    const canBeStopped = dialect !== 'sqlite'
    const countsMatched = dialect !== 'mysql' || foundRows
    describe(`over HTTP${counting}`, () => {
      driverConformance({ hasNetwork: true, canBeStopped, countsMatched, snapshot: 'kept' }, () =>
        overHttp(dialect, foundRows),
      )
    })
    describe(`native${counting}`, () => {
      driverConformance({ hasNetwork: dialect !== 'sqlite', canBeStopped, countsMatched, snapshot: 'kept' }, () =>
        native(dialect, foundRows),
      )
    })
  }
})
