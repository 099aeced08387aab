import type { D1Value } from './client.ts'

/** Parameters as D1 binds them, and how the text refers to each of the given ones. */
export interface Numbered {
  readonly params: readonly D1Value[]
  /** What stands in the text for the given parameter of that position. */
  readonly refer: (position: number) => string
}

/**
 * Has many parameters bound as no more than `most`: values that are equal are bound once, as `?7`; and where that does not
 * do, the shortest go together, as the members of one JSON array.
 * https://developers.cloudflare.com/d1/worker-api/prepared-statements/
 */
export function numbered(values: readonly D1Value[], most: number): Numbered {
  const distinct = [...new Set(values)]
  const together = distinct.length <= most ? [] : shortest(distinct, distinct.length - most + 1)
  const alone = distinct.filter((value) => !together.includes(value))
  const numbers = new Map(alone.map((value, index) => [value, index + 1]))
  const places = new Map(together.map((value, index) => [value, index]))
  return {
    params: together.length === 0 ? alone : [...alone, JSON.stringify(together)],
    refer(position) {
      const value = values[position] ?? null
      const number = numbers.get(value)
      return number === undefined ? `json_extract(?${alone.length + 1}, '$[${places.get(value)}]')` : `?${number}`
    },
  }
}

/** JSON functions read a text up to its first U+0000: one that has it is bound by itself. */
function shortest(values: readonly D1Value[], count: number): readonly D1Value[] {
  const fitting = values.filter((value) => typeof value !== 'string' || !value.includes('\0'))
  return fitting.toSorted((one, other) => lengthOf(one) - lengthOf(other)).slice(0, count)
}

function lengthOf(value: D1Value): number {
  return typeof value === 'string' ? value.length : 0
}
