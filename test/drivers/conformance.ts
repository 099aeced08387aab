import type { Connection, Transport } from '@millrace/db/sql/transport'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { batchConformance } from './conformance/batches.ts'
import { errorConformance } from './conformance/errors.ts'
import { limitConformance } from './conformance/limits.ts'
import { lossConformance } from './conformance/losses.ts'
import { tablesOf, type DriverTraits, type DriverUnderTest, type Suite } from './conformance/suite.ts'
import { valueConformance } from './conformance/values.ts'

export type { ConnectOptions, DriverTraits, DriverUnderTest, Refusal } from './conformance/suite.ts'

/**
 * What a driver must do. One that passes on each of its databases is a driver (docs/drivers.md); call it within a
 * `describe`.
 */
export function driverConformance(traits: DriverTraits, start: () => Promise<DriverUnderTest>): void {
  let driver: DriverUnderTest
  let connection: Connection
  let transport: Transport
  const suite: Suite = {
    traits,
    get driver() {
      return driver
    },
    get connection() {
      return connection
    },
    get transport() {
      return transport
    },
  }

  beforeAll(async () => {
    driver = await start()
    const { dialect } = driver.database
    for (const statement of tablesOf[dialect]) await driver.database.query(statement)
    connection = await driver.connect()
    transport = connection.transport()
  })
  afterAll(async () => {
    await connection.close()
    await driver.stop()
  })
  beforeEach(async () => {
    await driver.database.query('delete from things')
  })

  valueConformance(suite)
  batchConformance(suite)
  errorConformance(suite)
  limitConformance(suite)
  lossConformance(suite)
}
