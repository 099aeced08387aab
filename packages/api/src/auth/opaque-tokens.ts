import { toBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'

export const refreshTokenDays = 30
/** Of a token that sets a new password. */
export const resetTokenMinutes = 30

/** A token of 256 random bits; only its SHA-256 is ever stored. */
export interface OpaqueToken {
  readonly text: string
  readonly sha256: string
}

export function newOpaqueToken(): OpaqueToken {
  const text = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  return { text, sha256: sha256Hex(text) }
}
