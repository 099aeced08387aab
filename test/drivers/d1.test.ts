import { bindingClient } from '@millrace/drivers/d1/binding'
import { connectHttp } from '@millrace/drivers/open'
import { describe } from 'vitest'
import { targetOf } from '../database.ts'
import { startD1 } from '../servers/d1.ts'
import { driverConformance, type DriverUnderTest } from './conformance.ts'

/* D1 in workerd itself, and over Cloudflare's API, of which a stand-in answers. */

async function byBinding(): Promise<DriverUnderTest> {
  const { binding, database } = await startD1()
  return {
    database,
    connect: ({ timeoutSeconds } = {}) =>
      connectHttp({ target: targetOf(database.url), d1: bindingClient(binding), timeoutSeconds }),
    server: undefined,
    stop: () => database.drop(),
  }
}

describe('D1 by its binding', () => {
  driverConformance({ hasNetwork: false, canBeStopped: false, countsMatched: true, snapshot: 'watched' }, byBinding)
})
