/** What of a statement's text matters for sending it. */
export interface SqlText {
  /** Where each parameter's `?` stands. */
  readonly places: readonly number[]
  /** Whether it is a SELECT, with or without a WITH before it. */
  readonly isRead: boolean
}

/** Strings, quoted names and comments, in which nothing counts; words, parentheses and places, which do. */
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*|[()?]/g

const mostKnown = 500
const known = new Map<string, SqlText>()

/** Reads a statement's text; texts are few, and each is read once. */
export function readSqlText(sql: string): SqlText {
  const found = known.get(sql)
  if (found !== undefined) return found
  if (known.size >= mostKnown) known.clear()
  const read = scan(sql)
  known.set(sql, read)
  return read
}

function scan(sql: string): SqlText {
  const places: number[] = []
  let depth = 0
  let verb: string | undefined
  for (const { 0: text, index } of sql.matchAll(token)) {
    if (text === '?') places.push(index)
    else if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    else if (depth === 0 && verb === undefined && verbs.has(text.toLowerCase())) verb = text.toLowerCase()
  }
  return { places, isRead: verb === 'select' }
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
export function withPlaces(sql: string, places: readonly number[], write: (position: number) => string): string {
  let written = ''
  let from = 0
  for (const [position, place] of places.entries()) {
    written += sql.slice(from, place) + write(position)
    from = place + 1
  }
  return written + sql.slice(from)
}
