import type { ArchiveRow } from './row.ts'

/**
 * Compares texts by their UTF-8 bytes, which is by code points. UTF-16 code units order alike but for surrogates, which
 * stand below U+E000 to U+FFFF and mean what is above them.
 */
export function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}

function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit
}

/** Compares rows by their primary key: texts by their bytes, numbers by value. */
export function compareKeys(key: readonly string[], left: ArchiveRow, right: ArchiveRow): number {
  for (const name of key) {
    const a = left[name]
    const b = right[name]
    const order = typeof a === 'string' && typeof b === 'string' ? compareBytes(a, b) : Number(a) - Number(b)
    if (order !== 0) return order
  }
  return 0
}
