import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { newId } from '@millrace/api/ids'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord } from './answers.ts'
import { bodyOf, call, expectRefusal, join, logIn, type Member } from './members.ts'

/* What a token says is judged before any database is asked: one dialect shows it. */

const secret = randomBytes(32)
const oldSecret = randomBytes(48)
const authKeys = `new:${secret.toString('base64url')},old:${oldSecret.toString('base64url')}`

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const hmac = (text: string, key: Buffer | string, hash = 'sha256'): string =>
  createHmac(hash, key).update(text).digest('base64url')

type Parts = Readonly<Record<string, unknown>>

const header = { alg: 'HS256', kid: 'new', typ: 'JWT' }
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** The session that each user logged in with. */
const sessionIds = new Map<string, string>()

/** As the service writes them; its tokens' ids hold their time to the millisecond. */
function claimsOf(userId: string): Parts {
  const at = new Date()
  const iat = Math.floor(at.getTime() / 1000)
  return {
    ...{ sub: userId, iss: 'millrace', aud: 'millrace', sid: sessionIds.get(userId) ?? 'a-session' },
    ...{ iat, exp: iat + 900, jti: newId(at) },
  }
}

/** A token signed with the key in force, with some of its parts otherwise. */
function signed(headers: Parts, claims: Parts, key: Buffer | string = secret, hash = 'sha256'): string {
  const text = `${encode(headers)}.${encode(claims)}`
  return `${text}.${hmac(text, key, hash)}`
}

function without(parts: Parts, ...names: readonly string[]): Parts {
  return Object.fromEntries(Object.entries(parts).filter(([name]) => !names.includes(name)))
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function signedByKeyPair(headers: Parts, claims: Parts, key: KeyObject): string {
  const text = `${encode(headers)}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

interface Sound {
  readonly id: string
  readonly accessToken: string
  readonly refreshToken: string
}

type Forgery = (ada: Sound) => string

function partsOf({ accessToken }: Sound): readonly [string, string, string] {
  const [head = '', payload = '', signature = ''] = accessToken.split('.')
  return [head, payload, signature]
}

function altered(text: string): string {
  return `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
}

/** The next character of base64url: at the end of 32 bytes its lowest two bits mean nothing. */
function loosened(last: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(last) + 1] ?? ''
}

const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()

