/** Strings, quoted names and comments, in which nothing counts; words, parentheses and places, which do. */
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*|[()?]/g

export interface SqlToken {
  /** A word in lower case, a parenthesis, a `?`, or the whole of a string, a quoted name or a comment. */
  readonly word: string
  readonly index: number
}

/** What a statement's text is made of, as far as it matters for sending it to D1. */
export function* sqlTokens(sql: string): Generator<SqlToken> {
  for (const { 0: text, index } of sql.matchAll(token)) {
    yield { word: /^\w/.test(text) ? text.toLowerCase() : text, index }
  }
}
