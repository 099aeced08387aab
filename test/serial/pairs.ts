import type { Write } from './write.ts'
import { writes } from './writes.ts'

export type Pair = readonly [Write, Write]

/** Every two writes, also one with itself, that can meet in a row. */
export const pairs: readonly Pair[] = writes.flatMap((first, index) =>
  writes
    .slice(index)
    .filter((second) => canMeet(first, second))
    .map((second): Pair => [first, second]),
)

function canMeet(first: Write, second: Write): boolean {
  const meets = (rows: readonly string[], others: readonly string[]) => rows.some((row) => others.includes(row))
  return meets(first.changes, [...second.changes, ...second.reads]) || meets(second.changes, first.reads)
}

/** The pair's name: `patch × delete`. */
export function nameOf(together: readonly Write[]): string {
  return together.map(({ name }) => name).join(' × ')
}

/** @throws where the table has no write of one of the names. */
export function writesOf(name: string): readonly Write[] {
  return name.split(' × ').map((part) => {
    const found = writes.find((write) => write.name === part)
    if (found === undefined) throw new Error(`there is no write named ${part}`)
    return found
  })
}

/** Other writes that can meet it. */
export function partnersOf(write: Write): readonly Write[] {
  return writes.filter((other) => other !== write && canMeet(write, other))
}
