/** Where a pattern's `{name}` segments stand, of patterns that were asked for. */
const placesOfPatterns = new Map<string, readonly (readonly [position: number, name: string])[]>()

function placesIn(pattern: string) {
  const known = placesOfPatterns.get(pattern)
  if (known !== undefined) return known
  const places = pattern
    .split('/')
    .flatMap((part, position) => (part.startsWith('{') ? [[position, part.slice(1, -1)] as const] : []))
  placesOfPatterns.set(pattern, places)
  return places
}

/** The values of `{name}` segments in a path that matches the pattern; undefined when one is not well encoded. */
export function pathParameters(pattern: string, pathname: string): Readonly<Record<string, string>> | undefined {
  const values: Record<string, string> = {}
  const places = placesIn(pattern)
  if (places.length === 0) return values
  const segments = pathname.split('/')
  for (const [position, name] of places) {
    const value = decoded(segments[position] ?? '')
    if (value === undefined) return undefined
    values[name] = value
  }
  return values
}

function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
