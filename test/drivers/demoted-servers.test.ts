import { connectHttp } from '@millrace/drivers/open'
import { connectNative, isNative, type NativeTarget } from '@millrace/drivers/native/open'
import type { Connection } from '@millrace/db/sql/transport'
import { startGateway } from '@millrace/gateway'
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
/** Without a server that is demoted: its error. */
const refusal: Readonly<Record<ServerDialect, string>> = {
  postgres: `do $$ begin raise exception sqlstate '25006'; end $$`,
  mysql: `signal sqlstate 'HY000' set mysql_errno = 1290`,
}
const session: Readonly<Record<ServerDialect, string>> = {
  postgres: 'select pg_backend_pid()',
  mysql: 'select connection_id()',
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

  test('the gateway uses no session from before either', async () => {
    const one = { ...target, options: { ...target.options, poolSize: 1, maxOverflow: 0 } }
    const gateway = await startGateway({ target: one })
    onTestFinished(() => gateway.close())
    const http = await connectHttp({ target: one, gatewayUrl: gateway.url, timeoutSeconds: 20 })
    onTestFinished(() => http.close())
    const run = (text: string) => http.transport().run({ text, parameters: [] })
    const { rows: before } = await run(session[dialect])
    expect((await run(session[dialect])).rows).toEqual(before)
    expect(await failureOf(run(refusal[dialect]))).toMatchObject({ trouble: 'read_only' })
    expect((await run(session[dialect])).rows).not.toEqual(before)
  })
})
