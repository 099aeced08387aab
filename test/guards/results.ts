import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { DialectName } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Reached, Verdict } from './runner.ts'
import type { Term } from './terms.ts'

/** What was found of terms, by name. */
export type Found = ReadonlyMap<string, Verdict>

const folder = join(workspaceRoot, '.cache/guards')

/** One of several runs side by side: the first of three, say. */
export interface Part {
  readonly part: number
  readonly parts: number
}

/** The results of a kind of terms on a dialect: a file for each part, which only grows while it runs. */
export function resultsOf(dialect: DialectName, kind: Term['kind']) {
  const prefix = join(folder, `${dialect}-${kind}`)
  const fileOf = ({ part, parts }: Part): string => `${prefix}.${part}-of-${parts}.jsonl`
  return {
    /** Of all parts, what was found last. */
    read(): Found {
      const lines = partsOf(prefix).flatMap(readLines)
      return new Map(lines.toSorted((one, other) => one.at - other.at).map(({ name, verdict }) => [name, verdict]))
    },
    /** For a run of everything: forgets what the part has found, and runs that had another number of parts. */
    begin({ part, parts }: Part): void {
      mkdirSync(folder, { recursive: true })
      for (const path of partsOf(prefix).filter((one) => !one.endsWith(`-of-${parts}.jsonl`))) rmSync(path)
      writeFileSync(fileOf({ part, parts }), '')
    },
    add(part: Part, name: string, verdict: Verdict): void {
      mkdirSync(folder, { recursive: true })
      appendFileSync(fileOf(part), `${JSON.stringify({ at: Date.now(), name, verdict })}\n`)
    },
    /** What the suites reach: as read before, or read now while other parts wait. */
    reached: (read: () => Promise<Reached>, { isKept }: { readonly isKept: boolean }) =>
      isKept || existsSync(`${prefix}.reach.json`) ? onceForAll(`${prefix}.reach`, read) : read(),
    /** So that the next call reads it again. */
    forgetReached: () => rmSync(`${prefix}.reach.json`, { force: true }),
  }
}

function partsOf(prefix: string): readonly string[] {
  return globSync(`${prefix}.*-of-*.jsonl`).toSorted()
}

interface Line {
  readonly at: number
  readonly name: string
  readonly verdict: Verdict
}

function readLines(path: string): readonly Line[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Line)
}

async function onceForAll(prefix: string, read: () => Promise<Reached>): Promise<Reached> {
  mkdirSync(folder, { recursive: true })
  const file = `${prefix}.json`
  for (;;) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Reached
    const release = takeLock(`${prefix}.lock`)
    if (release === undefined) {
      await setTimeout(1000)
      continue
    }
    try {
      const reached = await read()
      writeFileSync(file, JSON.stringify(reached))
      return reached
    } finally {
      release()
    }
  }
}

/** Undefined where another process that lives has it. */
function takeLock(path: string): (() => void) | undefined {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return () => rmSync(path, { force: true })
  } catch {
    if (!existsSync(path) || isAlive(Number(readFileSync(path, 'utf8')))) return undefined
    rmSync(path, { force: true })
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
