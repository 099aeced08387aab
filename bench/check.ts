import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { dialects, isCi, type DialectName } from '../test/dialects.ts'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers, type Servers } from '../test/servers/start.ts'
import { compareCosts, mostOf, type Costs, type ExpectedCosts } from './costs.ts'
import { lanes, measureCpuOfFloor } from './cpu-of-floor.ts'
import { createDatabase } from './databases.ts'
import type { ServeAct } from './serve-acts.ts'
import { servedDialects, startServeStage, type ServedDialect } from './serve-subjects.ts'
import { countStatements } from './statement-counts.ts'

const file = join(import.meta.dirname, 'expected.json')

/**
 * Compares what each request costs with the numbers in the repository: statements exactly, CPU time within the spread.
 * Times are never compared: they belong to the machine. With `records` it writes the numbers instead.
 * @returns what is not as expected, in words
 */
export async function check({ records }: { readonly records: boolean }): Promise<readonly string[]> {
  const expected = JSON.parse(readFileSync(file, 'utf8')) as ExpectedCosts
  const measured = await measureAll((dialect, act) => {
    const known = expected.cpuOfFloor[dialect]?.[act]
    return records || known === undefined ? undefined : mostOf(known, expected)
  })
  if (records) {
    const { statements, cpuOfFloor } = measured
    const recorded = {
      ...expected,
      statements: { ...expected.statements, ...statements },
      cpuOfFloor: { ...expected.cpuOfFloor, ...cpuOfFloor },
    }
    writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`)
    return []
  }
  const { lines, wrong } = compareCosts(measured, expected)
  process.stdout.write(`${lines.join('\n')}\n`)
  return wrong
}

/** What an act may cost; undefined: nothing is known. */
type MostOf = (dialect: ServedDialect, act: ServeAct) => number | undefined

async function measureAll(most: MostOf): Promise<Costs> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const runId = randomUUID()
  const servers = await startServers(directory, runId)
  process.env[runVariable] = runId
  try {
    const there = dialects.filter((dialect) => isThere(dialect, servers))
    const statements = there.map(async (dialect) => {
      const { url } = await createDatabase(dialect, servers.started, directory)
      return [dialect, await countStatements(url, directory)] as const
    })
    const counted = Object.fromEntries(await Promise.all(statements))
    const cpuOfFloor: Partial<Record<ServedDialect, Readonly<Record<ServeAct, number>>>> = {}
    // One after the other: at once they would only disturb each other.
    for (const dialect of servedDialects.filter((served) => there.includes(served))) {
      const stage = await startServeStage(dialect, { servers: servers.started, directory, lanes })
      try {
        cpuOfFloor[dialect] = await measureCpuOfFloor(stage, (act) => most(dialect, act))
      } finally {
        await stage.stop()
      }
    }
    return { statements: counted, cpuOfFloor }
  } finally {
    await servers.stop()
  }
}

/** In CI nothing may be missing. */
function isThere(dialect: DialectName, { started }: Servers): boolean {
  if (dialect === 'sqlite') return true
  const server = started[dialect]
  if (!('missing' in server)) return true
  if (isCi()) throw new Error(`${dialect} can't be measured: ${server.missing}`)
  process.stderr.write(`${dialect} is not measured: ${server.missing}\n`)
  return false
}
