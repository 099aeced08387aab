import { describe, inject, type RunnerTestSuite, type SuiteCollector } from 'vitest'
import { drawnBy, isLong, isSampled } from '../scripts/run-seed.ts'

export { isLong, isSampled }

/** What the short forms of this run are drawn by: TEST_SEED, or git's names of the code and the tests. The run prints it. */
export const runSeed = (): string => inject('seed')

/** A number below `count` that belongs to the name in this run. */
export function drawn(name: string, count: number): number {
  return drawnBy(runSeed(), name, count)
}

/** So many of the items, in their order, drawn by the run's seed; all of them where the run is not sampled. */
export function drawnFrom<Item>(items: readonly Item[], count: number, name: string): readonly Item[] {
  if (!isSampled || items.length <= count) return items
  const ranks = items.map((_item, index) => drawn(`${name} ${index}`, 2 ** 32))
  const last = ranks.toSorted((one, other) => one - other)[count - 1] ?? 0
  return items.filter((_item, index) => (ranks[index] ?? 0) <= last)
}

/**
 * Deals the items among so many hands, by the run's seed: each goes to one hand, and no hand has two more than another.
 * Within a hand they keep their order.
 */
export function dealt<Item>(items: readonly Item[], hands: number, name: string): readonly (readonly Item[])[] {
  const order = shuffled(items.map((_item, index) => `${name} ${index}`))
  const handOf = new Map(order.map((index, position) => [index, position % hands]))
  return Array.from({ length: hands }, (_none, hand) => items.filter((_item, index) => handOf.get(index) === hand))
}

/** Indexes of the names, in an order that the run's seed draws. */
function shuffled(names: readonly string[]): readonly number[] {
  return names
    .map((name, index) => ({ index, rank: drawn(name, 2 ** 32) }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ index }) => index)
}

/**
 * Declares a suite of tests that are slow, about no database, and need none of each other: a run of everything has every
 * second one, by seed.
 */
export function describeHalf(name: string, suite: () => void): void {
  const declared = describe(name, () => {
    suite()
  })
  if (isSampled)
    keepTests(new Map([[name, declared]]), ({ file, turn }) => (turn + drawn(`half of ${file}`, 2)) % 2 === 0)
}

/** A test that is collected, and may be left out. */
export interface Candidate<Variant> {
  /** The one whose suite it stands in. */
  readonly variant: Variant
  /** Those that have a test of this name. */
  readonly having: readonly Variant[]
  /** Its name within the suite. */
  readonly name: string
  /** The file that it stands in. */
  readonly file: string
  /** Its place among all tests of the suites, shuffled by the run's seed: whoever takes turns by it has even shares. */
  readonly turn: number
}

/**
 * Has suites, one of each variant, keep the tests alone that are wanted. The others are not registered: they count
 * neither as passed nor as skipped.
 */
export function keepTests<Variant>(
  suites: ReadonlyMap<Variant, SuiteCollector>,
  isWanted: (candidate: Candidate<Variant>) => boolean,
): void {
  const collected = new Map<Variant, RunnerTestSuite>()
  for (const [variant, suite] of suites) {
    const collectAll = suite.collect
    suite.collect = async (file) => {
      const whole = await collectAll(file)
      collected.set(variant, whole)
      // Who has a test is known when all have been collected.
      if (collected.size === suites.size) pruneAll(collected, file.name, isWanted)
      return whole
    }
  }
}

function pruneAll<Variant>(
  suites: ReadonlyMap<Variant, RunnerTestSuite>,
  file: string,
  isWanted: (candidate: Candidate<Variant>) => boolean,
): void {
  const names = new Map([...suites].map(([variant, suite]) => [variant, new Set(testNames(suite))]))
  const havingOf = (name: string) => [...names].filter(([, those]) => those.has(name)).map(([variant]) => variant)
  const turnOf = turnsOf(new Set([...names.values()].flatMap((those) => [...those])), file)
  for (const [variant, suite] of suites) {
    prune(suite, '', (name) => isWanted({ variant, name, having: havingOf(name), file, turn: turnOf.get(name) ?? 0 }))
    // Vitest takes a suite without tests for a mistake.
    if (suite.tasks.length === 0) suite.mode = 'skip'
  }
}

function turnsOf(names: ReadonlySet<string>, file: string): ReadonlyMap<string, number> {
  const all = [...names]
  const order = shuffled(all.map((name) => `${file} ${name}`))
  return new Map(order.map((index, turn) => [all[index] ?? '', turn]))
}

const nameWithin = (before: string, { name }: { readonly name: string }) => `${before} > ${name}`

function testNames(suite: RunnerTestSuite, before = ''): readonly string[] {
  return suite.tasks.flatMap((task) => {
    const name = nameWithin(before, task)
    return task.type === 'test' ? [name] : testNames(task, name)
  })
}

function prune(suite: RunnerTestSuite, before: string, isWanted: (name: string) => boolean): RunnerTestSuite {
  suite.tasks = suite.tasks.filter((task) => {
    const name = nameWithin(before, task)
    return task.type === 'test' ? isWanted(name) : prune(task, name, isWanted).tasks.length > 0
  })
  return suite
}
