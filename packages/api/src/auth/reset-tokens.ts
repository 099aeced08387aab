import { toBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'

export const resetTokenMinutes = 30

/** A token that sets a new password: 256 random bits, of which only the SHA-256 is ever stored. */
export async function newResetToken(): Promise<{ readonly text: string; readonly sha256: string }> {
  const text = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  return { text, sha256: sha256Hex(text) }
}
