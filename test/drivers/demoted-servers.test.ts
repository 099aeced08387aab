import { connectNative, isNative, type NativeTarget } from '@millrace/drivers/native/open'
import type { Connection } from '@millrace/db/sql/transport'
import { createDatabase } from '@millrace/db/store/database'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeServers, type ServerDialect, type TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { failureOf } from './conformance/suite.ts'

/* A server that was the primary and takes no more writes may keep its sessions, while its name leads to another. */

const demotion: Readonly<Record<ServerDialect, string>> = {
  postgres: 'set default_transaction_read_only = on',
  mysql: 'set session transaction read only',
}
const write = { text: `update users set role = 'user' where id = 'nobody'`, parameters: [] }

describeServers((dialect) => {
  let database: TestDatabase
  let target: NativeTarget
  let connection: Connection
  beforeAll(async () => {
    database = await migratedDatabase(dialect)
    const server = targetOf(database.url)
    if (server.via !== 'gateway' || !isNative(server)) throw new Error('a server is reached by its address')
    target = server
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    const opened = await connectNative(target, { timeoutSeconds: 20, log: () => undefined })
    onTestFinished(() => opened.close())
    connection = opened
    const demote = { text: demotion[dialect], parameters: [] }
    await Promise.all([1, 2, 3].map(() => connection.transport().run(demote)))
  })

  test('after one refusal no session from before is used again', async () => {
    const transport = connection.transport()
    expect(await failureOf(transport.run(write))).toMatchObject({ trouble: 'read_only', isNotApplied: true })
    for (let count = 0; count < 3; count += 1) expect(await transport.run(write)).toMatchObject({ affected: 0 })
  })

  test('the request that meets it is answered by the new primary', async () => {
    expect(await createDatabase(connection).store().tidy([write])).toEqual([0])
  })
})
