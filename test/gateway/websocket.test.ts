import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import type { Target } from '@millrace/db/url'
import { startGateway, type GatewayOptions } from '@millrace/gateway'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'

type PostgresTarget = Extract<Target, { dialect: 'postgres' }>

let reached: ReachedDatabase
let target: PostgresTarget

beforeAll(async () => {
  reached = await reachDatabase('postgres')
  if (reached.target.dialect !== 'postgres') throw new Error('not a PostgreSQL target')
  target = reached.target
})

afterAll(() => reached.stop())

async function withGateway(
  options: Partial<GatewayOptions>,
  work: (gatewayUrl: string) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({ target, ...options })
  try {
    await work(gateway.url)
  } finally {
    await gateway.close()
  }
}

const names = { text: 'select name from marks order by name', parameters: [] }

async function namesIn(database: Database): Promise<readonly unknown[]> {
  const snapshot = await database.snapshot()
  try {
    return (await snapshot.run(names)).rows
  } finally {
    await snapshot.close()
  }
}

test('a transaction passes over it, and writes are refused in a snapshot', async () => {
  const snapshot = await reached.database.snapshot()
  expect((await snapshot.run(names)).rows).toContainEqual(['restore'])
  const write = { text: "update marks set value = 'x'", parameters: [] }
  await expect(snapshot.run(write)).rejects.toMatchObject({ name: 'DatabaseError' })
  await snapshot.close()
  expect(await reached.raw.query('select name from marks where value is not null')).toEqual([])
})

test('the token is demanded', async () => {
  const token = 'päss, word/%20 of 32 or more characters'
  await withGateway({ token }, async (gatewayUrl) => {
    expect(await namesIn(await openDatabase({ target, gatewayUrl, gatewayToken: token }))).toContainEqual(['restore'])
    await expect(namesIn(await openDatabase({ target, gatewayUrl }))).rejects.toMatchObject({ name: 'DatabaseError' })
    const other = await openDatabase({ target, gatewayUrl, gatewayToken: `${token}x` })
    await expect(namesIn(other)).rejects.toMatchObject({ name: 'DatabaseError' })
  })
})

test('another user and another password are refused as PostgreSQL does', async () => {
  await withGateway({}, async (gatewayUrl) => {
    for (const wrong of [{ user: 'postgres' }, { password: 'guess' }]) {
      const database = await openDatabase({ target: { ...target, ...wrong }, gatewayUrl })
      await expect(namesIn(database)).rejects.toMatchObject({ fault: 'database_auth_failed' })
    }
  })
})

test("a connection string's database is ignored: it serves its own", async () => {
  await withGateway({}, async (gatewayUrl) => {
    const database = await openDatabase({ target: { ...target, database: 'template1' }, gatewayUrl })
    const snapshot = await database.snapshot()
    const { rows } = await snapshot.run({ text: 'select current_database()', parameters: [] })
    expect(rows).toEqual([[target.database]])
    await snapshot.close()
  })
})

test('closing the gateway ends what is open', async () => {
  const gateway = await startGateway({ target })
  const database = await openDatabase({ target, gatewayUrl: gateway.url })
  const snapshot = await database.snapshot()
  await gateway.close()
  await expect(snapshot.run(names)).rejects.toMatchObject({ fault: 'database_unreachable' })
  await snapshot.close()
})

test('a server that cannot be reached is told', async () => {
  await withGateway({ target: { ...target, port: 1 } }, async (gatewayUrl) => {
    await expect(namesIn(await openDatabase({ target, gatewayUrl }))).rejects.toMatchObject({
      fault: 'database_unreachable',
    })
  })
})

test.each([
  ['another path', '/v1', {}],
  ['a browser’s page', '/v2', { Origin: 'https://example.com' }],
])('%s gets no WebSocket', async (_name, path, headers) => {
  await withGateway({}, async (gatewayUrl) => {
    const answer = await fetch(`${gatewayUrl}${path}`, { headers })
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })
})
