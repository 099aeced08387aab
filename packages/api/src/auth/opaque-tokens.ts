import { randomBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'

/** How long a refresh token is valid. */
export const refreshTokenDays = 30
/** How long a token that sets a new password is valid. */
export const resetTokenMinutes = 30

/** A token of 256 random bits; only its SHA-256 is ever stored. */
export interface OpaqueToken {
  readonly text: string
  readonly sha256: string
}

export function newOpaqueToken(): OpaqueToken {
  const text = randomBase64url(32)
  return { text, sha256: sha256Hex(text) }
}
