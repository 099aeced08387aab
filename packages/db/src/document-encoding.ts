import type { EncodedText } from './document-tokens.ts'

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
  const bytes: number[] = []
  for (const character of text) {
    const unit = character.charCodeAt(0)
    if (character.isWellFormed()) for (const byte of encoder.encode(character)) bytes.push(byte)
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
  }
  return Uint8Array.from(bytes)
}
