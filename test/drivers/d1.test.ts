import { bindingClient } from '@millrace/drivers/d1/binding'
import { httpClient } from '@millrace/drivers/d1/http'
import { connectHttp } from '@millrace/drivers/open'
import { describe } from 'vitest'
import { targetOf } from '../database.ts'
import { startCloudflare } from '../deploy/cloudflare.ts'
import type { TestDatabase } from '../dialects.ts'
import { startD1 } from '../servers/d1.ts'
import { driverConformance, type DriverUnderTest, type Refusal } from './conformance.ts'

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
    connect({ port = Number(api.port), timeoutSeconds, wrong } = {}) {
      const apiUrl = `http://127.0.0.1:${port}/client/v4`
      const d1 = httpClient({
        accountId,
        apiToken: wrong === 'token' ? 'hush' : apiToken,
        databaseId: wrong === 'database' ? '00000000-0000-4000-8000-000000000000' : databaseId,
        apiUrl,
      })
      return connectHttp({ target: targetOf(database.url), d1, timeoutSeconds })
    },
    server: { host: '127.0.0.1', port: Number(api.port) },
    stop: () => database.drop(),
  }
}

const cannot = (reason: string): Refusal => ({ cannot: reason })

/** What D1 itself does not have, by whichever way. */
const refusals = {
  password: cannot('D1 has none'),
  token: cannot('a binding has none'),
  database: cannot('a binding leads to its database'),
  pool: cannot('D1 serves requests one after the other'),
  lock: cannot('nobody else writes to its file'),
  readOnly: cannot('D1 allows no such pragma'),
}

const traits = { canBeStopped: false, countsMatched: true, snapshot: 'watched', commitText: '' } as const

describe('D1 by its binding', () => {
  driverConformance({ ...traits, hasNetwork: false, refusals }, byBinding)
})

describe('D1 by the API of Cloudflare', () => {
  driverConformance(
    {
      ...traits,
      hasNetwork: true,
      refusals: { ...refusals, token: { trouble: 'token_refused' }, database: { trouble: 'database_missing' } },
    },
    byApi,
  )
})
