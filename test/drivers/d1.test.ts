import { bindingClient } from '@millrace/drivers/d1/binding'
import { httpClient } from '@millrace/drivers/d1/http'
import { connectHttp } from '@millrace/drivers/open'
import { describe } from 'vitest'
import { targetOf } from '../database.ts'
import { startCloudflare } from '../deploy/cloudflare.ts'
import type { TestDatabase } from '../dialects.ts'
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

/** The same through Cloudflare's API, past which the suite looks at the database. */
async function byApi(): Promise<DriverUnderTest> {
  const cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:9' })
  const { CLOUDFLARE_ACCOUNT_ID: accountId = '', CLOUDFLARE_API_TOKEN: apiToken = '' } = cloudflare.variables
  const api = new URL(cloudflare.url)
  const databaseId = await cloudflare.d1.make('conformance')
  const database: TestDatabase = {
    dialect: 'sqlite',
    url: `d1://DB?id=${databaseId}`,
    query: (sql, params = []) => cloudflare.d1.query(databaseId, sql, params),
    drop: () => cloudflare.close(),
  }
  return {
    database,
    connect({ port = Number(api.port), timeoutSeconds } = {}) {
      const apiUrl = `http://127.0.0.1:${port}/client/v4`
      const d1 = httpClient({ accountId, apiToken, databaseId, apiUrl })
      return connectHttp({ target: targetOf(database.url), d1, timeoutSeconds })
    },
    server: { host: '127.0.0.1', port: Number(api.port) },
    stop: () => database.drop(),
  }
}

describe('D1 by its binding', () => {
  driverConformance({ hasNetwork: false, canBeStopped: false, countsMatched: true, snapshot: 'watched' }, byBinding)
})

describe('D1 by the API of Cloudflare', () => {
  driverConformance({ hasNetwork: true, canBeStopped: false, countsMatched: true, snapshot: 'watched' }, byApi)
})
