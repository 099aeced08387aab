export type SqliteTokenKind = 'word' | 'parameter' | 'semicolon' | 'open' | 'close' | 'dot' | 'other'

export interface SqliteToken {
  readonly kind: SqliteTokenKind
  /** A word in upper case, a parameter as written; for the rest the characters. */
  readonly text: string
  readonly start: number
  readonly end: number
}

// Runs of plain characters are matched at once, not one by one: a long text must not use up the matcher's stack.
// One alternative after the other, as SQLite's own tokenizer has them: https://www.sqlite.org/src/file/src/tokenize.c
const pattern = new RegExp(
  [
    String.raw`(?<space>[ \t\n\f\r]+|--[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/)?)`,
    String.raw`(?<quoted>'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|` +
      '`[^`]*(?:``[^`]*)*`?' +
      String.raw`|\[[^\]]*\]?)`,
    String.raw`(?<parameter>\?[0-9]*|[@:#][A-Za-z0-9_$\u0080-\uffff]+|\$[A-Za-z0-9_$\u0080-\uffff]+(?:::[A-Za-z0-9_$\u0080-\uffff]*)*(?:\([^)\s]*\))?)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)`,
    String.raw`(?<number>[0-9][A-Za-z0-9_.]*)`,
    String.raw`(?<mark>[\s\S])`,
  ].join('|'),
  'y',
)

const marks: Readonly<Record<string, SqliteTokenKind>> = { ';': 'semicolon', '(': 'open', ')': 'close', '.': 'dot' }

/** The tokens of an SQL text without white space and comments. Never fails: what is no SQL becomes `other`. */
export function* sqliteTokens(sql: string): Generator<SqliteToken> {
  pattern.lastIndex = 0
  let start = 0
  while (start < sql.length) {
    pattern.lastIndex = start
    const groups = pattern.exec(sql)?.groups
    if (groups === undefined) return
    const end = pattern.lastIndex
    const token = tokenOf(groups, start, end)
    start = end
    if (token !== undefined) yield token
  }
}

function tokenOf(
  groups: Readonly<Record<string, string | undefined>>,
  start: number,
  end: number,
): SqliteToken | undefined {
  const { space, quoted, parameter, word, number, mark } = groups
  if (space !== undefined) return undefined
  if (word !== undefined) return { kind: 'word', text: word.toUpperCase(), start, end }
  if (parameter !== undefined) return { kind: 'parameter', text: parameter, start, end }
  if (mark !== undefined) return { kind: marks[mark] ?? 'other', text: mark, start, end }
  return { kind: 'other', text: quoted ?? number ?? '', start, end }
}
