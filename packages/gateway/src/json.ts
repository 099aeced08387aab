/** A JSON object as it came over the wire: nothing about its members is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

export type ParsedJson =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly message: string }

const surrogateEscape = /\\u[dD][89a-fA-F]/u

/**
 * Parses a request body that has to be one JSON object. Half a surrogate pair is refused, as the real services'
 * parsers do: JavaScript would keep it in the string and then write it as U+FFFD, which changes a document in silence.
 */
export function parseJsonObject(text: string): ParsedJson {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { ok: false, message: withoutInput(error) }
  }
  if (!isJsonObject(value)) return { ok: false, message: 'the body has to be a JSON object' }
  if (surrogateEscape.test(text) && !isWellFormed(value)) return { ok: false, message: 'lone surrogate in a string' }
  return { ok: true, value }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** V8's syntax errors quote the input, and the input holds parameters. */
function withoutInput(error: unknown): string {
  const position = error instanceof Error ? /position \d+|line \d+ column \d+/u.exec(error.message) : null
  return position === null ? 'the body is not JSON' : `the body is not JSON: error at ${position[0]}`
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isWellFormed)
  if (isJsonObject(value))
    return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member))
  return true
}
