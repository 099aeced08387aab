import { medianOf } from './statistics.ts'

/** Of each dialect, what each act costs. */
export type CostTables = Readonly<Record<string, Readonly<Record<string, number>> | undefined>>

/** What requests of `millrace serve` cost. */
export interface Costs {
  /** SQL statements of one request. */
  readonly statements: CostTables
  /** CPU time of the process for one request, in CPU times of the floor's for the same request in the same run. */
  readonly cpuOfFloor: CostTables
}

/** As a file has them, which may lack an act or have one too many. */
export interface ExpectedCosts extends Costs {
  /** What a share of the floor's CPU time may be above what is expected, as a part of that. */
  readonly spread: number
}

export interface Comparison {
  /** One for each cost. */
  readonly lines: readonly string[]
  /** Those of them that are not as expected. */
  readonly wrong: readonly string[]
}

/** Statements have to be as expected, CPU time at most the spread above. What was measured has to be in the file. */
export function compareCosts(measured: Costs, expected: ExpectedCosts): Comparison {
  const statements = entriesOf(measured.statements, expected.statements, (found, known) => ({
    words: `${found} statements (${known})`,
    isExpected: found === known,
  }))
  const cpu = entriesOf(measured.cpuOfFloor, expected.cpuOfFloor, (found, known) => {
    const most = mostOf(known, expected)
    return {
      words: `${found} times the floor's CPU time (${known}, at most ${most.toFixed(2)})`,
      isExpected: found <= most,
    }
  })
  const all = [...statements, ...cpu]
  return { lines: all.map(lineOf), wrong: all.filter(({ isExpected }) => !isExpected).map(lineOf) }
}

function lineOf({ line }: Entry): string {
  return line
}

/** @param known what an act is expected to cost */
export function mostOf(known: number, { spread }: Pick<ExpectedCosts, 'spread'>): number {
  return known * (1 + spread)
}

interface Entry {
  readonly line: string
  readonly isExpected: boolean
}

interface Judged {
  readonly words: string
  readonly isExpected: boolean
}

function entriesOf(measured: CostTables, expected: CostTables, judge: (found: number, known: number) => Judged) {
  return Object.entries(measured).flatMap(([dialect, table = {}]) => {
    const known = expected[dialect] ?? {}
    return Array.from(new Set([...Object.keys(table), ...Object.keys(known)]), (act): Entry => {
      const [found, wanted] = [table[act], known[act]]
      if (wanted === undefined) return { line: `${dialect}, ${act}: is not in bench/expected.json`, isExpected: false }
      // An act that was renamed would else be compared no more.
      if (found === undefined || Number.isNaN(found))
        return { line: `${dialect}, ${act}: not measured`, isExpected: false }
      const { words, isExpected } = judge(found, wanted)
      return { line: `${dialect}, ${act}: ${words}`, isExpected }
    })
  })
}

/** Of 100 runs that are above, one is taken to be below too soon. */
const confidence = 2.33

/**
 * Whether enough is known to say that the median of what the values are drawn from is below the limit: by the
 * distribution-free bound of a median, the value half of `confidence` times the root of their number behind the middle.
 */
export function isClearlyBelow(values: readonly number[], most: number): boolean {
  const sorted = values.toSorted((one, other) => one - other)
  const bound = sorted[Math.ceil(values.length / 2 + (confidence * Math.sqrt(values.length)) / 2) - 1]
  return bound !== undefined && bound < most
}

/** As it is compared and recorded. */
export function costOf(ratios: readonly number[]): number {
  return Number(medianOf(ratios).toFixed(2))
}
