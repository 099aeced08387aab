/** Bytes that are no text: a blob, or damaged UTF-8. */
export interface Bytes {
  readonly $base64: string
}

/** A value as a column of any type holds it, in what JSON can say. Documents and times are their exact text. */
export type Cell = string | number | boolean | null | Bytes

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text that bytes are in UTF-8, else the bytes. */
export function cellOfBytes(bytes: Uint8Array): Cell {
  try {
    return decoder.decode(bytes)
  } catch {
    return bytesCell(bytes)
  }
}

function bytesCell(bytes: Uint8Array): Bytes {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return { $base64: btoa(binary) }
}

/** Of bytes as `hex()` writes them. */
export function bytesOfHex(hex: string): Bytes {
  return bytesCell(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
}

/** An integer as a number where it is a safe one, else its digits. */
export function integerCell(value: bigint | string): Cell {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

export function isBytes(cell: Cell): cell is Bytes {
  return typeof cell === 'object' && cell !== null
}
