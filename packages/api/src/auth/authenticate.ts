import type { Caller, Origin } from '@millrace/db/access/access'
import { refuse, type Refused } from '../result.ts'
import type { HeldScopes } from '../scopes.ts'
import { apiKeyStart, readApiKey } from './api-keys.ts'
import type { AccessTokens, VerifiedToken } from './tokens.ts'

export interface Authenticated {
  readonly ok: true
  readonly caller: Caller
  readonly sessionId: string | undefined
  readonly scopes: HeldScopes
  /** Of the API key; null for one that does not expire, and for a token. */
  readonly expiresAt: Date | null
}

/** Later than any `tokens_valid_from`: a key outlives a new password, unless that ends keys too. */
const afterEveryPassword = new Date('9999-12-31T23:59:59.999Z')

/**
 * Who calls, by the `Authorization` header; null is an anonymous caller. The user's standing, and whether an API key is
 * there, is not looked at here: the statement that decides the permission does that.
 */
export function authenticate(
  tokens: AccessTokens,
  authorization: string | null,
  origin: Origin,
  at: Date,
): Authenticated | Refused | Promise<Authenticated | Refused> {
  if (authorization === null) {
    return { ok: true, caller: { kind: 'anonymous' }, sessionId: undefined, scopes: undefined, expiresAt: null }
  }
  const [, token] = /^Bearer +([^\s]+)$/i.exec(authorization) ?? []
  if (token === undefined) {
    return refuse('unauthenticated', { detail: 'The Authorization header is not `Bearer <token>`.' })
  }
  return token.startsWith(apiKeyStart) ? byApiKey(token, origin, at) : byAccessToken(tokens, token, origin, at)
}

function byAccessToken(
  tokens: AccessTokens,
  text: string,
  origin: Origin,
  at: Date,
): Authenticated | Refused | Promise<Authenticated | Refused> {
  const verified = tokens.verify(text, at)
  return verified instanceof Promise
    ? verified.then((settled) => byVerified(settled, origin))
    : byVerified(verified, origin)
}

function byVerified(verified: VerifiedToken, origin: Origin): Authenticated | Refused {
  if (!verified.ok) return refuse(verified.problem)
  const { userId, issuedAt, sessionId } = verified.token
  const caller = { kind: 'user', userId, issuedAt, mayAdminister: true, sessionId, origin } as const
  return { ok: true, caller, sessionId, scopes: undefined, expiresAt: null }
}

function byApiKey(text: string, origin: Origin, at: Date): Authenticated | Refused {
  const key = readApiKey(text)
  if (key === undefined) return refuse('unauthenticated', { detail: 'This is no API key.' })
  if (key.expiresAt !== null && key.expiresAt <= at) {
    return refuse('token_expired', { detail: 'The API key has expired: make a new one.' })
  }
  const scopes = new Set(key.scopes)
  const { userId, sha256: keySha256 } = key
  const mayAdminister = scopes.has('admin')
  const caller = { kind: 'user', userId, issuedAt: afterEveryPassword, mayAdminister, keySha256, origin } as const
  return { ok: true, caller, sessionId: undefined, scopes, expiresAt: key.expiresAt }
}
