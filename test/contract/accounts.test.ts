import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, itemsOf, nextCursorOf, tripsOf } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, keyOf, logIn, someNetwork, workflowOf, type Member } from './members.ts'

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const refresh = (refreshToken: string, headers = {}) =>
    call(service, 'POST', '/v1/auth/refresh', { body: { refreshToken }, headers })
  const me = (token: string) => call(service, 'GET', '/v1/auth/me', { token })
  const sessionsOf = async ({ accessToken }: { accessToken: string }, query = '') =>
    call(service, 'GET', `/v1/auth/sessions${query}`, { token: accessToken })

  function pairOf(body: Readonly<Record<string, unknown>>) {
    return { accessToken: String(body['accessToken']), refreshToken: String(body['refreshToken']) }
  }

  describe('refresh', () => {
    test('gives a new pair, each token once', async () => {
      const ada = await join(service)
      const answer = await refresh(ada.refreshToken)
      const body = bodyOf(answer, 200)
      expect(body).toMatchObject({ expiresIn: 900, user: { id: ada.id, username: ada.username, email: ada.email } })
      const next = pairOf(body)
      expect(next.refreshToken).not.toBe(ada.refreshToken)
      expect((await me(next.accessToken)).status).toBe(200)
      expect((await me(ada.accessToken)).status).toBe(200)
      expect(tripsOf(answer)).toBe(documentedTrips['refresh the tokens'][dialect])
      expect((await refresh(next.refreshToken)).status).toBe(200)
    })

    test('a token used again is token_reused and ends its family, and no other', async () => {
      const ada = await join(service)
      const other = pairOf(bodyOf(await logIn(service, ada, ada.password), 200))
      const next = pairOf(bodyOf(await refresh(ada.refreshToken), 200))
      expectRefusal(await refresh(ada.refreshToken), 401, 'token_reused')
      expectRefusal(await refresh(next.refreshToken), 401, 'token_reused')
      expectRefusal(await refresh(ada.refreshToken), 401, 'token_reused')
      expect((await refresh(other.refreshToken)).status).toBe(200)
      expect(itemsOf((await sessionsOf(other)).json)).toHaveLength(1)
    })

    test('of many at once with one token at most one gets a pair, and the family has ended', async () => {
      const ada = await join(service)
      const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(ada.refreshToken)))
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(1)
      for (const answer of answers.filter(({ status }) => status !== 200)) expectRefusal(answer, 401, 'token_reused')
      const [winner] = won
      if (winner === undefined) throw new Error('one must win')
      expectRefusal(await refresh(pairOf(bodyOf(winner, 200)).refreshToken), 401, 'token_reused')
    })

    test('an unknown token, an access token and an ended one are 401, an expired one token_expired', async () => {
      const ada = await join(service)
      expectRefusal(await refresh('nobody gave this'), 401, 'unauthenticated')
      expectRefusal(await refresh(ada.accessToken), 401, 'unauthenticated')
      const past = dialect === 'sqlite' ? '1' : "'2020-01-01 00:00:00'"
      await service.database.query(`update sessions set expires_at = ${past} where user_id = '${ada.id}'`)
      expectRefusal(await refresh(ada.refreshToken), 401, 'token_expired')
    })

    test('a disabled user is account_disabled, and the token still there afterwards', async () => {
      const ada = await join(service)
      await service.database.query(`update users set disabled_at = created_at where id = '${ada.id}'`)
      expectRefusal(await refresh(ada.refreshToken), 403, 'account_disabled')
      await service.database.query(`update users set disabled_at = null where id = '${ada.id}'`)
      expect((await refresh(ada.refreshToken)).status).toBe(200)
    })

    test('a bad Authorization header is ignored; the token must be there', async () => {
      const ada = await join(service)
      expect((await refresh(ada.refreshToken, { Authorization: 'Bearer e30.e30.e30' })).status).toBe(200)
      expectRefusal(await call(service, 'POST', '/v1/auth/refresh', { body: {} }), 422, 'validation_failed')
    })

    test('a refresh token lives 30 days from each use', async () => {
      const ada = await join(service)
      const before = Date.now()
      await refresh(ada.refreshToken)
      const [row] = await service.database.query(
        `select expires_at as expires from sessions where user_id = '${ada.id}' and replaced_at is null`,
      )
      const expires = momentOf(row?.['expires'])
      expect(Math.abs(expires - before - 30 * 86_400_000)).toBeLessThan(86_400_000)
    })
  })

  function momentOf(value: unknown): number {
    if (value instanceof Date) return value.getTime()
    return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Date.parse(`${String(value)}Z`)
  }

  describe('logout', () => {
    const logout = (refreshToken: string) => call(service, 'POST', '/v1/auth/logout', { body: { refreshToken } })

    test('ends the family, by a used token too; whatever is well-formed is 204', async () => {
      const ada = await join(service)
      const other = pairOf(bodyOf(await logIn(service, ada, ada.password), 200))
      const next = pairOf(bodyOf(await refresh(ada.refreshToken), 200))
      const answer = await logout(ada.refreshToken)
      expect(answer.status).toBe(204)
      expect(tripsOf(answer)).toBe(documentedTrips['log out'][dialect])
      expectRefusal(await refresh(next.refreshToken), 401, 'unauthenticated')
      expect((await logout(ada.refreshToken)).status).toBe(204)
      expect((await logout('nobody gave this')).status).toBe(204)
      expect(itemsOf((await sessionsOf(other)).json)).toMatchObject([{ current: true }])
    })

    test('what is not well-formed is 422', async () => {
      for (const body of [{}, { refreshToken: 1 }, { refreshToken: '' }, { refreshToken: 'x', more: 1 }]) {
        expectRefusal(await call(service, 'POST', '/v1/auth/logout', { body }), 422, 'validation_failed')
      }
    })
  })

  describe('sessions', () => {
    test('are the own families, newest first, and say which is current', async () => {
      const ada = await join(service)
      const second = bodyOf(
        await call(service, 'POST', '/v1/auth/login', {
          body: { username: ada.username, password: ada.password },
          headers: { 'User-Agent': 'a second browser' },
        }),
        200,
      )
      const { accessToken } = pairOf(second)
      const answer = await sessionsOf({ accessToken })
      const items = itemsOf(answer.json)
      expect(tripsOf(answer)).toBe(1)
      expect(items.map((item) => Object.keys(item))).toEqual(
        [1, 2].map(() => ['id', 'createdAt', 'lastUsedAt', 'userAgent', 'current']),
      )
      expect(items).toMatchObject([{ userAgent: 'a second browser', current: true }, { current: false }])
      expect(answer.text).not.toContain(ada.refreshToken)
      const firstPage = await sessionsOf({ accessToken }, '?limit=1')
      expect(itemsOf(firstPage.json)).toEqual(items.slice(0, 1))
      const cursor = nextCursorOf(firstPage.json) ?? ''
      const secondPage = await sessionsOf({ accessToken }, `?limit=1&cursor=${cursor}`)
      expect(itemsOf(secondPage.json)).toEqual(items.slice(1))
      expect(nextCursorOf(secondPage.json)).toBeUndefined()
      const eve = await join(service)
      expectRefusal(await sessionsOf(eve, `?cursor=${cursor}`), 422, 'invalid_cursor')
    })

    test('a refresh keeps the session and moves its lastUsedAt', async () => {
      const ada = await join(service)
      const [before] = itemsOf((await sessionsOf(ada)).json)
      await refresh(ada.refreshToken)
      const [after, ...more] = itemsOf((await sessionsOf(ada)).json)
      expect(more).toEqual([])
      expect(after).toMatchObject({ id: before?.['id'], createdAt: before?.['createdAt'], current: true })
      expect(String(after?.['lastUsedAt']) > String(before?.['lastUsedAt'])).toBe(true)
    })

    test('one can be ended by its user, and by nobody else', async () => {
      const [ada, eve] = [await join(service), await join(service)]
      const [{ id } = {}] = itemsOf((await sessionsOf(ada)).json)
      const path = `/v1/auth/sessions/${String(id)}`
      expectRefusal(await call(service, 'DELETE', path, { token: eve.accessToken }), 404, 'not_found')
      expectRefusal(await call(service, 'DELETE', `${path}?x=1`, { token: eve.accessToken }), 404, 'not_found')
      expectRefusal(await call(service, 'DELETE', `${path}?x=1`, { token: ada.accessToken }), 422, 'validation_failed')
      expectRefusal(await call(service, 'DELETE', path), 401, 'unauthenticated')
      expect((await call(service, 'DELETE', path, { token: ada.accessToken })).status).toBe(204)
      expectRefusal(await refresh(ada.refreshToken), 401, 'unauthenticated')
      expectRefusal(await call(service, 'DELETE', path, { token: ada.accessToken }), 401, 'unauthenticated')
      expect((await refresh(eve.refreshToken)).status).toBe(200)
    })
  })

  describe('the password', () => {
    const change = ({ accessToken, network }: Member, body: object, token = accessToken) =>
      call(service, 'POST', '/v1/auth/password', { token, body, network })

    test('a change ends every session and access token from before, and none from after', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read'])
      const answer = await change(ada, { currentPassword: ada.password, newPassword: 'another horse' })
      expect(answer.status).toBe(204)
      expect(tripsOf(answer)).toBe(documentedTrips['change the password'][dialect])
      expectRefusal(await me(ada.accessToken), 401, 'unauthenticated')
      expectRefusal(await refresh(ada.refreshToken), 401, 'unauthenticated')
      expect((await me(key)).status).toBe(200)
      const fresh = pairOf(bodyOf(await logIn(service, ada, 'another horse'), 200))
      expect((await me(fresh.accessToken)).status).toBe(200)
      expectRefusal(await logIn(service, ada, ada.password), 401, 'invalid_credentials')
    })

    test('it ends API keys where asked', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read'])
      const body = { currentPassword: ada.password, newPassword: 'another horse', endApiKeys: true }
      expect((await change(ada, body)).status).toBe(204)
      expectRefusal(await me(key), 401, 'unauthenticated')
    })

    test('a wrong current password changes nothing and counts as a failed log-in', async () => {
      const ada = await join(service)
      for (let failure = 0; failure < 5; failure += 1) {
        const answer = await change(ada, { currentPassword: 'wrong', newPassword: 'another horse' })
        expectRefusal(answer, 401, 'invalid_credentials')
      }
      const limited = await change(ada, { currentPassword: ada.password, newPassword: 'another horse' })
      expectRefusal(limited, 429, 'rate_limited')
      expect(limited.headers.get('Retry-After')).toMatch(/^\d+$/)
      expectRefusal(await logIn(service, ada, ada.password), 429, 'rate_limited')
      expect((await logIn(service, { ...ada, network: someNetwork() }, ada.password)).status).toBe(200)
      expect((await me(ada.accessToken)).status).toBe(200)
    })

    test('a bad new password is 422 and is not shown; a key is scope_missing; nobody is 401', async () => {
      const ada = await join(service)
      const short = await change(ada, { currentPassword: ada.password, newPassword: 'sesame1' })
      expectRefusal(short, 422, 'validation_failed')
      expect(short.text).not.toContain('sesame1')
      const key = await keyOf(service, ada, ['read', 'write', 'worker', 'secrets'])
      const body = { currentPassword: ada.password, newPassword: 'another horse' }
      expectRefusal(await change(ada, body, key), 403, 'scope_missing')
      expectRefusal(await call(service, 'POST', '/v1/auth/password', { body }), 401, 'unauthenticated')
      expect((await logIn(service, ada, ada.password)).status).toBe(200)
    })

    test('of two changes at once one is made', async () => {
      const ada = await join(service)
      const answers = await Promise.all(
        ['one horse', 'two horses'].map((newPassword) => change(ada, { currentPassword: ada.password, newPassword })),
      )
      expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['204', '401'])
    })
  })

  describe('leaving', () => {
    const leave = ({ accessToken, network }: Member, password: string, token = accessToken) =>
      call(service, 'DELETE', '/v1/auth/me', { token, body: { password }, network })

    test('takes the account and all that is its own, and its name off what it made', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      const key = await keyOf(service, ada, ['read'])
      const workflow = await workflowOf(service, bea)
      const share = { username: ada.username, permission: 'edit' }
      await call(service, 'POST', `/v1/workflows/${workflow}/shares`, { token: bea.accessToken, body: share })
      const edit = { definition: { edited: true } }
      const headers = { 'If-Match': '*' }
      await call(service, 'PATCH', `/v1/workflows/${workflow}`, { token: ada.accessToken, body: edit, headers })
      expect((await leave(ada, ada.password)).status).toBe(204)
      expectRefusal(await me(ada.accessToken), 401, 'unauthenticated')
      expectRefusal(await me(key), 401, 'unauthenticated')
      expectRefusal(await refresh(ada.refreshToken), 401, 'unauthenticated')
      expectRefusal(await logIn(service, ada, ada.password), 401, 'invalid_credentials')
      const versions = await call(service, 'GET', `/v1/workflows/${workflow}/versions`, { token: bea.accessToken })
      expect(itemsOf(versions.json).map(({ createdBy }) => createdBy)).toEqual([null, bea.id])
      const shares = await call(service, 'GET', `/v1/workflows/${workflow}/shares`, { token: bea.accessToken })
      expect(itemsOf(shares.json)).toEqual([])
    })

    test('is 409 account_in_use while it owns workflows, 401 with a wrong password, and changes nothing then', async () => {
      const ada = await join(service)
      const workflow = await workflowOf(service, ada)
      expectRefusal(await leave(ada, 'wrong'), 401, 'invalid_credentials')
      expectRefusal(await leave(ada, ada.password), 409, 'account_in_use')
      expect((await refresh(ada.refreshToken)).status).toBe(200)
      const headers = { 'If-Match': '*' }
      await call(service, 'DELETE', `/v1/workflows/${workflow}`, { token: ada.accessToken, headers })
      expect((await leave(ada, ada.password)).status).toBe(204)
    })

    test('wrong passwords count as failed log-ins; keys may not', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read', 'write'])
      expectRefusal(await leave(ada, ada.password, key), 403, 'scope_missing')
      for (let failure = 0; failure < 5; failure += 1) {
        expectRefusal(await leave(ada, 'wrong'), 401, 'invalid_credentials')
      }
      expectRefusal(await leave(ada, ada.password), 429, 'rate_limited')
      expectRefusal(await logIn(service, ada, ada.password), 429, 'rate_limited')
      expect(asRecord((await me(ada.accessToken)).json)['id']).toBe(ada.id)
    })

    test('takes its round trips', async () => {
      const ada = await join(service)
      expect(tripsOf(await leave(ada, ada.password))).toBe(documentedTrips['delete the account'][dialect])
    })
  })

  describe('guessing', () => {
    test('a name, in any case, and an email count as one, and a success clears the count of its network', async () => {
      const ada = await join(service)
      const network = someNetwork()
      const typed = [ada.username, ada.email, ada.username.toUpperCase(), ada.email.toUpperCase()]
      for (const username of typed) {
        expectRefusal(await logIn(service, { ...ada, username, network }, 'wrong'), 401, 'invalid_credentials')
      }
      expect((await logIn(service, { ...ada, username: ada.email, network }, ada.password)).status).toBe(200)
      for (const username of [...typed, ada.email]) {
        expectRefusal(await logIn(service, { ...ada, username, network }, 'wrong'), 401, 'invalid_credentials')
      }
      expectRefusal(await logIn(service, { ...ada, network }, ada.password), 429, 'rate_limited')
      expectRefusal(await logIn(service, { ...ada, username: ada.email, network }, ada.password), 429, 'rate_limited')
    })

    test('of fifty at once five are answered, and then not even the right one gets in', async () => {
      const ada = await join(service)
      const network = someNetwork()
      const guesses = Array.from({ length: 50 }, (_none, position) => `guess ${position}`)
      const answers = await Promise.all(guesses.map((guess) => logIn(service, { ...ada, network }, guess)))
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(45)
      expectRefusal(await logIn(service, { ...ada, network }, ada.password), 429, 'rate_limited')
    })
  })
})
