import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, tripsOf } from './answers.ts'
import { dataOf, MailReceiver } from './mail-receiver.ts'
import { bodyOf, call, expectRefusal, join, keyOf, logIn, someNetwork } from './members.ts'

describeDialectsByTest((dialect) => {
  const receiver = new MailReceiver()
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect, { vars: await receiver.start() })
  })
  afterAll(async () => {
    await service.stop()
    receiver.stop()
  })
  beforeEach(() => {
    receiver.behaviour = 'takes'
    receiver.received.length = 0
  })

  const recover = (email: string, network = someNetwork()) =>
    call(service, 'POST', '/v1/auth/recover', { body: { email }, network })
  const reset = (token: string, newPassword = 'another horse', network = someNetwork()) =>
    call(service, 'POST', '/v1/auth/reset', { body: { token, newPassword }, network })

  async function tokenOf(email: string): Promise<string> {
    receiver.received.length = 0
    expect((await recover(email)).status).toBe(202)
    return String(dataOf(await receiver.next())['token'])
  }

  describe('asking for a new password', () => {
    test('hands a token to the webhook, signed as Standard Webhooks say', async () => {
      const ada = await join(service)
      const answer = await recover(ada.email.toUpperCase())
      expect([answer.status, answer.text]).toEqual([202, ''])
      const { headers, body } = await receiver.next()
      const { type, timestamp, data, ...more } = asRecord(JSON.parse(body))
      expect([type, more]).toEqual(['password.recover', {}])
      expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(data).toEqual({ email: ada.email, username: ada.username, token: expect.stringMatching(/^[\w-]{43}$/) })
      expect(headers['content-type']).toBe('application/json')
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
      const signature = createHmac('sha256', receiver.secret).update(signed).digest('base64')
      expect(headers['webhook-signature']).toBe(`v1,${signature}`)
      expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
    })

    test('stores of the token its digest alone', async () => {
      const ada = await join(service)
      const token = await tokenOf(ada.email)
      const rows = await service.database.query(`select * from password_resets where user_id = '${ada.id}'`)
      expect(rows).toHaveLength(1)
      expect(Object.values(rows[0] ?? {})).not.toContain(token)
      expect(service.logs().join('\n')).not.toContain(token)
    })

    test('answers alike, at the same cost, whether or not somebody has the address; and then sends nothing', async () => {
      const ada = await join(service)
      const [known, unknown] = [await recover(ada.email), await recover('nobody@example.com')]
      await receiver.next()
      expect(unknown.status).toBe(202)
      expect(unknown.text).toBe(known.text)
      expect([...unknown.headers.keys()].toSorted()).toEqual([...known.headers.keys()].toSorted())
      expect([tripsOf(known), tripsOf(unknown)]).toEqual(dialect === 'mysql' ? [5, 5] : [1, 1])
      expect(receiver.received).toHaveLength(1)
    })

    test('of a disabled user sends nothing', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      await service.database.query(`update users set disabled_at = created_at where id = '${ada.id}'`)
      expect((await recover(ada.email)).status).toBe(202)
      await tokenOf(bea.email)
      expect(receiver.received.map(dataOf)).toMatchObject([{ email: bea.email }])
    })

    test('is limited like log-in, known and unknown addresses alike', async () => {
      const ada = await join(service)
      for (const email of [ada.email, 'phantom@example.com']) {
        const network = someNetwork()
        for (let asked = 0; asked < 5; asked += 1) expect((await recover(email, network)).status).toBe(202)
        const limited = await recover(email, network)
        expectRefusal(limited, 429, 'rate_limited')
        expect(asRecord(limited.json)['detail']).toContain(
          '`login_name_network` is reached: 5 requests for a new password',
        )
        expect((await recover(email, someNetwork())).status).toBe(202)
      }
      const rows = await service.database.query(`select id from password_resets where user_id = '${ada.id}'`)
      expect(rows).toHaveLength(6)
      expect((await logIn(service, ada, ada.password)).status).toBe(200)
    })

    // No database has a part in it: one shows it.
    const failures =
      dialect === 'sqlite'
        ? ([
            ['fails', 'answered 500'],
            ['hangs', 'did not answer within'],
          ] as const)
        : []
    test.each(failures)(
      'a webhook that %s changes nothing of the answer, and is in the log',
      async (behaviour, words) => {
        const ada = await join(service)
        receiver.behaviour = behaviour
        const began = performance.now()
        const answer = await recover(ada.email)
        expect(answer.status).toBe(202)
        expect(performance.now() - began).toBeLessThan(4000)
        const failure = () =>
          service.logs().find((line) => line.includes('mail_webhook_failed') && line.includes(words))
        const line = await vi.waitUntil(failure, { timeout: 40_000, interval: 200 })
        expect(line).toContain(answer.headers.get('X-Request-Id'))
        expect(line).not.toContain(ada.email)
        for (const received of receiver.received) expect(line).not.toContain(String(dataOf(received)['token']))
      },
    )

    test('without a body of the kind it is 422', async () => {
      for (const body of [{}, { email: 1 }, { email: '' }, { email: 'a@b', more: 1 }]) {
        expectRefusal(await call(service, 'POST', '/v1/auth/recover', { body }), 422, 'validation_failed')
      }
    })
  })

  describe('a token', () => {
    test('sets a new password once; every session ends, and no key', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read'])
      const token = await tokenOf(ada.email)
      const answer = await reset(token)
      expect(answer.status).toBe(204)
      const me = (by: string) => call(service, 'GET', '/v1/auth/me', { token: by })
      expectRefusal(await me(ada.accessToken), 401, 'unauthenticated')
      expectRefusal(
        await call(service, 'POST', '/v1/auth/refresh', { body: { refreshToken: ada.refreshToken } }),
        401,
        'unauthenticated',
      )
      expect((await me(key)).status).toBe(200)
      expectRefusal(await logIn(service, ada, ada.password), 401, 'invalid_credentials')
      bodyOf(await logIn(service, ada, 'another horse'), 200)
      expectRefusal(await reset(token, 'a third horse'), 401, 'invalid_credentials')
      bodyOf(await logIn(service, ada, 'another horse'), 200)
      const events = await service.database.query(
        `select type, owner_id as owner from audit where subject_id = '${ada.id}' and type = 'user.password_changed'`,
      )
      expect(events).toEqual([{ type: 'user.password_changed', owner: ada.id }])
    })

    test('of several of one user the first that is used ends the others', async () => {
      const ada = await join(service)
      const [first, second] = [await tokenOf(ada.email), await tokenOf(ada.email)]
      expect((await reset(second)).status).toBe(204)
      expectRefusal(await reset(first), 401, 'invalid_credentials')
    })

    test('of one used many times at once one sets the password', async () => {
      const ada = await join(service)
      const token = await tokenOf(ada.email)
      const passwords = Array.from({ length: 6 }, (_none, index) => `another horse ${index}`)
      const answers = await Promise.all(passwords.map((newPassword) => reset(token, newPassword)))
      const won = answers.findIndex(({ status }) => status === 204)
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
      bodyOf(await logIn(service, ada, passwords[won] ?? ''), 200)
    })

    test('that is none, old, or of a user who is disabled is 401, and changes nothing', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      expectRefusal(await reset('nobody-gave-this'), 401, 'invalid_credentials')
      const old = await tokenOf(ada.email)
      const past = dialect === 'sqlite' ? '1' : "'2020-01-01 00:00:00'"
      await service.database.query(`update password_resets set expires_at = ${past} where user_id = '${ada.id}'`)
      expectRefusal(await reset(old), 401, 'invalid_credentials')
      const late = await tokenOf(bea.email)
      await service.database.query(`update users set disabled_at = created_at where id = '${bea.id}'`)
      expectRefusal(await reset(late), 401, 'invalid_credentials')
      bodyOf(await logIn(service, ada, ada.password), 200)
    })

    test('lives for 30 minutes', async () => {
      const ada = await join(service)
      await tokenOf(ada.email)
      const [row] = await service.database.query(
        `select created_at as created, expires_at as expires from password_resets where user_id = '${ada.id}'`,
      )
      const momentOf = (value: unknown) => (value instanceof Date ? value.getTime() : Number(value))
      expect(momentOf(row?.['expires']) - momentOf(row?.['created'])).toBe(30 * 60 * 1000)
    })

    test('ends with a change of the password, and with the account', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      const [ofAda, ofBea] = [await tokenOf(ada.email), await tokenOf(bea.email)]
      const change = { currentPassword: ada.password, newPassword: 'another horse' }
      const changed = await call(service, 'POST', '/v1/auth/password', { token: ada.accessToken, body: change })
      expect(changed.status).toBe(204)
      expectRefusal(await reset(ofAda, 'a third horse'), 401, 'invalid_credentials')
      const body = { password: bea.password }
      expect((await call(service, 'DELETE', '/v1/auth/me', { token: bea.accessToken, body })).status).toBe(204)
      expectRefusal(await reset(ofBea), 401, 'invalid_credentials')
    })

    test('with too short a password is 422, and works afterwards', async () => {
      const ada = await join(service)
      const token = await tokenOf(ada.email)
      expectRefusal(await reset(token, 'short'), 422, 'validation_failed')
      expect((await reset(token)).status).toBe(204)
    })

    test('opens an account that too many wrong passwords have closed to its network', async () => {
      const ada = await join(service)
      for (let failure = 0; failure < 5; failure += 1) await logIn(service, ada, 'wrong horse')
      expectRefusal(await logIn(service, ada, ada.password), 429, 'rate_limited')
      const token = await tokenOf(ada.email)
      expect((await reset(token, 'another horse', ada.network)).status).toBe(204)
      bodyOf(await logIn(service, ada, 'another horse'), 200)
    })
  })

  test('without MAIL_WEBHOOK_URL there is neither', async () => {
    const plain = await startService(service.database, { vars: { MAIL_WEBHOOK_URL: '' } })
    try {
      for (const [path, body] of [
        ['/v1/auth/recover', { email: 'ada@example.com' }],
        ['/v1/auth/reset', { token: 'x', newPassword: 'another horse' }],
        ['/v1/auth/reset', {}],
      ] as const) {
        expectRefusal(await call(plain, 'POST', path, { body }), 404, 'not_found')
      }
    } finally {
      await plain.stop()
    }
  })
})
