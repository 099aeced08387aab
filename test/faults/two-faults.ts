import { sample } from '../serial/explore.ts'
import { beginRestore } from '../serial/jobs.ts'
import { partnersOf } from '../serial/pairs.ts'
import { linesOf } from '../serial/report.ts'
import { steppedByTrip } from '../serial/stage.ts'
import { openTheatre, type OpenTheatre } from '../serial/theatre.ts'
import type { Place } from '../serial/ground.ts'
import type { Theatre } from '../serial/run.ts'
import type { Write } from '../serial/write.ts'
import type { DialectName } from '../dialects.ts'
import { writes } from '../serial/writes.ts'
import { runMatrix, type FaultViolation } from './matrix.ts'
import { faultyFetch } from './trip-faults.ts'

/** Those that are done or not. A restore begins by several, and one that is interrupted leaves its mark, to be resumed. */
export const wholeWrites: readonly Write[] = writes.filter((write) => write !== beginRestore)

export interface TwoFaults {
  readonly runs: number
  readonly possible: number
  /** Each as text. */
  readonly violations: readonly string[]
}

/** A world behind a network that loses what is planned. */
export function openFaultyTheatre(dialect: DialectName, place: Place): Promise<OpenTheatre> {
  return openTheatre(dialect, place, { between: (name, send) => steppedByTrip(name, faultyFetch(name, send)) })
}

/** Two faults in a row at a write: by itself, and with the write of another client in between. */
export async function runTwoFaults(
  theatre: Theatre,
  write: Write,
  {
    seed,
    mostRuns,
    mostFirsts,
    others = sample(partnersOf(write), 1, `${seed} ${write.name}`),
  }: {
    readonly seed: number
    /** By itself, and with each other write. */
    readonly mostRuns: number
    readonly mostFirsts?: number | undefined
    /** Those that come in between; one that the seed chooses unless given. */
    readonly others?: readonly Write[] | undefined
  },
): Promise<TwoFaults> {
  const all = { runs: 0, possible: 0 }
  const violations: string[] = []
  for (const partner of [undefined, ...others]) {
    const found = await runMatrix(theatre, write, partner, { mostRuns, mostFirsts, seed })
    all.runs += found.runs
    all.possible += found.possible
    violations.push(...found.violations.map(textOf))
  }
  return { ...all, violations }
}

/** A violation as a test prints it. */
export function textOf({ case: name, outcome, allowed }: FaultViolation): string {
  const lines = [`what came out:`, ...linesOf(outcome), ...allowed.flatMap((other) => ['allowed:', ...linesOf(other)])]
  return [name, ...lines].join('\n')
}
