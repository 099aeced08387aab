import { decodeJwt, decodeProtectedHeader } from 'jose'
import { hashPassword } from '@millrace/api/auth/password'
import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, isUuid7, readAnswer, type Answer } from './answers.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { countRows, password, register, type World } from './world.ts'

const registering = { as: 'nobody', method: 'POST', path: '/v1/auth/register' } as const
const loggingIn = { as: 'nobody', method: 'POST', path: '/v1/auth/login' } as const

function account(username: string, more: { email?: string; password?: string } = {}): string {
  return JSON.stringify({ username, email: `${crypto.randomUUID()}@example.com`, password, ...more })
}

const registrations: readonly Scenario[] = [
  {
    name: 'a new account is logged in at once',
    ...registering,
    body: account('Grace.Hopper_1-2'),
    status: 201,
    json: { expiresIn: 900, user: { username: 'Grace.Hopper_1-2', role: 'user' } },
    hasNot: ['password', 'hash', '$2b$', password],
    afterwards(answer) {
      const { user, ...rest } = asRecord(answer.json)
      expect(Object.keys(asRecord(user))).toEqual(['id', 'username', 'email', 'role', 'createdAt'])
      expect(Object.keys(rest)).toEqual(['accessToken', 'refreshToken', 'expiresIn'])
      expect(isUuid7(asRecord(user)['id'])).toBe(true)
      expect(asRecord(user)['createdAt']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    },
  },
  {
    name: 'letters of any script, marks and digits are a name',
    ...registering,
    body: account('Ωμέγα٣é'),
    status: 201,
    json: { user: { username: 'Ωμέγα٣é' } },
  },
  {
    name: 'a name is answered as typed, in whatever normal form, and then what is the same in NFKC is taken',
    ...registering,
    body: account('ﬁre\u0301fly'),
    status: 201,
    json: { user: { username: 'ﬁre\u0301fly' } },
    async afterwards(_answer, world) {
      const again = await world.send('nobody', 'POST', '/v1/auth/register', { body: account('fir\u00e9fly') })
      const { status, json } = await readAnswer(again)
      expect([status, asRecord(json)['code']]).toEqual([409, 'username_taken'])
    },
  },
  {
    name: 'what is the same but for case is taken',
    ...registering,
    body: account('OWNER'),
    status: 409,
    code: 'username_taken',
    hasNot: ['owner@example.com'],
  },
  {
    name: 'an email is unique ignoring case too',
    ...registering,
    body: account('newcomer', { email: 'Owner@Example.com' }),
    status: 409,
    code: 'email_taken',
  },
  {
    name: 'ß is not ss: both names can be had',
    ...registering,
    body: account('strasse'),
    status: 201,
    async afterwards(_answer, world) {
      const other = await world.send('nobody', 'POST', '/v1/auth/register', { body: account('straße') })
      expect((await readAnswer(other)).status).toBe(201)
    },
  },
  {
    name: 'a name of 2 is 422',
    ...registering,
    body: account('ab'),
    status: 422,
    code: 'validation_failed',
    places: ['/username'],
  },
  { name: 'a name of 3 is enough', ...registering, body: account('abc'), status: 201 },
  {
    name: 'a name of 64 code points beyond the BMP is fine',
    ...registering,
    body: account('\u{10400}'.repeat(64)),
    status: 201,
  },
  { name: 'a name of 65 is 422', ...registering, body: account('x'.repeat(65)), status: 422, places: ['/username'] },
  {
    name: 'a name of 3 that is 2 in NFKC is 422',
    ...registering,
    body: account('ae\u0301'),
    status: 422,
    places: ['/username'],
  },
  {
    name: 'a blank in a name is 422',
    ...registering,
    body: account('ada lovelace'),
    status: 422,
    places: ['/username'],
  },
  { name: 'a blank around a name is 422', ...registering, body: account(' ada1 '), status: 422, places: ['/username'] },
  { name: '@ in a name is 422', ...registering, body: account('ada@example'), status: 422, places: ['/username'] },
  {
    name: 'a fullwidth @, which is one in NFKC, is 422',
    ...registering,
    body: account('ada\uff20example'),
    status: 422,
    places: ['/username'],
  },
  ...['\u200b', '\ufe0f', '\u034f', '\u3164', '\u115f', '\u180b', '\u{e0101}'].map((invisible) => ({
    name: `U+${(invisible.codePointAt(0) ?? 0).toString(16)}, which shows nothing, in a name is 422`,
    ...registering,
    body: account(`ow${invisible}ner`),
    status: 422,
    places: ['/username'],
  })),
  {
    name: 'an emoji in a name is 422',
    ...registering,
    body: account('ada\u{1f600}'),
    status: 422,
    places: ['/username'],
  },
  {
    name: 'an email without @ is 422',
    ...registering,
    body: account('mail1', { email: 'example.com' }),
    status: 422,
    places: ['/email'],
  },
  {
    name: 'an email with two is 422',
    ...registering,
    body: account('mail2', { email: 'a@b@c' }),
    status: 422,
    places: ['/email'],
  },
  {
    name: 'an email with nothing before it is 422',
    ...registering,
    body: account('mail3', { email: '@c' }),
    status: 422,
    places: ['/email'],
  },
  {
    name: 'an email with a line break is 422',
    ...registering,
    body: account('mail4', { email: 'a@b\nc' }),
    status: 422,
    places: ['/email'],
  },
  {
    name: 'an email of 254 is fine',
    ...registering,
    body: account('mail5', { email: `${'x'.repeat(242)}@example.com` }),
    status: 201,
  },
  {
    name: 'an email of 255 is 422',
    ...registering,
    body: account('mail6', { email: `${'x'.repeat(243)}@example.com` }),
    status: 422,
    places: ['/email'],
  },
  {
    name: 'a password of 7 code points is 422',
    ...registering,
    body: account('pass1', { password: '\u{1f600}'.repeat(7) }),
    status: 422,
    places: ['/password'],
  },
  {
    name: 'a password of 8 code points is fine',
    ...registering,
    body: account('pass2', { password: '\u{1f600}'.repeat(8) }),
    status: 201,
  },
  {
    name: 'a password of 72 bytes is fine',
    ...registering,
    body: account('pass3', { password: 'ü'.repeat(36) }),
    status: 201,
  },
  {
    name: 'a password of 73 bytes is 422, and is not shown',
    ...registering,
    body: account('pass4', { password: `${'ü'.repeat(36)}x` }),
    status: 422,
    places: ['/password'],
    hasNot: ['üü'],
  },
  {
    name: 'U+0000 in a password is 422',
    ...registering,
    body: account('pass5', { password: 'a\0bcdefgh' }),
    status: 422,
    places: ['/password'],
  },
  {
    name: 'a role can not be asked for',
    ...registering,
    body: `{"username":"root","email":"r@x","password":"${password}","role":"admin"}`,
    status: 422,
    places: ['/role'],
  },
  { name: 'all are needed', ...registering, body: '{}', status: 422, places: ['/username', '/email', '/password'] },
  { name: 'a bad token is ignored', ...registering, as: 'impostor', body: account('ignored'), status: 201 },
]

const logins: readonly Scenario[] = [
  {
    name: 'by name',
    ...loggingIn,
    body: `{"username":"owner","password":"${password}"}`,
    status: 200,
    json: { expiresIn: 900, user: { username: 'owner', email: 'owner@example.com' } },
    hasNot: ['hash', '$2b$'],
  },
  { name: 'by name in another case', ...loggingIn, body: `{"username":"OwNeR","password":"${password}"}`, status: 200 },
  {
    name: 'by email',
    ...loggingIn,
    body: `{"username":"OWNER@example.com","password":"${password}"}`,
    status: 200,
    json: { user: { username: 'owner' } },
  },
  {
    name: 'what it answers is nobody else’s to keep',
    ...loggingIn,
    body: `{"username":"owner","password":"${password}"}`,
    status: 200,
    answerHeaders: { 'Cache-Control': 'no-store' },
  },
  {
    name: 'a bad token is ignored there too',
    ...loggingIn,
    as: 'impostor',
    body: `{"username":"owner","password":"${password}"}`,
    status: 200,
  },
  {
    name: 'a wrong password is invalid_credentials',
    ...loggingIn,
    body: '{"username":"owner","password":"wrong horse"}',
    status: 401,
    code: 'invalid_credentials',
    hasNot: ['owner'],
    answerHeaders: { 'WWW-Authenticate': 'Bearer' },
  },
  {
    name: 'an unknown user too',
    ...loggingIn,
    body: `{"username":"noone","password":"${password}"}`,
    status: 401,
    code: 'invalid_credentials',
  },
  {
    name: 'a password that only begins right too',
    ...loggingIn,
    body: `{"username":"owner","password":"${password}${'x'.repeat(80)}"}`,
    status: 401,
    code: 'invalid_credentials',
  },
  {
    name: 'a disabled user hears so after the right password',
    ...loggingIn,
    body: `{"username":"disabled","password":"${password}"}`,
    status: 403,
    code: 'account_disabled',
  },
  {
    name: 'and not after a wrong one',
    ...loggingIn,
    body: '{"username":"disabled","password":"wrong horse"}',
    status: 401,
    code: 'invalid_credentials',
  },
  { name: 'both are needed', ...loggingIn, body: '{}', status: 422, places: ['/username', '/password'] },
  {
    name: 'no SQL gets in by the name',
    ...loggingIn,
    body: `{"username":"' or 1=1 --","password":"${password}"}`,
    status: 401,
    code: 'invalid_credentials',
  },
]

const whoIAm: readonly Scenario[] = [
  {
    name: 'me is the caller',
    as: 'viewer',
    path: '/v1/auth/me',
    status: 200,
    json: { username: 'viewer', email: 'viewer@example.com', role: 'user' },
    hasNot: ['hash', 'disabledAt', 'owner'],
  },
  { name: 'me of an administrator', as: 'admin', path: '/v1/auth/me', status: 200, json: { role: 'admin' } },
  {
    name: 'a disabled user is refused with its token',
    as: 'disabled',
    path: '/v1/auth/me',
    status: 403,
    code: 'account_disabled',
  },
  {
    name: 'nobody is 401',
    as: 'nobody',
    path: '/v1/auth/me',
    status: 401,
    code: 'unauthenticated',
    answerHeaders: { 'WWW-Authenticate': 'Bearer' },
  },
  {
    name: 'a bad token is 401 and told so',
    as: 'impostor',
    path: '/v1/auth/me',
    status: 401,
    code: 'unauthenticated',
    answerHeaders: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  },
  {
    name: 'a bad token is 401 even where anyone may read',
    as: 'impostor',
    path: '/v1/workflows/{public}',
    status: 401,
  },
  { name: 'and in a list of what is public', as: 'impostor', path: '/v1/workflows?scope=public', status: 401 },
  {
    name: 'another scheme is 401',
    as: 'nobody',
    path: '/v1/auth/me',
    headers: { Authorization: 'Basic b3duZXI6eA==' },
    status: 401,
  },
  {
    name: 'Bearer without a token is 401',
    as: 'nobody',
    path: '/v1/workflows?scope=public',
    headers: { Authorization: 'Bearer' },
    status: 401,
  },
  {
    name: 'an API key that nobody made is 401',
    as: 'nobody',
    path: '/v1/auth/me',
    headers: { Authorization: 'Bearer mr_abcdefghijklmnopqrstuvwxyz' },
    status: 401,
    hasNot: ['mr_abc'],
  },
  { name: 'a bad token does not matter to the health check', as: 'impostor', path: '/healthz', status: 200 },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, [...registrations, ...logins, ...whoIAm])

  test('an access token has the claims that docs/contract/api.md names, and its session', async () => {
    const { token, id } = await register(suite.world.service, 'claims')
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', kid: expect.any(String), typ: 'JWT' })
    const claims = decodeJwt(token)
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'])
    expect([claims.sub, Number(claims.exp) - Number(claims.iat)]).toEqual([id, 900])
    expect(
      await countRows(suite.world, 'sessions', `family_id = '${String(claims['sid'])}' and user_id = '${id}'`),
    ).toBe(1)
  })

  test('of a password and a refresh token only hashes are stored', async () => {
    const answer = await readAnswer(
      await suite.world.send('nobody', 'POST', '/v1/auth/register', { body: account('stored') }),
    )
    const { refreshToken, user } = asRecord(answer.json)
    const userId = String(asRecord(user)['id'])
    const [row] = await suite.world.service.database.query(`select password_hash from users where id = '${userId}'`)
    expect(row?.['password_hash']).toMatch(/^\$2b\$04\$/)
    const [session] = await suite.world.service.database.query(`select * from sessions where user_id = '${userId}'`)
    expect(session?.['refresh_sha256']).toMatch(/^[0-9a-f]{64}$/)
    expect(Object.values(session ?? {})).not.toContain(refreshToken)
    expect(String(refreshToken)).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  test('each log-in is a session of its own', async () => {
    const { id } = await register(suite.world.service, 'twice')
    const body = `{"username":"twice","password":"${password}"}`
    await suite.world.send('nobody', 'POST', '/v1/auth/login', { body })
    expect(await countRows(suite.world, 'sessions', `user_id = '${id}'`)).toBe(2)
  })

  test('a refused registration leaves nothing', async () => {
    const before = [await countRows(suite.world, 'users'), await countRows(suite.world, 'sessions')]
    const answer = await suite.world.send('nobody', 'POST', '/v1/auth/register', { body: account('owner') })
    expect(answer.status).toBe(409)
    expect([await countRows(suite.world, 'users'), await countRows(suite.world, 'sessions')]).toEqual(before)
  })

  test('of several at once with one name exactly one gets it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        suite.world.send('nobody', 'POST', '/v1/auth/register', { body: account('sought-after') }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(4)
  })

  test.each(['$2a$', '$2b$', '$2y$'])('a %s hash made elsewhere lets its user in', async (kind) => {
    const name = `from-${kind.slice(1, -1)}`
    const { id } = await register(suite.world.service, name)
    const { database } = suite.world.service
    const [row] = await database.query(`select password_hash from users where id = '${id}'`)
    const hash = kind + String(row?.['password_hash']).slice(4)
    await database.query(`update users set password_hash = '${hash}' where id = '${id}'`)
    const body = `{"username":"${name}","password":"${password}"}`
    expect((await suite.world.send('nobody', 'POST', '/v1/auth/login', { body })).status).toBe(200)
  })

  test('a token from before the moment from which tokens count is refused', async () => {
    const { id, token } = await register(suite.world.service, 'outdated')
    const me = () => suite.world.service.fetch('/v1/auth/me', { headers: { Authorization: `Bearer ${token}` } })
    expect((await me()).status).toBe(200)
    await suite.world.service.database.query(
      `update users set tokens_valid_from = ${inAnHour[dialect]} where id = '${id}'`,
    )
    const answer = await readAnswer(await me())
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([401, 'unauthenticated'])
  })

  test('after five failures from one network there is no log-in for 15 minutes, even with the right password', async () => {
    const { service } = suite.world
    for (const name of ['guessed', 'bystander']) await register(service, name)
    const from = (network: string, username: string, secret: string) =>
      logInFrom(suite.world, network, username, secret)
    const failures = ['guessed', 'GUESSED@example.com', 'Guessed', 'guessed@example.com', 'guessed']
    for (const name of failures) expect((await from('192.0.2.1', name, 'wrong horse')).status).toBe(401)
    for (const secret of ['wrong horse', password]) {
      const answer = await from('192.0.2.1', 'guessed', secret)
      expect([answer.status, asRecord(answer.json)['code']]).toEqual([429, 'rate_limited'])
      expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
    }
    expect((await from('192.0.2.1', 'bystander', password)).status).toBe(200)
    expect((await from('192.0.2.2', 'guessed', password)).status).toBe(200)
  })

  test('a name that nobody has is limited alike', async () => {
    for (let failure = 0; failure < 5; failure += 1) {
      expect((await logInFrom(suite.world, '2001:db8::1', 'phantom', password)).status).toBe(401)
    }
    expect((await logInFrom(suite.world, '2001:db8::ffff:1', 'phantom', password)).status).toBe(429)
    expect((await logInFrom(suite.world, '2001:db8:0:1::1', 'phantom', password)).status).toBe(401)
  })

  test('a success clears its own count', async () => {
    await register(suite.world.service, 'forgetful')
    for (let round = 0; round < 2; round += 1) {
      for (let failure = 0; failure < 4; failure += 1) {
        expect((await logInFrom(suite.world, '192.0.2.3', 'forgetful', 'wrong horse')).status).toBe(401)
      }
      expect((await logInFrom(suite.world, '192.0.2.3', 'forgetful', password)).status).toBe(200)
    }
  })

  test('20 accounts an hour are made from one network', async () => {
    const statuses = []
    for (let made = 0; made < 21; made += 1) {
      const headers = { 'CF-Connecting-IP': '192.0.2.4' }
      const init = { body: account(`crowd-${made}`), headers }
      statuses.push((await suite.world.send('nobody', 'POST', '/v1/auth/register', init)).status)
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 201), 429])
    expect(await countRows(suite.world, 'users', "username = 'crowd-20'")).toBe(0)
  })

  test('a hash of another cost is redone at the next log-in', async () => {
    const { id } = await register(suite.world.service, 'costly')
    const { database } = suite.world.service
    const old = await hashPassword(password, 5)
    await database.query(`update users set password_hash = '${old}' where id = '${id}'`)
    expect((await logInFrom(suite.world, '192.0.2.5', 'costly', password)).status).toBe(200)
    const [row] = await database.query(`select password_hash from users where id = '${id}'`)
    expect(row?.['password_hash']).toMatch(/^\$2b\$04\$/)
    expect((await logInFrom(suite.world, '192.0.2.5', 'costly', password)).status).toBe(200)
  })

  test('the token of a user that is gone is refused', async () => {
    const { id, token } = await register(suite.world.service, 'gone')
    await suite.world.service.database.query(`delete from sessions where user_id = '${id}'`)
    await suite.world.service.database.query(`delete from users where id = '${id}'`)
    const headers = { Authorization: `Bearer ${token}` }
    expect((await suite.world.service.fetch('/v1/auth/me', { headers })).status).toBe(401)
    expect((await suite.world.service.fetch('/v1/workflows', { headers })).status).toBe(401)
  })
})

async function logInFrom(world: World, network: string, username: string, secret: string): Promise<Answer> {
  const init = { body: JSON.stringify({ username, password: secret }), headers: { 'CF-Connecting-IP': network } }
  return readAnswer(await world.send('nobody', 'POST', '/v1/auth/login', init))
}

const inAnHour = {
  sqlite: `${Date.now() + 3_600_000}`,
  postgres: `now() + interval '1 hour'`,
  mysql: `date_add(utc_timestamp(3), interval 1 hour)`,
} as const
