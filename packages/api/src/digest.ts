const encoder = new TextEncoder()

/** SHA-256 of a text's UTF-8, in lower-case hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
}

/** SHA-256 of a text's UTF-8 with bytes after it. */
export async function sha256HexOf(head: string, bytes: Uint8Array): Promise<string> {
  const start = encoder.encode(head)
  const whole = new Uint8Array(start.length + bytes.length)
  whole.set(start)
  whole.set(bytes, start.length)
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', whole)))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
