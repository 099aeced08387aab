import { toBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'

export const refreshTokenDays = 30

/** An opaque token of 256 random bits; only its SHA-256 is ever stored. */
export interface RefreshToken {
  readonly text: string
  readonly sha256: string
}

export async function newRefreshToken(): Promise<RefreshToken> {
  const text = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  return { text, sha256: sha256Hex(text) }
}
