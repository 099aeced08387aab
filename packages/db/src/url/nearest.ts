const longestCompared = 64

/** The candidate with the fewest edits (Levenshtein) to `word`, ignoring case; the first of several. */
export function nearestOf(word: string, candidates: readonly string[]): { name: string; edits: number } {
  const lower = word.slice(0, longestCompared).toLowerCase()
  let best = { name: '', edits: Infinity }
  for (const name of candidates) {
    const edits = editsBetween(lower, name.toLowerCase())
    if (edits < best.edits) best = { name, edits }
  }
  return best
}

function editsBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const substituted = at(previous, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(substituted, at(previous, column) + 1, at(current, column - 1) + 1))
    }
    previous = current
  }
  return at(previous, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
