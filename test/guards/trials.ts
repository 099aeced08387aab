import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { DialectName } from '../dialects.ts'
import { effectsOfWrite, readEffects } from '../serial/effects.ts'
import { replay } from '../serial/explore.ts'
import { readFailedSchedules } from '../serial/failed.ts'
import { writesOf } from '../serial/pairs.ts'
import { readSchedule } from '../serial/schedule.ts'
import { doneAcross, doneAfter, endings } from '../serial/standing.ts'
import { openTheatre, type OpenTheatre } from '../serial/theatre.ts'
import { writesAlone } from '../serial/writes-alone.ts'
import { writes } from '../serial/writes.ts'
import { makeDataDirectory } from '../servers/data-directory.ts'
import { startServers } from '../servers/start.ts'
import { isFaultOfStatement } from './faults.ts'
import type { Verdict } from './runner.ts'
import type { Term } from './terms.ts'

/*
 * What three suites of test/serial do, piece by piece, in this process: a piece takes milliseconds, and only those that
 * reach a term are tried without it. The modules must have been switched before this one is imported.
 */

/** A piece of a suite: a write by itself, one after its caller's standing has ended, or a schedule that failed once. */
interface Trial {
  readonly suite: string
  readonly name: string
  /** @returns what is wrong, undefined where all is as the suite expects it */
  run(): Promise<string | undefined>
}

export interface Trials {
  /** Leaves out a term, and tries what reaches it until one notices; undefined where none does. */
  judge(term: Term): Promise<Verdict | undefined>
  close(): Promise<void>
}

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
  const directory = mkdtempSync(join(tmpdir(), 'millrace-guards-'))
  const dataDirectory = makeDataDirectory(directory)
  // PostgreSQL runs as another user when this is root.
  for (const folder of [directory, dataDirectory]) chmodSync(folder, 0o711)
  const servers = await startServers(directory, randomUUID(), dataDirectory, dialect === 'sqlite' ? [] : [dialect])
  const theatre = await openTheatre(dialect, { servers: servers.started, directory: dataDirectory })
  const reaching = new Map<Trial, ReadonlySet<string>>()
  for (const trial of trialsOf(theatre, dialect).filter(({ suite }) => isWanted(suite))) {
    variant = trial.name
    reached.clear()
    const wrong = await wrongIn(trial)
    if (wrong === undefined) reaching.set(trial, new Set(reached))
    else tell(`fails with nothing left out, and is not tried: ${trial.name}: ${wrong}\n`)
  }
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
    async close() {
      await theatre.close()
      await servers.stop()
      for (const folder of [directory, dataDirectory]) rmSync(folder, { recursive: true, force: true })
    },
  }
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
    suite: 'test/serial/effects.test.ts',
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
  return [...alone, ...ended, ...replayed]
}
