import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, type Answer } from './answers.ts'
import { bodyOf, call, expectRefusal, join, logIn, workflowOf, type Member } from './members.ts'

interface Pair {
  readonly accessToken: string
  readonly refreshToken: string
}

interface Ending {
  readonly status: number
  /** Whether the user's other sessions end too. */
  readonly endsOthers?: boolean
  readonly end: (service: Service, member: Member, pair: Pair) => Promise<Answer>
}

const sessionOf = ({ accessToken }: Pair): string => String(decodeJwt(accessToken)['sid'])

/** Each way in which a session ends. */
const endings: Readonly<Record<string, Ending>> = {
  'a log-out': {
    status: 204,
    end: (service, _member, { refreshToken }) => call(service, 'POST', '/v1/auth/logout', { body: { refreshToken } }),
  },
  'its end by the user in another session': {
    status: 204,
    end: (service, { accessToken }, pair) =>
      call(service, 'DELETE', `/v1/auth/sessions/${sessionOf(pair)}`, { token: accessToken }),
  },
  'its end by itself': {
    status: 204,
    end: (service, _member, pair) =>
      call(service, 'DELETE', `/v1/auth/sessions/${sessionOf(pair)}`, { token: pair.accessToken }),
  },
  'the reuse of a refresh token': {
    status: 401,
    async end(service, _member, { refreshToken }) {
      const refresh = () => call(service, 'POST', '/v1/auth/refresh', { body: { refreshToken } })
      bodyOf(await refresh(), 200)
      return refresh()
    },
  },
  'a new password': {
    status: 204,
    endsOthers: true,
    end: (service, { accessToken, password, network }) =>
      call(service, 'POST', '/v1/auth/password', {
        token: accessToken,
        body: { currentPassword: password, newPassword: 'another horse' },
        network,
      }),
  },
}

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const me = (token: string) => call(service, 'GET', '/v1/auth/me', { token })

  describe.each(Object.entries(endings))('%s', (_name, { status, endsOthers = false, end }) => {
    test('ends the access tokens of the session, and of no other, from the next request on', async () => {
      const ada = await join(service)
      const workflow = await workflowOf(service, ada, true)
      const pair = pairOf(await logIn(service, ada, ada.password))
      bodyOf(await me(pair.accessToken), 200)
      expect((await end(service, ada, pair)).status).toBe(status)
      const token = pair.accessToken
      expectRefusal(await me(token), 401, 'unauthenticated')
      // What anyone may read is refused to a token that does not count.
      expectRefusal(await call(service, 'GET', `/v1/workflows/${workflow}`, { token }), 401, 'unauthenticated')
      const body = { name: 'late', definition: {} }
      expectRefusal(await call(service, 'POST', '/v1/workflows', { token, body }), 401, 'unauthenticated')
      const headers = { 'If-Match': '*' }
      const path = `/v1/workflows/${workflow}`
      const late = await call(service, 'PATCH', path, { token, headers, body: { name: 'late' } })
      expectRefusal(late, 401, 'unauthenticated')
      expectRefusal(await call(service, 'DELETE', path, { token, headers }), 401, 'unauthenticated')
      const rows = await service.database.query(`select name from workflows where owner_id = '${ada.id}'`)
      expect(rows.map(({ name }) => name)).toEqual(['a workflow'])
      expect((await me(ada.accessToken)).status).toBe(endsOthers ? 401 : 200)
    })
  })

  test('a refresh ends no access token of its session', async () => {
    const ada = await join(service)
    const { refreshToken } = ada
    const next = pairOf(await call(service, 'POST', '/v1/auth/refresh', { body: { refreshToken } }))
    expect((await me(ada.accessToken)).status).toBe(200)
    expect((await me(next.accessToken)).status).toBe(200)
  })

  test('nobody makes a token count in the session of another', async () => {
    const [ada, eve] = [await join(service), await join(service)]
    await call(service, 'POST', '/v1/auth/logout', { body: { refreshToken: ada.refreshToken } })
    await service.database.query(`update sessions set family_id = '${sessionOf(ada)}' where user_id = '${eve.id}'`)
    expectRefusal(await me(ada.accessToken), 401, 'unauthenticated')
  })
})

function pairOf(answer: Answer): Pair {
  const body = asRecord(bodyOf(answer, 200))
  return { accessToken: String(body['accessToken']), refreshToken: String(body['refreshToken']) }
}
