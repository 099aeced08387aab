/**
 * `pnpm guards`: leaves out each term of each write's condition, and each lock, one at a time, and runs the suites that
 * should notice. Exits 1 where one is left out and nothing fails, unless `survivors.txt` says why nothing can.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dialects, type Dialect } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import { workspaceRoot } from '../workspace.ts'
import { startRunner, type Reach } from './runner.ts'
import { allTerms } from './sources.ts'
import { explainedSurvivors } from './survivors.ts'
import type { Term } from './terms.ts'

const usage = `Usage: npx -y pnpm@12 guards [options]

Leaves out each term of each write's condition, and each lock, one at a time, and runs the suites that should notice.
Exits 1 where nothing notices and test/guards/survivors.txt gives no reason.

  --dialect NAME    sqlite, postgres or mysql: which tests are run (sqlite for conditions, postgres for locks)
  --kind KIND       condition (default) or lock
  --only PATTERN    terms whose name matches, a regular expression: 'workflows/remove|shares'
  --suites PATTERN  only suites whose path matches: 'contract/(shares|transfer)'
  --sample N        only so many, chosen by the seed
  --seed TEXT       (1)
  --resume          goes on: keeps what was found for the same sources, and which suite reaches what
  --survivors       of a run that is resumed, only those that nothing noticed, on this dialect
  --list            the terms, without running anything
  --help
`

const values = readArguments()
const kind = values.kind === 'lock' ? 'lock' : 'condition'
const dialect = dialects.find((name) => name === values.dialect) ?? (kind === 'lock' ? 'postgres' : 'sqlite')

function readArguments() {
  try {
    return parseArgs({
      options: {
        dialect: { type: 'string' },
        kind: { type: 'string', default: 'condition' },
        only: { type: 'string', default: '' },
        suites: { type: 'string', default: '' },
        sample: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        resume: { type: 'boolean', default: false },
        survivors: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}

/** What was found of each term, by name: who noticed, or null for a survivor. */
type Found = Record<string, string | null>

interface Kept {
  readonly found: Found
  readonly reached: readonly Reach[]
}

const folder = join(workspaceRoot, '.cache/guards')

function fileOf(name: Dialect): string {
  return join(folder, `${name}.json`)
}

function readKept(name: Dialect): Kept {
  if (!existsSync(fileOf(name))) return { found: {}, reached: [] }
  return JSON.parse(readFileSync(fileOf(name), 'utf8')) as Kept
}

function keep(kept: Kept): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(fileOf(dialect), JSON.stringify(kept, undefined, 1))
}

/** Survivors of the other dialects' runs: what this one is to try as well. */
function survivedElsewhere({ name }: Term): boolean {
  return dialects.some((other) => other !== dialect && readKept(other).found[name] === null)
}

function chosenTerms(): readonly Term[] {
  const matching = allTerms().filter((term) => term.kind === kind && new RegExp(values.only).test(term.name))
  const wanted = values.survivors ? matching.filter(survivedElsewhere) : matching
  return sample(wanted, Number(values.sample), values.seed)
}

if (values.help) process.stdout.write(usage)
else if (values.list)
  process.stdout.write(
    chosenTerms()
      .map(({ name }) => `${name}\n`)
      .join(''),
  )
else process.exitCode = await run()

async function run(): Promise<number> {
  const terms = chosenTerms()
  const before = values.resume ? readKept(dialect) : { found: {}, reached: [] }
  const runner = await startRunner(dialect, new RegExp(values.suites))
  try {
    const reached = before.reached.length > 0 ? before.reached : await reachedBy(runner)
    const found: Found = { ...before.found }
    keep({ found, reached })
    for (const [index, term] of terms.entries()) {
      if (found[term.name] !== undefined) continue
      const startedAt = performance.now()
      const noticed = await runner.noticed(term, reached)
      found[term.name] = noticed ?? null
      keep({ found, reached })
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
      const what = noticed === undefined ? '✗ nothing noticed' : `✓ ${noticed}`
      process.stdout.write(`${index + 1}/${terms.length} ${seconds} s ${term.name}\n    ${what}\n`)
    }
    return report(terms, found)
  } finally {
    await runner.close()
  }
}

async function reachedBy(runner: Awaited<ReturnType<typeof startRunner>>): Promise<readonly Reach[]> {
  const { reached, failed } = await runner.reach()
  for (const name of failed) process.stdout.write(`fails with nothing left out, and is not asked: ${name}\n`)
  process.stdout.write(
    `${reached.length} suites reach ${new Set(reached.flatMap((suite) => suite.terms)).size} terms\n`,
  )
  return reached
}

function report(terms: readonly Term[], found: Readonly<Found>): number {
  const explained = explainedSurvivors()
  const survivors = terms.filter(({ name }) => found[name] === null)
  const unexplained = survivors.filter(({ name }) => !explained.has(name))
  for (const { name } of unexplained) process.stdout.write(`survives: ${name}\n`)
  process.stdout.write(
    `${dialect}, ${kind}s: ${terms.length} left out, ${terms.length - survivors.length} noticed, ${survivors.length - unexplained.length} survive with a reason, ${unexplained.length} without\n`,
  )
  return unexplained.length === 0 ? 0 : 1
}
