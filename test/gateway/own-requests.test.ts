import { openDatabase } from '@millrace/drivers/open'
import { plain } from '@millrace/db/dialects/plain'
import { expect, test } from 'vitest'
import { describeDialects, testWhere } from '../dialects.ts'
import { startTestGateway, until } from './start.ts'

const slow = {
  sqlite: 'select 1',
  postgres: 'select pg_sleep(20)',
  mysql: 'select sleep(20)',
}

describeDialects((dialect) => {
  test('drivers of the same process get the answers that HTTP gives, errors too', async () => {
    const { gateway, target } = await startTestGateway(dialect)
    const overHttp = (await openDatabase({ target, gatewayUrl: gateway.url })).transport()
    const within = (await openDatabase({ target, gatewayUrl: gateway.url, fetch: gateway.fetch })).transport()
    for (const text of ["select 'ü 😀' as a, 1.5 as b, null as c", 'create table t (a int primary key)']) {
      const statement = plain(text)
      const [own, other] = [await within.run(statement), await overHttp.run(plain(text.replace(' t ', ' u ')))]
      expect(own).toEqual(other)
    }
    const insert = plain('insert into t values (1)')
    expect(await within.transact([insert], [plain('select a from t')])).toHaveLength(2)
    await expect(within.run(insert)).rejects.toMatchObject({ fault: 'unique_violation' })
    const wrong = plain('select a from nowhere')
    const message = await overHttp.run(wrong).then(String, (error: Error) => error.message)
    await expect(within.run(wrong)).rejects.toMatchObject({ message })
  })

  test('what is too large is refused, and a path that is none', async () => {
    const { gateway } = await startTestGateway(dialect, { limits: { bodyBytes: 1000 } })
    const path = { sqlite: '/v2/pipeline', postgres: '/sql', mysql: '/psdb.v1alpha1.Database/Execute' }[dialect]
    const large = await gateway.fetch(`${gateway.url}${path}`, { method: 'POST', body: 'x'.repeat(1001) })
    expect([large.ok, large.status]).toEqual([false, 413])
    expect((await gateway.fetch(`${gateway.url}/nothing`, { method: 'POST', body: '{}' })).status).toBe(404)
    expect((await gateway.fetch(`${gateway.url}${path}`)).status).toBe(404)
  })

  // SQLite's own work can't be broken off within one process.
  testWhere(dialect !== 'sqlite', 'a statement that takes too long is given up, and its connection free', async () => {
    const { gateway, target } = await startTestGateway(dialect)
    const settings = { target, gatewayUrl: gateway.url, fetch: gateway.fetch, timeoutSeconds: 0.3 }
    const startedAt = performance.now()
    await expect((await openDatabase(settings)).transport().run(plain(slow[dialect]))).rejects.toMatchObject({
      fault: 'database_timeout',
    })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await until(() => gateway.status().checkedOut === 0)
  })

  test('a statement may have more time than its database', async () => {
    const { gateway, target } = await startTestGateway(dialect)
    const settings = { target, gatewayUrl: gateway.url, fetch: gateway.fetch, timeoutSeconds: 0.001 }
    const database = await openDatabase(settings)
    const { rows } = await database
      .transport()
      .run({ ...plain(slow[dialect].replace('20', '0.2')), timeoutSeconds: 30 })
    expect(rows).toHaveLength(1)
  })
})
