/** The values of `{name}` segments in a path that matches the pattern; undefined when one is not well encoded. */
export function pathParameters(pattern: string, pathname: string): Readonly<Record<string, string>> | undefined {
  const segments = pathname.split('/')
  const values: Record<string, string> = {}
  for (const [position, part] of pattern.split('/').entries()) {
    if (!part.startsWith('{')) continue
    const value = decoded(segments[position] ?? '')
    if (value === undefined) return undefined
    values[part.slice(1, -1)] = value
  }
  return values
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
