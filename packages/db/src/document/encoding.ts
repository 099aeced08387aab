import type { EncodedText } from './tokens.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Text and bytes of a body, whichever was given; a sentence saying why where it is no text of JSON. */
export function encodeText(body: Uint8Array | string): EncodedText | string {
  const read = typeof body === 'string' ? { text: body, bytes: encode(body) } : decode(body)
  if (read === undefined) return 'The text is not valid UTF-8.'
  return read.text.startsWith('\ufeff') ? 'The text begins with a byte order mark.' : read
}

function decode(bytes: Uint8Array): EncodedText | undefined {
  try {
    return { text: decoder.decode(bytes), bytes }
  } catch {
    return undefined
  }
}

/** UTF-8; of a string of JavaScript with half a surrogate pair, WTF-8, in which that can still be seen. */
function encode(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text)
  const parts = text
    .split(/(\p{Surrogate})/u)
    .map((part) => (part.isWellFormed() ? encoder.encode(part) : encodeHalf(part)))
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function encodeHalf(half: string): Uint8Array {
  const unit = half.charCodeAt(0)
  return Uint8Array.of(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
}
