/** Words that begin or end a transaction, or undo a part of it, when a statement starts with them. */
const controlWords: ReadonlySet<string> = new Set(['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT'])

/** True for a statement that would end the transaction around it, or undo an error in it. */
export function isTransactionControl(sql: string): boolean {
  const start = startOfStatement(sql)
  const [first = '', second = ''] = sql
    .slice(start, start + 100)
    .toUpperCase()
    .split(/[^A-Z]+/u)
  return controlWords.has(first) || (first === 'PREPARE' && second === 'TRANSACTION')
}

/** Where a statement starts after white space, semicolons and comments, which nest in PostgreSQL. */
function startOfStatement(sql: string): number {
  let at = 0
  for (;;) {
    if (/[\s;]/u.test(sql.charAt(at))) at += 1
    else if (sql.startsWith('--', at)) at = endOfLine(sql, at)
    else if (sql.startsWith('/*', at)) at = endOfComment(sql, at)
    else return at
  }
}

function endOfLine(sql: string, from: number): number {
  const end = sql.indexOf('\n', from)
  return end === -1 ? sql.length : end + 1
}

function endOfComment(sql: string, from: number): number {
  let depth = 1
  let at = from + 2
  while (depth > 0 && at < sql.length) {
    const isOpening = sql.startsWith('/*', at)
    const isClosing = sql.startsWith('*/', at)
    if (isOpening) depth += 1
    else if (isClosing) depth -= 1
    at += isOpening || isClosing ? 2 : 1
  }
  return at
}