/** Each has one thing wrong; the rest is as a sound token has it. */
const forgeries: readonly (readonly [string, Forgery])[] = [
  ['alg none and no signature', ({ id }) => `${encode({ ...header, alg: 'none' })}.${encode(claimsOf(id))}.`],
  ['alg None', ({ id }) => `${encode({ ...header, alg: 'None' })}.${encode(claimsOf(id))}.`],
  ['alg none with a right HMAC', ({ id }) => signed({ ...header, alg: 'none' }, claimsOf(id))],
  ['no alg', ({ id }) => signed(without(header, 'alg'), claimsOf(id))],
  ['alg HS512 with the right secret', ({ id }) => signed({ ...header, alg: 'HS512' }, claimsOf(id), secret, 'sha512')],
  ['alg HS384 with the right secret', ({ id }) => signed({ ...header, alg: 'HS384' }, claimsOf(id), secret, 'sha384')],
  ['alg hs256 in small letters', ({ id }) => signed({ ...header, alg: 'hs256' }, claimsOf(id))],
  [
    'RS256 by a key pair of its own',
    ({ id }) => signedByKeyPair({ ...header, alg: 'RS256' }, claimsOf(id), privateKey),
  ],
  [
    'ES256 by a key pair of its own',
    ({ id }) => signedByKeyPair({ ...header, alg: 'ES256' }, claimsOf(id), curve.privateKey),
  ],
  ['HS256 with a public key as the secret', ({ id }) => signed(header, claimsOf(id), publicPem)],
  [
    'a key of its own in the header (jwk)',
    ({ id }) => {
      const own = randomBytes(32)
      return signed({ ...header, jwk: { kty: 'oct', k: own.toString('base64url') } }, claimsOf(id), own)
    },
  ],
  [
    'a URL of keys in the header (jku)',
    ({ id }) => signed({ ...header, jku: 'https://evil.example/k' }, claimsOf(id), 'x'),
  ],
  ['an unknown critical header', ({ id }) => signed({ ...header, crit: ['exp2'], exp2: 1 }, claimsOf(id))],
  ['a foreign kid', ({ id }) => signed({ ...header, kid: 'other' }, claimsOf(id))],
  ['no kid', ({ id }) => signed(without(header, 'kid'), claimsOf(id))],
  ['an empty kid', ({ id }) => signed({ ...header, kid: '' }, claimsOf(id))],
  ['a kid that is no text', ({ id }) => signed({ ...header, kid: ['new'] }, claimsOf(id))],
  ['a path as kid', ({ id }) => signed({ ...header, kid: '../../../../dev/null' }, claimsOf(id), '')],
  ['SQL as kid', ({ id }) => signed({ ...header, kid: "' union select 'x" }, claimsOf(id), 'x')],
  ['a property of every object as kid', ({ id }) => signed({ ...header, kid: 'constructor' }, claimsOf(id), 'x')],
  ['__proto__ as kid', ({ id }) => signed({ ...header, kid: '__proto__' }, claimsOf(id), 'x')],
  ['the right kid with the other key', ({ id }) => signed(header, claimsOf(id), oldSecret)],
  ['an empty secret', ({ id }) => signed(header, claimsOf(id), '')],
  ['a secret that is the text of AUTH_KEYS', ({ id }) => signed(header, claimsOf(id), secret.toString('base64url'))],
  ['another audience', ({ id }) => signed(header, { ...claimsOf(id), aud: 'another' })],
  ['no audience', ({ id }) => signed(header, without(claimsOf(id), 'aud'))],
  ['another issuer', ({ id }) => signed(header, { ...claimsOf(id), iss: 'another' })],
  ['no issuer', ({ id }) => signed(header, without(claimsOf(id), 'iss'))],
  ['no subject', ({ id }) => signed(header, without(claimsOf(id), 'sub'))],
  ['a subject that is no text', ({ id }) => signed(header, { ...claimsOf(id), sub: 1 })],
  ['an empty subject', ({ id }) => signed(header, { ...claimsOf(id), sub: '' })],
  ['a subject that is SQL', ({ id }) => signed(header, { ...claimsOf(id), sub: "x' or '1'='1" })],
  ['a subject that nobody is', ({ id }) => signed(header, { ...claimsOf(id), sub: crypto.randomUUID() })],
  ['no expiry', ({ id }) => signed(header, without(claimsOf(id), 'exp'))],
  ['an expiry that is a text', ({ id }) => signed(header, { ...claimsOf(id), exp: String(nowSeconds() + 900) })],
  ['no time of issue', ({ id }) => signed(header, without(claimsOf(id), 'iat'))],
  ['no session', ({ id }) => signed(header, without(claimsOf(id), 'sid'))],
  ['a session that is no text', ({ id }) => signed(header, { ...claimsOf(id), sid: ['x'] })],
  ['a session that is not there', ({ id }) => signed(header, { ...claimsOf(id), sid: crypto.randomUUID() })],
  ['no id', ({ id }) => signed(header, without(claimsOf(id), 'jti'))],
  ['an id that is no text', ({ id }) => signed(header, { ...claimsOf(id), jti: [1] })],
  ['a start that is a text', ({ id }) => signed(header, { ...claimsOf(id), nbf: 'now' })],
  ['a start in an hour', ({ id }) => signed(header, { ...claimsOf(id), nbf: nowSeconds() + 3600 })],
  [
    'an issue in an hour',
    ({ id }) => signed(header, { ...claimsOf(id), iat: nowSeconds() + 3600, exp: nowSeconds() + 4500 }),
  ],
  ['an issue before the account', ({ id }) => signed(header, { ...claimsOf(id), iat: 1, exp: nowSeconds() + 900 })],
  ['a refresh token', ({ refreshToken }) => refreshToken],
  ['the id of the user', ({ id }) => id],
  ['an altered payload', (ada) => [partsOf(ada)[0], encode(claimsOf(ada.id)), partsOf(ada)[2]].join('.')],
  ['an altered header', (ada) => [encode({ ...header, typ: 'x' }), ...partsOf(ada).slice(1)].join('.')],
  ['an altered signature', (ada) => [...partsOf(ada).slice(0, 2), altered(partsOf(ada)[2])].join('.')],
  ['an empty signature', (ada) => [...partsOf(ada).slice(0, 2), ''].join('.')],
  ['a signature cut short', (ada) => ada.accessToken.slice(0, -2)],
  ['no signature part', (ada) => partsOf(ada).slice(0, 2).join('.')],
  ['a fourth part', (ada) => `${ada.accessToken}.e30`],
  ['the five parts of a JWE', () => 'e30.e30.e30.e30.e30'],
  ['a payload that is no JSON', () => signedText(encode(header), encode('not json'))],
  ['a payload that is a list', () => signedText(encode(header), encode([]))],
  ['a header that is no JSON', ({ id }) => signedText(encode('{'), encode(claimsOf(id)))],
  ['padding', (ada) => `${ada.accessToken}=`],
  ['loose bits at its end', (ada) => `${ada.accessToken.slice(0, -1)}${loosened(ada.accessToken.slice(-1))}`],
  ['a NUL', (ada) => `${partsOf(ada)[0]}%00`],
  ['ten thousand characters', () => 'A'.repeat(10_000)],
]

function signedText(head: string, payload: string): string {
  return `${head}.${payload}.${hmac(`${head}.${payload}`, secret)}`
}

