import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, tripsOf, type Answer } from './answers.ts'
import { call, expectRefusal, join, logIn, someNetwork } from './members.ts'

/** All that an answer tells, but for what is another one each time. */
function told(answer: Answer): object {
  const headers = Object.fromEntries(answer.headers.entries())
  const { 'x-request-id': _id, 'server-timing': _timing, date: _date, ...rest } = headers
  const { requestId: _requestId, detail, ...body } = asRecord(answer.json)
  const withoutTimes = String(detail).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
  const waited = rest['retry-after'] === undefined ? {} : { 'retry-after': 'SECONDS' }
  return { status: answer.status, headers: { ...rest, ...waited }, body, detail: withoutTimes, trips: tripsOf(answer) }
}

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const login = (username: string, password: string, network = someNetwork()) =>
    call(service, 'POST', '/v1/auth/login', { body: { username, password }, network })

  describe('log-in refuses alike', () => {
    test('a wrong password and a name that nobody has', async () => {
      const ada = await join(service)
      const wrong = await login(ada.username, 'wrong horse')
      expectRefusal(wrong, 401, 'invalid_credentials')
      for (const name of ['nobody.has.this', 'nobody@example.com']) {
        expect(told(await login(name, ada.password))).toEqual(told(wrong))
      }
      expect(told(await login(ada.email, 'wrong horse'))).toEqual(told(wrong))
    })

    test('the right password, a wrong one and an unknown name, once the limit is reached', async () => {
      const ada = await join(service)
      const [known, unknown] = [someNetwork(), someNetwork()]
      for (let failure = 0; failure < 5; failure += 1) {
        await login(ada.username, 'wrong horse', known)
        await login('phantom', 'wrong horse', unknown)
      }
      const right = await login(ada.username, ada.password, known)
      expectRefusal(right, 429, 'rate_limited')
      expect(told(await login(ada.username, 'wrong horse', known))).toEqual(told(right))
      expect(told(await login('phantom', ada.password, unknown))).toEqual(told(right))
      expect(asRecord(told(right))['detail']).toBe(
        'The limit `login_name_network` is reached: 5 failed log-ins for one name from one network within 15 minutes. Try again after TIME.',
      )
    })
  })

  test('a change of the password refuses alike the right and a wrong one, once the limit is reached', async () => {
    const ada = await join(service)
    const change = (currentPassword: string) =>
      call(service, 'POST', '/v1/auth/password', {
        ...{ token: ada.accessToken, network: ada.network },
        body: { currentPassword, newPassword: 'another horse' },
      })
    for (let failure = 0; failure < 5; failure += 1) {
      expectRefusal(await change('wrong horse'), 401, 'invalid_credentials')
    }
    const right = await change(ada.password)
    expectRefusal(right, 429, 'rate_limited')
    expect(told(await change('wrong horse'))).toEqual(told(right))
    expect((await logIn(service, { ...ada, network: someNetwork() }, ada.password)).status).toBe(200)
  })

  test('a registration costs alike whichever name is taken', async () => {
    const ada = await join(service)
    const register = (username: string, email: string) =>
      call(service, 'POST', '/v1/auth/register', { body: { username, email, password: 'correct horse' } })
    const byName = await register(ada.username, `${crypto.randomUUID()}@example.com`)
    const byMail = await register('another.name', ada.email)
    expectRefusal(byName, 409, 'username_taken')
    expectRefusal(byMail, 409, 'email_taken')
    expect(tripsOf(byName)).toBe(tripsOf(byMail))
  })

  test('a refresh refuses alike a token that is none and one whose session has ended', async () => {
    const ada = await join(service)
    await call(service, 'POST', '/v1/auth/logout', { body: { refreshToken: ada.refreshToken } })
    const refresh = (refreshToken: string) => call(service, 'POST', '/v1/auth/refresh', { body: { refreshToken } })
    const ended = await refresh(ada.refreshToken)
    expectRefusal(ended, 401, 'unauthenticated')
    expect(told(await refresh('nobody-gave-this'))).toEqual(told(ended))
  })

  test('a reset refuses alike a token that is none and one that is old', async () => {
    const ada = await join(service)
    const past = dialect === 'sqlite' ? '1' : "'2020-01-01 00:00:00'"
    const { sha256Hex } = await import('@millrace/api/digest')
    await service.database.query(
      `insert into password_resets (id, user_id, token_sha256, created_at, expires_at)
       select id, id, '${sha256Hex('an-old-one')}', created_at, ${past} from users where id = '${ada.id}'`,
    )
    const reset = (token: string) =>
      call(service, 'POST', '/v1/auth/reset', { body: { token, newPassword: 'another horse' } })
    const old = await reset('an-old-one')
    expectRefusal(old, 401, 'invalid_credentials')
    expect(told(await reset('none-at-all'))).toEqual(told(old))
  })

  test('RATE_LIMITS sets the limits, and the 429 says the number that is set', async () => {
    const tight = await startService(service.database, {
      vars: { RATE_LIMITS: 'login_name_network=2,registrations=1' },
    })
    try {
      const network = someNetwork()
      const body = { username: 'phantom', password: 'wrong horse' }
      const attempt = () => call(tight, 'POST', '/v1/auth/login', { body, network })
      expect([(await attempt()).status, (await attempt()).status]).toEqual([401, 401])
      const limited = await attempt()
      expectRefusal(limited, 429, 'rate_limited')
      expect(limited.text).toContain('The limit `login_name_network` is reached: 2 failed log-ins')
      const register = () => {
        const username = `u${crypto.randomUUID().slice(0, 8)}`
        const account = { username, email: `${username}@example.com`, password: 'correct horse' }
        return call(tight, 'POST', '/v1/auth/register', { body: account, network })
      }
      expect([(await register()).status, (await register()).status]).toEqual([201, 429])
    } finally {
      await tight.stop()
    }
  })

  test('unknown usernames of transfers count like failed log-ins, and the right one is no longer looked up then', async () => {
    const [ada, bea] = [await join(service), await join(service)]
    const made = await call(service, 'POST', '/v1/workflows', {
      token: ada.accessToken,
      body: { name: 'mine', definition: {} },
    })
    const path = `/v1/workflows/${String(asRecord(made.json)['id'])}/transfer`
    const give = (username: string) =>
      call(service, 'POST', path, {
        ...{ token: ada.accessToken, network: ada.network, headers: { 'If-Match': '*' } },
        body: { username },
      })
    for (let unknown = 0; unknown < 5; unknown += 1) {
      expectRefusal(await give(`nobody-${unknown}`), 422, 'validation_failed')
    }
    expectRefusal(await give('nobody-5'), 429, 'rate_limited')
    const known = await give(bea.username)
    expectRefusal(known, 429, 'rate_limited')
    expect(known.text).toContain('5 unknown usernames for one name from one network')
    expect((await logIn(service, ada, ada.password)).status).toBe(200)
  })
})
