import { SignJWT, errors, jwtVerify, type JWTHeaderParameters, type JWTVerifyOptions } from 'jose'
import { fromBase64url } from '../base64url.ts'
import { isId, newId, timeOfId } from '../ids.ts'
import type { NamedKey } from '../settings.ts'

const issuer = 'millrace'
const audience = 'millrace'
const algorithm = 'HS256'
const clockSkewSeconds = 30
const maxRemembered = 10_000

export const accessTokenSeconds = 15 * 60

/** What a valid access token says. */
export interface AccessToken {
  readonly userId: string
  /** To the millisecond, which `iat` can't say: the time in the UUIDv7 that is the token's `jti`. */
  readonly issuedAt: Date
  /** The session, that is the family of refresh tokens, in which it was issued. */
  readonly sessionId: string
}

export type VerifiedToken =
  | { readonly ok: true; readonly token: AccessToken }
  | { readonly ok: false; readonly problem: 'unauthenticated' | 'token_expired' }

/** Issues and verifies access tokens: JWTs, HS256 only. */
export interface AccessTokens {
  issue(userId: string, sessionId: string, at: Date): Promise<string>
  /** No promise where the token is remembered. */
  verify(token: string, at: Date): VerifiedToken | Promise<VerifiedToken>
}

interface Remembered {
  readonly token: AccessToken
  readonly notBeforeSeconds: number
  readonly expiresSeconds: number
}

const required: JWTVerifyOptions = {
  algorithms: [algorithm],
  issuer,
  audience,
  clockTolerance: clockSkewSeconds,
  requiredClaims: ['sub', 'iat', 'exp', 'jti'],
}

/** The first key signs, all verify. Keys are imported once; a verified token is remembered until it expires. */
export function createAccessTokens(keys: readonly NamedKey[]): AccessTokens {
  const imported = new Map(keys.map((key) => [key.kid, key.secret]))
  const cryptoKeys = new Map<string, Promise<CryptoKey>>()
  const remembered = new Map<string, Remembered>()

  function keyOf(kid: string | undefined): Promise<CryptoKey> | undefined {
    const secret = kid === undefined ? undefined : imported.get(kid)
    if (kid === undefined || secret === undefined) return undefined
    const known = cryptoKeys.get(kid) ?? importKey(secret)
    cryptoKeys.set(kid, known)
    return known
  }

  async function keyOfHeader(header: JWTHeaderParameters): Promise<CryptoKey> {
    const key = await keyOf(header.kid)
    if (key === undefined) throw new errors.JWTInvalid('unknown kid')
    return key
  }

  function remember(token: string, entry: Remembered): void {
    const oldest = remembered.keys().next()
    if (remembered.size >= maxRemembered && oldest.done !== true) remembered.delete(oldest.value)
    remembered.set(token, entry)
  }

  async function verifySignature(token: string, at: Date): Promise<VerifiedToken> {
    if (!isWrittenOneWay(token)) return { ok: false, problem: 'unauthenticated' }
    try {
      const { payload } = await jwtVerify(token, keyOfHeader, { ...required, currentDate: at })
      const entry = readClaims(payload)
      if (entry === undefined || !isCurrent(entry, at.getTime() / 1000))
        return { ok: false, problem: 'unauthenticated' }
      remember(token, entry)
      return { ok: true, token: entry.token }
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, problem: 'token_expired' }
      if (error instanceof errors.JOSEError) return { ok: false, problem: 'unauthenticated' }
      throw error
    }
  }

  return {
    async issue(userId, sessionId, at) {
      const [first] = keys
      const key = await keyOf(first?.kid)
      if (first === undefined || key === undefined) throw new Error('AUTH_KEYS holds no key to sign with')
      const issuedSeconds = Math.floor(at.getTime() / 1000)
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: algorithm, kid: first.kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt(issuedSeconds)
        .setExpirationTime(issuedSeconds + accessTokenSeconds)
        .setJti(newId(at))
        .sign(key)
    },

    verify(token, at) {
      const known = remembered.get(token)
      if (known !== undefined && isCurrent(known, at.getTime() / 1000)) return { ok: true, token: known.token }
      remembered.delete(token)
      return verifySignature(token, at)
    },
  }
}

function importKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}

function isCurrent(entry: Remembered, nowSeconds: number): boolean {
  return entry.notBeforeSeconds - clockSkewSeconds <= nowSeconds && nowSeconds < entry.expiresSeconds + clockSkewSeconds
}

/** Three parts in the one spelling that base64url has for bytes: jose takes padding and loose bits at the end too. */
function isWrittenOneWay(token: string): boolean {
  const parts = token.split('.')
  return parts.length === 3 && parts.every((part) => part !== '' && fromBase64url(part) !== undefined)
}

/** A signed token may hold any JSON: what is no claim of ours is no token of ours. */
function readClaims(claims: Readonly<Record<string, unknown>>): Remembered | undefined {
  const { sub, iat, nbf, exp, jti, sid } = claims
  if (typeof sub !== 'string' || !isId(sub) || typeof jti !== 'string') return undefined
  if (typeof sid !== 'string' || !isId(sid)) return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  const exact = timeOfId(jti)
  const isOfIat = exact !== undefined && Math.floor(exact.getTime() / 1000) === Math.floor(iat)
  return {
    token: {
      userId: sub,
      issuedAt: isOfIat ? exact : new Date(iat * 1000),
      sessionId: sid,
    },
    notBeforeSeconds: Math.max(typeof nbf === 'number' ? nbf : iat, iat),
    expiresSeconds: exp,
  }
}
