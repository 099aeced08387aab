import { fromBase64url, toBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'
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

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A new key: 256 random bits, then whose it is and what it may. So a request says by itself whom and what it claims to
 * be, and the statement that decides has only to see whether the key's digest is there.
 */
export function mintApiKey({ userId, scopes, expiresAt }: ApiKeyClaims): MintedKey {
  const random = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  const claims = JSON.stringify([userId, writeScopes(scopes), expiresAt?.getTime() ?? null])
  const text = `${apiKeyStart}${random}.${toBase64url(encoder.encode(claims))}`
  return { text, sha256: sha256Hex(text), prefix: text.slice(0, prefixLength) }
}

/** Reads a key; undefined for what is none. */
export function readApiKey(text: string): PresentedKey | undefined {
  const [, encoded] = /^mr_[A-Za-z0-9_-]{43}\.([A-Za-z0-9_-]{1,600})$/.exec(text) ?? []
  const claims = encoded === undefined ? undefined : readClaims(encoded)
  return claims && { ...claims, sha256: sha256Hex(text) }
}

function readClaims(encoded: string): ApiKeyClaims | undefined {
  const claims = decode(encoded)
  if (!isList(claims) || claims.length !== 3) return undefined
  const [userId, written, expires] = claims
  if (typeof userId !== 'string' || !isId(userId) || typeof written !== 'string') return undefined
  const scopes = readScopes(written)
  if (scopes === undefined || (expires !== null && !Number.isSafeInteger(expires))) return undefined
  return { userId, scopes, expiresAt: expires === null ? null : new Date(Number(expires)) }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function decode(encoded: string): unknown {
  const bytes = fromBase64url(encoded)
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
