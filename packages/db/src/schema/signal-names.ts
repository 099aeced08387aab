/*
 * The names of signals that a paused execution waits for, in one column: a JSON list with a line feed before each name.
 * JSON writes a line feed within a text as an escape, so a name is found by its bytes alone.
 */

export function encodeSignalNames(names: readonly string[]): string {
  return `[${names.map((name) => signalNeedle(name)).join(',')}]`
}

/** What the encoded list contains when, and only when, it has the name. */
export function signalNeedle(name: string): string {
  return `\n${JSON.stringify(name)}`
}

export function decodeSignalNames(text: string): readonly string[] {
  const parsed: unknown = JSON.parse(text)
  return Array.isArray(parsed) ? parsed.map(String) : []
}
