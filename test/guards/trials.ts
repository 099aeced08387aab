import { sql } from 'drizzle-orm'
import type { DialectName } from '../dialects.ts'
import { readLostTrips } from '../faults/lost-trips.ts'
import { runLostTrips } from '../faults/matrix.ts'
import { openFaultyTheatre, textOf } from '../faults/two-faults.ts'
import { effectsOfWrite, readEffects } from '../serial/effects.ts'
import { explore, replay, seeded } from '../serial/explore.ts'
import { readFailedSchedules } from '../serial/failed.ts'
import { startOwnServers } from '../serial/own-servers.ts'
import { nameOf, pairs, writesOf, type Pair } from '../serial/pairs.ts'
import { readSchedule } from '../serial/schedule.ts'
import { doneAcross, doneAfter, endings } from '../serial/standing.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import { ofCommands, writesAlone } from '../serial/writes-alone.ts'
import type { Write } from '../serial/write.ts'
import { writes } from '../serial/writes.ts'
import { isFaultOfStatement } from './faults.ts'
import type { Verdict } from './runner.ts'
import type { Term } from './terms.ts'

/*
 * What three suites of test/serial do, and one of test/faults, piece by piece, in this process: a piece takes
 * milliseconds, and only those that reach a term are tried without it. The modules must have been switched before this one is imported.
 */

/** A piece of a suite: a write by itself, one after its caller's standing has ended, a schedule that failed once, or a loss. */
interface Trial {
  readonly suite: string
  readonly name: string
  /** @returns what is wrong, undefined where all is as the suite expects it */
  run(): Promise<string | undefined>
}

export interface Stepping {
  readonly isWanted: (pair: string) => boolean
  readonly mostChanges: number
  readonly mostSchedules: number
  readonly mostSeconds: number
}

export interface Trials {
  /** Leaves out a term, and tries what reaches it until one notices; undefined where none does. */
  judge(term: Term): Promise<Verdict | undefined>
  /**
   * Leaves out a term, and steps pairs in which a write reaches it until a schedule is not serial.
   * @returns that schedule, as a line of failed-schedules.txt; undefined where there is none, or no time
   */
  step(term: Term, stepping: Stepping): Promise<string | undefined>
  close(): Promise<void>
}

const effectsSuite = 'test/serial/effects.test.ts'
const reached = new Set<string>()
const heard: string[] = []
let removed = ''
/** Statements are built anew for each variant. */
let variant = ''

globalThis.guards = {
  isRemoved(id) {
    reached.add(id)
    return id === removed
  },
  variant: () => variant,
  hear(trouble, message) {
    if (isFaultOfStatement(trouble, message)) heard.push(message)
  },
  always: sql.raw('1 = 1'),
}

