import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { newId } from '../ids.ts'
import { accessTokenSeconds, createAccessTokens } from './tokens.ts'

const first = { kid: 'first', secret: new Uint8Array(32).fill(1) }
const second = { kid: 'second', secret: new Uint8Array(32).fill(2) }
const at = new Date('2026-11-24T13:37:02.287Z')
const seconds = Math.floor(at.getTime() / 1000)
const tokens = createAccessTokens([first, second])

function later(byMilliseconds: number): Date {
  return new Date(at.getTime() + byMilliseconds)
}

test('a token tells its user, its session, and when it was issued to the millisecond', async () => {
  const token = await tokens.issue('u1', 's1', at)
  const verified = { ok: true, token: { userId: 'u1', sessionId: 's1', issuedAt: at } }
  expect(await tokens.verify(token, later(1))).toEqual(verified)
  expect(await tokens.verify(token, later(2))).toEqual(verified)
})

test('it counts for 15 minutes and 30 s of skew, also when it is remembered', async () => {
  const token = await tokens.issue('u1', 's1', at)
  const end = (seconds + accessTokenSeconds + 30) * 1000
  expect(await tokens.verify(token, new Date(end - 1000))).toMatchObject({ ok: true })
  expect(await tokens.verify(token, new Date(end + 1000))).toEqual({ ok: false, problem: 'token_expired' })
})

test('after a rotation the old key still verifies and the new one signs; a key taken out does not', async () => {
  const old = await createAccessTokens([second]).issue('u1', 's1', at)
  expect(await tokens.verify(old, at)).toMatchObject({ ok: true })
  expect(await createAccessTokens([first]).verify(old, at)).toEqual({ ok: false, problem: 'unauthenticated' })
})

describe('is refused', () => {
  const claims = {
    iss: 'millrace',
    aud: 'millrace',
    sub: 'u1',
    iat: seconds,
    exp: seconds + 900,
    jti: newId(at),
    sid: 's1',
  }

  test('the rows below differ from a token that is good', async () => {
    expect(await tokens.verify(await signed({ kid: 'first' }, claims), at)).toMatchObject({ ok: true })
  })

  const unsigned = [{ alg: 'none', kid: 'first' }, claims].map((part) => btoa(JSON.stringify(part))).join('.')
  test.each<[string, () => Promise<string>]>([
    ['nonsense', () => Promise.resolve('abc')],
    ['an empty signature', async () => (await signed({ kid: 'first' }, claims)).replace(/[^.]+$/, '')],
    ['alg none', () => Promise.resolve(`${unsigned}.`)],
    ['HS512', () => signed({ kid: 'first', alg: 'HS512' }, claims, new Uint8Array(64).fill(1))],
    ['an unknown kid', () => signed({ kid: 'third' }, claims)],
    ['no kid', () => signed({}, claims)],
    ['the kid of another key', () => signed({ kid: 'second' }, claims)],
    ['another issuer', () => signed({ kid: 'first' }, { ...claims, iss: 'other' })],
    ['another audience', () => signed({ kid: 'first' }, { ...claims, aud: 'other' })],
    ['no subject', () => signed({ kid: 'first' }, { ...claims, sub: undefined })],
    ['a subject that is no id', () => signed({ kid: 'first' }, { ...claims, sub: 'batch' })],
    ['no expiry', () => signed({ kid: 'first' }, { ...claims, exp: undefined })],
    ['no jti', () => signed({ kid: 'first' }, { ...claims, jti: undefined })],
    ['an issue time to come', () => signed({ kid: 'first' }, { ...claims, iat: seconds + 60 })],
    ['nbf to come', () => signed({ kid: 'first' }, { ...claims, nbf: seconds + 60 })],
  ])('%s', async (_, make) => {
    expect(await tokens.verify(await make(), at)).toEqual({ ok: false, problem: 'unauthenticated' })
  })

  test('29 s of skew are allowed', async () => {
    const token = await signed({ kid: 'first' }, { ...claims, iat: seconds + 29, nbf: seconds + 29 })
    expect(await tokens.verify(token, at)).toMatchObject({ ok: true })
  })
})

async function signed(header: Record<string, string>, payload: Record<string, unknown>, secret = first.secret) {
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret)
}
