import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects } from './dialects.ts'
import { startService, type Service } from './service.ts'

describeDialects((dialect) => {
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect, { workers: 2, gateways: 2 })
  })
  afterAll(() => service.stop())

  test('each worker answers from the one database', async () => {
    const account = { username: 'ada', email: 'ada@example.com', password: 'correct horse battery' }
    const registered = await service.fetch('/v1/auth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(account),
    })
    expect(registered.status).toBe(201)
    const again = await service.fetch(
      '/v1/auth/login',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: account.username, password: account.password }),
      },
      1,
    )
    expect(again.status).toBe(200)
    expect(service.urls[0]).not.toBe(service.urls[1])
  })

  test('the workers take turns at the gateways', async () => {
    const statuses = await Promise.all(service.gatewayUrls.map(async (url) => fetch(`${url}/status`)))
    expect(await Promise.all(statuses.map(async (answer) => answer.json()))).toMatchObject([{ dialect }, { dialect }])
  })

  test('an unmigrated database is one that the service says nothing from', async () => {
    const unready = await startService(dialect, { migrate: false })
    const answer = await unready.fetch('/readyz')
    await unready.stop()
    expect(answer.status).toBe(503)
  })
})
