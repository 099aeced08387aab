import { sha256Hex } from './digest.ts'
import { decodeList, encodeList } from './encoded-list.ts'

/** What a cursor belongs to: the list, its filters and the caller. A cursor of another one is refused. */
export interface CursorScope {
  readonly list: string
  readonly filters: Readonly<Record<string, string | undefined>>
  readonly userId: string | undefined
}

/** Writes the position after which a list goes on: opaque to the caller, and bound to its scope by a digest. */
export function writeCursor(scope: CursorScope, position: readonly (string | number)[]): string {
  return encodeList([bindingOf(scope), ...position])
}

/** The position that `writeCursor` was given for this scope, or undefined for any other text. */
export function readCursor(scope: CursorScope, cursor: string): readonly unknown[] | undefined {
  const parts = cursor.length > 1000 ? undefined : decodeList(cursor)
  if (parts === undefined) return undefined
  const [binding, ...position] = parts
  return binding === bindingOf(scope) ? position : undefined
}

function bindingOf({ list, filters, userId }: CursorScope): string {
  const named = Object.entries(filters).filter(([, value]) => value !== undefined)
  named.sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256Hex(JSON.stringify([list, userId ?? null, named])).slice(0, 32)
}
