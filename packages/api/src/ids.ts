import { v7 } from 'uuid'
import { codePointLength } from './code-points.ts'

/** A new UUIDv7 whose time is that of the given clock. */
export function newId(at: Date): string {
  return v7({ msecs: at.getTime(), random: randomBytes() })
}

const bytesOfOne = 16
const pooled = new Uint8Array(256 * bytesOfOne)
let usedBytes = pooled.length

/** Drawn for many ids at once: to draw them for each cost three quarters of making it. */
function randomBytes(): Uint8Array {
  if (usedBytes === pooled.length) {
    crypto.getRandomValues(pooled)
    usedBytes = 0
  }
  usedBytes += bytesOfOne
  return pooled.subarray(usedBytes - bytesOfOne, usedBytes)
}

/** New ids of one moment, each greater than the one before. */
export function newIds(at: Date, count: number): readonly string[] {
  const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1))
  const first = drawn % 0x8000_0000
  return Array.from({ length: count }, (_, index) =>
    v7({ msecs: at.getTime(), seq: first + index, random: randomBytes() }),
  )
}

/** The time in a UUIDv7, or undefined for any other text. */
export function timeOfId(id: string): Date | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) return undefined
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))
}

const neverIds: ReadonlySet<string> = new Set(['.', '..', 'batch', 'claim'])

/** Whether a text can be the id of anything: 1 to 64 code points, no U+0000, no space at its end, no word of a path. */
export function isId(text: string): boolean {
  if (text === '' || text.length > 128 || text.endsWith(' ') || text.includes('\0')) return false
  return !neverIds.has(text) && codePointLength(text) <= 64 && text.isWellFormed()
}
