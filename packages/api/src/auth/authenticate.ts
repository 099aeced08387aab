import type { Caller } from '@millrace/db/access'
import { refuse, type Refused } from '../result.ts'
import type { AccessTokens } from './tokens.ts'

export interface Authenticated {
  readonly ok: true
  readonly caller: Caller
  readonly sessionId: string | undefined
}

/**
 * Who calls, by the `Authorization` header; null is an anonymous caller. The user's standing is not looked at here: the
 * statement that decides the permission does that.
 */
export async function authenticate(
  tokens: AccessTokens,
  authorization: string | null,
  at: Date,
): Promise<Authenticated | Refused> {
  if (authorization === null) return { ok: true, caller: { kind: 'anonymous' }, sessionId: undefined }
  const [, token] = /^Bearer +([^\s]+)$/i.exec(authorization) ?? []
  if (token === undefined) {
    return refuse('unauthenticated', { detail: 'The Authorization header is not `Bearer <token>`.' })
  }
  const verified = await tokens.verify(token, at)
  if (!verified.ok) return refuse(verified.problem)
  const { userId, issuedAt, sessionId } = verified.token
  return { ok: true, caller: { kind: 'user', userId, issuedAt, mayAdminister: true }, sessionId }
}
