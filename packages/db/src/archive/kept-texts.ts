/** Texts that are kept at once. */
const slots = 16_384

interface Kept {
  readonly bytes: Uint8Array
  readonly text: string
}

const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Gives the same string for bytes that come again and again, as keys that rows refer to do: making one takes longer. */
export class KeptTexts {
  readonly #kept: (Kept | undefined)[] = Array.from({ length: slots }, () => undefined)

  textOf(bytes: Uint8Array, start: number, length: number): string {
    let hash = length
    for (let at = start; at < start + length; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const kept = this.#kept[slot]
    if (kept !== undefined && isSame(kept.bytes, bytes, start, length)) return kept.text
    const own = bytes.slice(start, start + length)
    const text = utf8.decode(own)
    this.#kept[slot] = { bytes: own, text }
    return text
  }
}

/** Whether bytes are the same as those at a place. */
export function isSame(kept: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (kept.length !== length) return false
  for (let at = 0; at < length; at += 1) if (kept[at] !== bytes[start + at]) return false
  return true
}