/** Starts the dialect's server, makes the world, and tries everything once with nothing left out. */
export async function openTrials(
  dialect: DialectName,
  isWanted: (suite: string) => boolean,
  tell: (text: string) => void,
): Promise<Trials> {
  const own = await startOwnServers([dialect])
  const theatre = await openFaultyTheatre(dialect, own)
  const reaching = new Map<Trial, ReadonlySet<string>>()
  for (const trial of trialsOf(theatre, dialect).filter(({ suite }) => isWanted(suite))) {
    variant = trial.name
    reached.clear()
    const wrong = await wrongIn(trial)
    if (wrong === undefined) reaching.set(trial, new Set(reached))
    else tell(`fails with nothing left out, and is not tried: ${trial.name}: ${wrong}\n`)
  }
  const reach = ({ name }: Write, id: string) =>
    [...reaching].some(([trial, ids]) => trial.suite === effectsSuite && trial.name === name && ids.has(id))
  tell(`${dialect}: ${reaching.size} writes and schedules reach ${countOf(reaching)} terms\n`)
  return {
    async judge({ id }) {
      variant = id
      removed = id
      try {
        for (const [trial, ids] of reaching) {
          if (!ids.has(id)) continue
          heard.length = 0
          const wrong = await wrongIn(trial)
          if (wrong === undefined) continue
          const [fault] = heard
          const by = `${trial.suite} › ${dialect} > ${trial.name}`
          if (fault !== undefined) return { kind: 'does not build', suite: trial.suite, by: `${by}: ${fault}` }
          return { kind: 'noticed', suite: trial.suite, by }
        }
        return undefined
      } finally {
        removed = ''
      }
    },
    async step({ id }, { isWanted: isWantedPair, mostChanges, mostSchedules, mostSeconds }) {
      const withCommands = ofCommands.flatMap((command) =>
        [...writes, ...ofCommands].map((other): Pair => [command, other]),
      )
      const left = inDrawnOrder(
        [...pairs, ...withCommands].filter(
          (pair) => isWantedPair(nameOf(pair)) && pair.some((write) => reach(write, id)),
        ),
      )
      const endsAt = performance.now() + mostSeconds * 1000
      const grain = dialect === 'postgres' ? 'statement' : 'trip'
      let stepped = 0
      variant = id
      removed = id
      try {
        for (const pair of left) {
          if (performance.now() > endsAt) break
          const { violations } = await explore(theatre, pair, { grain, mostChanges, mostSchedules, seed: '1' })
          stepped += 1
          const [first] = violations
          if (first !== undefined) return `${dialect} ${grain} ${first.schedule} ${first.writes}`
        }
        tell(`${stepped} of ${left.length} pairs are serial without it\n`)
        return undefined
      } finally {
        removed = ''
      }
    },
    async close() {
      await theatre.close()
      await own.close()
    },
  }
}

/** The same order each time, in which pairs of one write are far from each other. */
function inDrawnOrder(left: readonly Pair[]): readonly Pair[] {
  const drawn = left.map((pair) => ({ pair, at: seeded(nameOf(pair))() }))
  return drawn.toSorted((one, other) => one.at - other.at).map(({ pair }) => pair)
}

function countOf(reaching: ReadonlyMap<Trial, ReadonlySet<string>>): number {
  return new Set([...reaching.values()].flatMap((ids) => [...ids])).size
}

async function wrongIn(trial: Trial): Promise<string | undefined> {
  try {
    return await trial.run()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function trialsOf(theatre: OpenTheatre, dialect: DialectName): readonly Trial[] {
  const expected = readEffects(dialect)
  const alone = [...writes, ...writesAlone].map((write): Trial => ({
    suite: effectsSuite,
    name: write.name,
    async run() {
      const effects = await effectsOfWrite(theatre, write)
      return effects === expected.get(write.name) ? undefined : effects
    },
  }))
  const schedules = readFailedSchedules().filter((failed) => failed.dialect === dialect)
  const replayed = schedules.map(({ grain, schedule, writes: together }): Trial => ({
    suite: 'test/serial/serial.test.ts',
    name: `${schedule} ${together}`,
    async run() {
      const violation = await replay(theatre, writesOf(together), readSchedule(schedule), grain)
      return violation === undefined ? undefined : 'not serial'
    },
  }))
  const ended = endings.flatMap((ending) =>
    ending.writes.flatMap((write): readonly Trial[] => [
      {
        suite: 'test/serial/standing.test.ts',
        name: `once ${ending.name}: ${write.name}`,
        run: () => doneAfter(theatre, ending, write),
      },
      ...(dialect === 'sqlite'
        ? [
            {
              suite: 'test/serial/standing.test.ts',
              name: `once ${ending.name}, under way: ${write.name}`,
              run: () => doneAcross(theatre, ending, write),
            },
          ]
        : []),
    ]),
  )
  const lost = readLostTrips().map((line): Trial => ({
    suite: 'test/faults/writes-between.test.ts',
    name: `${line.name}, lost`,
    run: async () => (await runLostTrips(theatre, line)).map(textOf)[0],
  }))
  return [...alone, ...ended, ...replayed, ...lost]
}
