import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

const encoder = new TextEncoder()

/**
 * SHA-256 of a short text's UTF-8, in lower-case hexadecimal. It is computed here: Web Crypto works in another thread, which
 * for a text of a hundred characters costs several times the CPU time.
 */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(encoder.encode(text)))
}

/** SHA-256 of a text's UTF-8 with bytes after it. */
export async function sha256HexOf(head: string, bytes: Uint8Array): Promise<string> {
  const start = encoder.encode(head)
  const whole = new Uint8Array(start.length + bytes.length)
  whole.set(start)
  whole.set(bytes, start.length)
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', whole)))
}
