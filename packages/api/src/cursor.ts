import { fromBase64url, toBase64url } from './base64url.ts'
import { sha256Hex } from './digest.ts'

/** What a cursor belongs to: the list, its filters and the caller. A cursor of another one is refused. */
export interface CursorScope {
  readonly list: string
  readonly filters: Readonly<Record<string, string | undefined>>
  readonly userId: string | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Writes the position after which a list goes on: opaque to the caller, and bound to its scope by a digest. */
export function writeCursor(scope: CursorScope, position: readonly (string | number)[]): string {
  return toBase64url(encoder.encode(JSON.stringify([bindingOf(scope), ...position])))
}

/** The position that `writeCursor` was given for this scope, or undefined for any other text. */
export function readCursor(scope: CursorScope, cursor: string): readonly unknown[] | undefined {
  const parts = decode(cursor)
  if (!isList(parts)) return undefined
  const [binding, ...position] = parts
  return binding === bindingOf(scope) ? position : undefined
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function decode(cursor: string): unknown {
  const bytes = cursor.length > 1000 ? undefined : fromBase64url(cursor)
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function bindingOf({ list, filters, userId }: CursorScope): string {
  const named = Object.entries(filters).filter(([, value]) => value !== undefined)
  named.sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256Hex(JSON.stringify([list, userId ?? null, named])).slice(0, 32)
}
