import { fromBase64url, toBase64url } from './base64url.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A list as base64url of its JSON, for texts that callers hand back as they are. */
export function encodeList(list: readonly (string | number | null)[]): string {
  return toBase64url(encoder.encode(JSON.stringify(list)))
}

/** Reads what {@link encodeList} wrote; undefined for a text that is no list. */
export function decodeList(encoded: string): readonly unknown[] | undefined {
  const bytes = fromBase64url(encoded)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    return isList(value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
