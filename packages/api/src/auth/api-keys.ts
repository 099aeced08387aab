import { randomBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'
import { decodeList, encodeList } from '../encoded-list.ts'
import { isId } from '../ids.ts'
import { readScopes, writeScopes, type Scope } from '../scopes.ts'

export const apiKeyStart = 'mr_'
const prefixLength = 11

/** What a key says of itself. It counts only with its digest in the database, so none of it can be altered. */
export interface ApiKeyClaims {
  readonly userId: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
}

export interface MintedKey {
  readonly text: string
  readonly sha256: string
  /** Its first characters, by which its user tells it from others. */
  readonly prefix: string
}

export interface PresentedKey extends ApiKeyClaims {
  readonly sha256: string
}

/**
 * A new key: 256 random bits, then whose it is and what it may. So a request says by itself whom and what it claims to
 * be, and the statement that decides has only to see whether the key's digest is there.
 */
export function mintApiKey({ userId, scopes, expiresAt }: ApiKeyClaims): MintedKey {
  const random = randomBase64url(32)
  const claims = encodeList([userId, writeScopes(scopes), expiresAt?.getTime() ?? null])
  const text = `${apiKeyStart}${random}.${claims}`
  return { text, sha256: sha256Hex(text), prefix: text.slice(0, prefixLength) }
}

/** Reads a key; undefined for what is none. */
export function readApiKey(text: string): PresentedKey | undefined {
  const [, encoded] = /^mr_[A-Za-z0-9_-]{43}\.([A-Za-z0-9_-]{1,600})$/.exec(text) ?? []
  const claims = encoded === undefined ? undefined : readClaims(encoded)
  return claims && { ...claims, sha256: sha256Hex(text) }
}

function readClaims(encoded: string): ApiKeyClaims | undefined {
  const claims = decodeList(encoded)
  if (claims?.length !== 3) return undefined
  const [userId, written, expires] = claims
  if (typeof userId !== 'string' || !isId(userId) || typeof written !== 'string') return undefined
  const scopes = readScopes(written)
  if (scopes === undefined || (expires !== null && !Number.isSafeInteger(expires))) return undefined
  return { userId, scopes, expiresAt: expires === null ? null : new Date(Number(expires)) }
}
