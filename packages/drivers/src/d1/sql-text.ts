import { withinCompoundLimit } from './compound.ts'
import { sqlTokens } from './sql-tokens.ts'

/** A statement's text as D1 takes it, and what of it matters for sending it. */
export interface SqlText {
  readonly sql: string
  /** Where each parameter's `?` stands. */
  readonly places: readonly number[]
  /** Whether it is a SELECT, with or without a WITH before it. */
  readonly isRead: boolean
}

const mostKnown = 500
const known = new Map<string, SqlText>()

/** Reads a statement's text; texts are few, and each is read once. */
export function readSqlText(text: string): SqlText {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size >= mostKnown) known.clear()
  const read = scan(withinCompoundLimit(text))
  known.set(text, read)
  return read
}

function scan(sql: string): SqlText {
  const places: number[] = []
  let depth = 0
  let verb: string | undefined
  for (const { word, index } of sqlTokens(sql)) {
    if (word === '?') places.push(index)
    else if (word === '(') depth += 1
    else if (word === ')') depth -= 1
    else if (depth === 0 && verbs.has(word)) verb ??= word
  }
  return { sql, places, isRead: verb === 'select' }
}

/** What a statement can do behind its common table expressions; of these the first outside parentheses tells. */
const verbs: ReadonlySet<string> = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'replace',
  'create',
  'drop',
  'alter',
  'pragma',
])

/** The text with what is given in place of each parameter's `?`; as it is where that is the `?` itself. */
export function withPlaces({ sql, places }: SqlText, write: (position: number) => string): string {
  let written = ''
  let from = 0
  for (const [position, place] of places.entries()) {
    written += sql.slice(from, place) + write(position)
    from = place + 1
  }
  return written + sql.slice(from)
}
