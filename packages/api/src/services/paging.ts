import type { Keyset } from '@millrace/db/sql/keyset'
import { mostPageBytes, type Cut } from '@millrace/db/sql/page-bytes'
import { readCursor, writeCursor, type CursorScope } from '../cursor.ts'
import { isId } from '../ids.ts'
import { refuse, type Refused, type Result } from '../result.ts'
import { isInKeptYears } from '../years.ts'

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/**
 * Cuts a page from up to `limit + 1` rows: the one row more only says that the list goes on. It has at least one item,
 * however large that is.
 */
export function pageOf<Item extends object>(
  scope: CursorScope,
  found: readonly Item[] | Cut<Item>,
  limit: number,
  positionOf: (item: Item) => readonly (string | number)[],
): Page<Item> {
  const { rows, isCut } = 'rows' in found ? found : { rows: found, isCut: false }
  const items = withinBytes(rows.slice(0, limit))
  const last = items.at(-1)
  const goesOn = isCut || rows.length > items.length
  const nextCursor = goesOn && last !== undefined ? writeCursor(scope, positionOf(last)) : null
  return { items, nextCursor }
}

function withinBytes<Item extends object>(rows: readonly Item[]): readonly Item[] {
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    bytes += bytesOf(row)
    return bytes > mostPageBytes && index > 0
  })
  return end === -1 ? rows : rows.slice(0, end)
}

const encoder = new TextEncoder()

/** As JSON; of a document, which is text already, a little more than it has. */
function bytesOf(item: object): number {
  let characters = 0
  for (const value of Object.values(item)) characters += charactersOf(value)
  // Short ones, as nearly all are, don't need to be exact.
  return characters < 10_000 ? characters : encoder.encode(JSON.stringify(item)).length
}

function charactersOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  const isNested = typeof value === 'object' && value !== null && !(value instanceof Date)
  return isNested ? JSON.stringify(value).length : charactersOfOthers
}

/** Times, numbers, flags. */
const charactersOfOthers = 24

/**
 * Where a list goes on, by the caller's cursor; undefined at its beginning. A cursor of another list, other filters or
 * another caller is refused, after what `check` refuses.
 */
export async function startOf<Position>(
  scope: CursorScope,
  cursor: string | undefined,
  read: (position: readonly unknown[]) => Position | undefined,
  check: () => Promise<Refused | undefined>,
): Promise<Result<Position | undefined>> {
  if (cursor === undefined) return { ok: true, value: undefined }
  const position = readCursor(scope, cursor)
  const start = position === undefined ? undefined : read(position)
  if (start !== undefined) return { ok: true, value: start }
  const errors = [{ parameter: 'cursor', message: 'is not a cursor of this list with these filters and this caller' }]
  return (await check()) ?? refuse('invalid_cursor', { errors })
}

/** The position of a list that is ordered by a time, then by id. */
export function readKeyset([atMilliseconds, id, ...more]: readonly unknown[]): Keyset | undefined {
  if (!Number.isSafeInteger(atMilliseconds) || typeof id !== 'string' || !isId(id) || more.length > 0) return undefined
  const at = new Date(Number(atMilliseconds))
  return isInKeptYears(at) ? { at, id } : undefined
}
