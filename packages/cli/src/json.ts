/** Whether a parsed JSON value is an object or array: its members can be asked for. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** The members of a text that is a JSON object; undefined for any other, such as a page of whoever stands in between. */
export function membersIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return parseMembers(text)
  } catch {
    return undefined
  }
}

/** The members of a text that is a JSON object. Throws a SyntaxError for what is no JSON, a TypeError for what is no object. */
export function parseMembers(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new TypeError('not a JSON object')
  return value
}