describe('forged and misused tokens', () => {
  let service: Service
  let ada: Member
  beforeAll(async () => {
    service = await startService('sqlite', { vars: { AUTH_KEYS: authKeys } })
    ada = await join(service)
    sessionIds.set(ada.id, String(decodeJwt(ada.accessToken)['sid']))
  })
  afterAll(() => service.stop())

  const me = (token: string) => call(service, 'GET', '/v1/auth/me', { token })

  test('a token made like these, with nothing wrong, is taken', async () => {
    expect(bodyOf(await me(signed(header, claimsOf(ada.id))), 200)['id']).toBe(ada.id)
    expect(bodyOf(await me(signed({ ...header, kid: 'old' }, claimsOf(ada.id), oldSecret)), 200)['id']).toBe(ada.id)
  })

  test('there are more than thirty kinds', () => {
    expect(new Set(forgeries.map(([name]) => name)).size).toBeGreaterThan(30)
  })

  test.each(forgeries)('%s is 401', async (_name, forge) => {
    const token = forge(ada)
    const answer = await me(token)
    expectRefusal(answer, 401, 'unauthenticated')
    expect(answer.headers.get('WWW-Authenticate')).toContain('error="invalid_token"')
    expect(answer.text).not.toContain(token)
    const changing = await call(service, 'POST', '/v1/workflows', { token, body: { name: 'x', definition: {} } })
    expectRefusal(changing, 401, 'unauthenticated')
    const open = await call(service, 'GET', '/v1/workflows?scope=public', { token })
    expectRefusal(open, 401, 'unauthenticated')
  })

  test('an expired one is token_expired, within 30 s of skew it is taken', async () => {
    const at = (seconds: number) => {
      const iat = nowSeconds() + seconds - 900
      return signed(header, { ...claimsOf(ada.id), iat, exp: iat + 900 })
    }
    // Its user must be older than the token, or the token is from before the account.
    const past = (Date.now() - 3_600_000).toString()
    await service.database.query(`update users set tokens_valid_from = ${past} where id = '${ada.id}'`)
    expectRefusal(await me(at(-40)), 401, 'token_expired')
    expect((await me(at(-20))).status).toBe(200)
    const early = nowSeconds() + 20
    expect((await me(signed(header, { ...claimsOf(ada.id), iat: early, exp: early + 900 }))).status).toBe(200)
  })

  test.each([
    ['Basic', (token: string) => `Basic ${token}`],
    ['no scheme', (token: string) => token],
    ['Bearer without a token', () => 'Bearer'],
    ['two tokens', (token: string) => `Bearer ${token} ${token}`],
    ['a comma and another', (token: string) => `Bearer ${token}, Bearer ${token}`],
  ])('%s is 401', async (_name, write) => {
    const headers = { Authorization: write(ada.accessToken) }
    expectRefusal(await call(service, 'GET', '/v1/auth/me', { headers }), 401, 'unauthenticated')
  })

  test('the scheme is taken in any case, and a token nowhere but in the header', async () => {
    const headers = { Authorization: `bEARER ${ada.accessToken}` }
    expect((await call(service, 'GET', '/v1/auth/me', { headers })).status).toBe(200)
    const query = `/v1/auth/me?access_token=${ada.accessToken}`
    expectRefusal(await call(service, 'GET', query), 401, 'unauthenticated')
    const cookie = { Cookie: `Authorization=Bearer ${ada.accessToken}` }
    expectRefusal(await call(service, 'GET', '/v1/auth/me', { headers: cookie }), 401, 'unauthenticated')
  })

  test('no token of these is in the log', () => {
    const log = service.logs().join('\n')
    expect(log).not.toContain(ada.accessToken)
    expect(log).not.toContain(ada.refreshToken)
    expect(log).not.toContain(secret.toString('base64url'))
  })
})

describe('a rotation of AUTH_KEYS', () => {
  let database: TestDatabase
  const services: Service[] = []
  beforeAll(async () => {
    database = await freshDatabase('sqlite')
  })
  afterAll(async () => {
    for (const service of services) await service.stop()
    await database.drop()
  })

  test('signs nobody out while both keys are there, and ends the old ones with their key', async () => {
    const [oldKey, newKey] = [`old:${oldSecret.toString('base64url')}`, `new:${secret.toString('base64url')}`]
    const before = await startService(database, { vars: { AUTH_KEYS: oldKey } })
    services.push(before)
    const ada = await join(before)
    await before.stop()
    const during = await startService(database, { vars: { AUTH_KEYS: `${newKey},${oldKey}` } })
    services.push(during)
    expect((await call(during, 'GET', '/v1/auth/me', { token: ada.accessToken })).status).toBe(200)
    const fresh = String(bodyOf(await logIn(during, ada, ada.password), 200)['accessToken'])
    const head: unknown = JSON.parse(Buffer.from(fresh.split('.')[0] ?? '', 'base64url').toString())
    expect(asRecord(head)['kid']).toBe('new')
    await during.stop()
    const after = await startService(database, { vars: { AUTH_KEYS: newKey } })
    services.push(after)
    expect((await call(after, 'GET', '/v1/auth/me', { token: fresh })).status).toBe(200)
    expectRefusal(await call(after, 'GET', '/v1/auth/me', { token: ada.accessToken }), 401, 'unauthenticated')
    const body = { refreshToken: ada.refreshToken }
    expect((await call(after, 'POST', '/v1/auth/refresh', { body })).status).toBe(200)
  })
})
