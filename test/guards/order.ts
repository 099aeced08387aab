import type { Term } from './terms.ts'

/** What a suite reaches, and how long it takes. */
export interface Reach {
  readonly suite: string
  readonly milliseconds: number
  /** By name, which outlives changes of the sources. */
  readonly terms: readonly string[]
}

/** Which suites have noticed terms of a source, a term each. */
export type Noticed = ReadonlyMap<string, readonly string[]>

/** A suite begins in about so much. */
const startMilliseconds = 1500
/** How often a suite notices that is only known to reach the term, and one whose name speaks of the term's source. */
const byReachAlone = 0.1
const byName = 0.4
/** How many terms of a source speak as loud as a guess. */
const guessWeight = 3
/** A suite that reaches so many terms is neither about few things nor about all. */
const usualTerms = 100

/**
 * Those that reach the term, in the order in which it takes least until one notices: the likelier and the faster a suite
 * is, the earlier. What has noticed other terms of the same source counts most.
 */
export function inOrder(term: Pick<Term, 'name'>, reaching: readonly Reach[], noticed: Noticed): readonly string[] {
  const source = sourceOf(term)
  const noticers = noticed.get(source) ?? []
  const costOf = ({ suite, milliseconds, terms }: Reach): number => {
    const focus = Math.min(2, Math.max(0.5, usualTerms / terms.length))
    const guess = (isNamedAfter(suite, source) ? byName : byReachAlone) * focus
    const times = noticers.filter((noticer) => noticer === suite).length
    const likelihood = (guess * guessWeight + times) / (guessWeight + noticers.length)
    return (milliseconds + startMilliseconds) / likelihood
  }
  return reaching.toSorted((one, other) => costOf(one) - costOf(other)).map(({ suite }) => suite)
}

/** `repositories/workflows/remove.ts` of a term's name or id. */
export function sourceOf({ name }: Pick<Term, 'name'>): string {
  return name.split(' ')[0] ?? name
}

/** `test/contract/shares.test.ts` after `repositories/workflows/shares-put.ts`, and after all of `repositories/workflows`. */
function isNamedAfter(suite: string, source: string): boolean {
  const words = new Set(wordsOf(source))
  return wordsOf(suite).some((word) => words.has(word))
}

const sayNothing = new Set(['test', 'contract', 'repositories', 'store', 'access', 'ts'])

/** Where a suite has the route's name and the source has the table's. */
const synonyms = new Map([
  ['reset', 'recovery'],
  ['credential', 'auth'],
  ['login', 'auth'],
  ['event', 'audit'],
  ['take', 'transfer'],
  ['serve', 'schedule'],
])

function wordsOf(path: string): readonly string[] {
  return path
    .split(/[/.-]/)
    .filter((word) => !sayNothing.has(word))
    .map((word) => word.replace(/s$/, ''))
    .map((word) => synonyms.get(word) ?? word)
}
