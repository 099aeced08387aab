import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, nextCursorOf, readAnswer } from './answers.ts'
import { useWorld } from './scenarios.ts'
import { signedToken } from './tokens.ts'
import { password } from './world.ts'

const nextKey = `next:${'A'.repeat(43)}`

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)
  /** On the same database, after its settings were changed. */
  let changed: Service

  beforeAll(async () => {
    const { database, vars } = suite.world.service
    changed = await startService(database, {
      vars: {
        AUTH_KEYS: `${nextKey},${vars['AUTH_KEYS'] ?? ''}`,
        REGISTRATION: 'closed',
        MAX_BODY_BYTES: '2000',
        TRUSTED_PROXIES: '192.0.2.0/24',
      },
    })
  })
  afterAll(() => changed.stop())

  const post = (path: string, body: string) =>
    changed.fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })

  test('a rotation of AUTH_KEYS signs nobody out, and the first key signs from then on', async () => {
    const headers = { Authorization: `Bearer ${suite.world.users.owner.token}` }
    expect((await changed.fetch('/v1/auth/me', { headers })).status).toBe(200)
    const answer = await readAnswer(await post('/v1/auth/login', `{"username":"owner","password":"${password}"}`))
    const token = String(asRecord(answer.json)['accessToken'])
    expect(decodeProtectedHeader(token).kid).toBe('next')
    const before = await suite.world.service.fetch('/v1/auth/me', { headers: { Authorization: `Bearer ${token}` } })
    expect(before.status).toBe(401)
  })

  test('a cursor outlives it', async () => {
    await suite.world.workflow()
    await suite.world.workflow()
    const page = await readAnswer(await suite.world.send('owner', 'GET', '/v1/workflows?limit=1'))
    const path = `/v1/workflows?cursor=${nextCursorOf(page.json) ?? ''}`
    const headers = { Authorization: `Bearer ${suite.world.users.owner.token}` }
    expect((await changed.fetch(path, { headers })).status).toBe(200)
  })

  test('with REGISTRATION=closed nobody registers, whatever is sent', async () => {
    for (const body of ['{"username":"late","email":"late@example.com","password":"correct horse"}', '{}']) {
      const answer = await readAnswer(await post('/v1/auth/register', body))
      expect([answer.status, asRecord(answer.json)['code']]).toEqual([403, 'registration_closed'])
    }
  })

  test('behind TRUSTED_PROXIES the caller is the rightmost address of X-Forwarded-For that is none of them', async () => {
    const logIn = async (proxy: string, forwarded: string) => {
      const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': proxy, 'X-Forwarded-For': forwarded }
      const body = '{"username":"viewer","password":"wrong horse"}'
      const answer = await changed.fetch('/v1/auth/login', { method: 'POST', headers, body })
      await answer.body?.cancel()
      return answer.status
    }
    for (let failure = 0; failure < 5; failure += 1) {
      expect(await logIn(`192.0.2.${failure}`, '203.0.113.9, 198.51.100.1, 192.0.2.77')).toBe(401)
    }
    expect(await logIn('192.0.2.9', '198.51.100.1')).toBe(429)
    expect(await logIn('192.0.2.9', '198.51.100.1, 198.51.100.2')).toBe(401)
    // Whoever is no proxy says of others what he likes.
    expect(await logIn('198.51.100.3', '198.51.100.1')).toBe(401)
  })

  test('MAX_BODY_BYTES is the limit', async () => {
    const login = `{"username":"owner","password":"${password}"}`
    expect((await post('/v1/auth/login', login.padEnd(2000))).status).toBe(200)
    expect((await post('/v1/auth/login', login.padEnd(2001))).status).toBe(413)
  })

  test('without CORS_ORIGINS no origin is allowed', async () => {
    const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' }
    const answer = await changed.fetch('/v1/workflows', { method: 'OPTIONS', headers })
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  test('a token counts for 15 minutes and 30 seconds of skew', async () => {
    const { service, users } = suite.world
    const { id, token } = users.editor
    const sessionId = String(decodeJwt(token)['sid'])
    const me = async (ageSeconds: number) => {
      const at = new Date(Date.now() - ageSeconds * 1000)
      await service.database.query(
        `update users set tokens_valid_from = ${longAgo[dialect]} where id = '${users.editor.id}'`,
      )
      const headers = { Authorization: `Bearer ${await signedToken(service, { userId: id, sessionId, at })}` }
      return readAnswer(await service.fetch('/v1/auth/me', { headers }))
    }
    expect((await me(15 * 60 + 20)).status).toBe(200)
    const late = await me(15 * 60 + 35)
    expect([late.status, asRecord(late.json)['code']]).toEqual([401, 'token_expired'])
    expect((await me(-20)).status).toBe(200)
    expect((await me(-40)).status).toBe(401)
  })
})

const longAgo = {
  sqlite: '0',
  postgres: `now() - interval '1 day'`,
  mysql: 'date_sub(utc_timestamp(3), interval 1 day)',
} as const
