import type { Statement } from '@millrace/db/sql/statement'

/** A place, or what a place can't be in: quoted texts, with doubled or escaped quotes in them, and names. */
const placesAndQuoted = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|\?/gs

/**
 * The statement as one text, where it can't be prepared: Hyperdrive takes no prepared statement of MySQL's.
 * https://developers.cloudflare.com/hyperdrive/reference/supported-databases-and-features/#unsupported-mysql-features
 * @throws TypeError where a parameter has no place, a place no parameter, or a value no literal
 */
export function mysqlTextOf({ text, parameters }: Statement): string {
  let used = 0
  const whole = text.replace(placesAndQuoted, (found) => {
    if (found !== '?') return found
    if (used === parameters.length) throw new TypeError('a MySQL statement has more places than parameters')
    return literalOf(parameters[used++])
  })
  if (used < parameters.length) throw new TypeError('a MySQL statement has more parameters than places')
  return whole
}

function literalOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return textLiteral(value)
    case 'boolean':
      return value ? '1' : '0'
    case 'bigint':
      return String(value)
    case 'number':
      if (Number.isFinite(value)) return String(value)
      break
    default:
      if (value === null) return 'null'
  }
  throw new TypeError(`a value of type ${typeof value} has no place in a MySQL statement`)
}

/**
 * Reads the same under any `sql_mode`: whether a backslash escapes is the server's setting (NO_BACKSLASH_ESCAPES), so
 * a text that has one is written by its bytes. https://dev.mysql.com/doc/refman/8.4/en/hexadecimal-literals.html
 */
function textLiteral(text: string): string {
  if (!text.includes('\\')) return `'${text.replaceAll("'", "''")}'`
  return `_utf8mb4 X'${hexOf(new TextEncoder().encode(text))}'`
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_none, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += hexOfByte[byte]
  return hex
}
