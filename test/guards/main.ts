/**
 * `pnpm guards`: leaves out each term of each write's condition, and each lock, one at a time, and runs the suites that
 * should notice. Exits 1 where one is left out and nothing fails, unless `survivors.txt` says why nothing can.
 */
import { parseArgs } from 'node:util'
import { dialects } from '../dialects.ts'
import type { Part } from '../serial/explore.ts'
import { inOrder, sourceOf, type Reach } from './order.ts'
import { resultsOf, type Found } from './results.ts'
import { startRunner, type Reached, type Runner, type Verdict } from './runner.ts'
import { allTerms } from './sources.ts'
import { explainedSurvivors } from './survivors.ts'
import { switchModules } from './switched-modules.ts'
import type { Term } from './terms.ts'
import type { Trials } from './trials.ts'

const usage = `Usage: npx -y pnpm@12 guards [options]

Leaves out each term of each write's condition, and each lock, one at a time, and runs the suites that should notice.
Exits 1 where nothing notices and test/guards/survivors.txt gives no reason.

  --dialect NAME    sqlite, postgres or mysql: which tests are run (sqlite for conditions, postgres for locks)
  --kind KIND       condition (default) or lock
  --only PATTERN    terms whose name matches, a regular expression: 'workflows/remove|shares'
  --suites PATTERN  only suites whose path matches: 'contract/(shares|transfer)'
  --sample N        only N terms, chosen by the seed
  --seed TEXT       (1)
  --part K/N        the Kth of N parts of the terms, so that several runs can share the work
  --seconds N       runs the likeliest suites, as many as take about N seconds together (120; with --survivors all)
  --reach           finds out again which suite reaches which term; use it after many changes
  --resume          continues earlier runs: skips terms that have a result, with --writes those that are noticed
  --survivors       only terms that no suite has noticed yet, on any dialect; runs the suites that were not run for them
  --writes          instead of whole suites, tries the writes and the schedules of test/serial that reach a term, in this
                    process: a term takes about a second. What they notice is noticed; what they don't is left as it was.
  --pairs PATTERN   with --writes: steps pairs whose name matches and in which a write reaches the term, for --seconds
                    per term, and prints the first schedule that is not serial. Where it belongs to the term, add it to
                    test/serial/failed-schedules.txt: then --writes notices.
  --changes N       with --pairs: how often the turn may pass to the other write (2)
  --schedules N     with --pairs: at most N schedules per pair (15)
  --report          prints the results of all parts, without running anything
  --list            prints the terms, without running anything
  --help
`

const values = readArguments()
const kind = values.kind === 'lock' ? 'lock' : 'condition'
const dialect = dialects.find((name) => name === values.dialect) ?? (kind === 'lock' ? 'postgres' : 'sqlite')
const results = resultsOf(dialect, kind)
// Before anything of the product is imported.
if (values.writes) switchModules()
const { partOf, readPart, sample } = await import('../serial/explore.ts')
const part = partAsked()
const isWhole =
  values.only === '' && values.suites === '' && values.sample === '100000' && !values.survivors && !values.writes
const mostSeconds = Number(values.seconds ?? (values.survivors ? Number.POSITIVE_INFINITY : 120))
/** Where races are stepped or made: what notices that a lock is missing. */
const racing = /^test\/(?:serial|races)\//
let isInterrupted = false

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
        part: { type: 'string', default: '1/1' },
        seconds: { type: 'string' },
        reach: { type: 'boolean', default: false },
        resume: { type: 'boolean', default: false },
        survivors: { type: 'boolean', default: false },
        writes: { type: 'boolean', default: false },
        pairs: { type: 'string' },
        changes: { type: 'string', default: '2' },
        schedules: { type: 'string', default: '15' },
        report: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
}

function misused(message: string): never {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

function partAsked(): Part {
  try {
    return readPart(values.part)
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
}

function chosenTerms(): readonly Term[] {
  const matching = allTerms().filter((term) => term.kind === kind && new RegExp(values.only).test(term.name))
  const wanted = values.survivors ? matching.filter(hasSurvived) : matching
  return partOf(sample(wanted, Number(values.sample), values.seed), part)
}

function hasSurvived({ name }: Term): boolean {
  return foundAnywhere().get(name)?.kind === 'survives'
}

/** On all dialects: what is noticed on one of them is noticed. */
function foundAnywhere(): Found {
  const found = new Map<string, Verdict>()
  for (const other of dialects) {
    for (const [name, verdict] of resultsOf(other, kind).read()) {
      if (found.get(name)?.kind !== 'noticed') found.set(name, verdict)
    }
  }
  return found
}

if (values.help) process.stdout.write(usage)
else if (values.list) for (const { name } of chosenTerms()) process.stdout.write(`${name}\n`)
else if (values.report) process.exitCode = report(chosenTerms())
else if (values.writes) process.exitCode = await tryWrites()
else process.exitCode = await run()

async function tryWrites(): Promise<number> {
  const terms = chosenTerms()
  const known = foundAnywhere()
  const left = values.resume ? terms.filter(({ name }) => known.get(name)?.kind !== 'noticed') : terms
  const { openTrials } = await import('./trials.ts')
  const trials = await openTrials(dialect, isWanted, (text) => process.stdout.write(text))
  try {
    for (const term of left) {
      if (values.pairs !== undefined) {
        await stepPairs(trials, term, new RegExp(values.pairs))
        continue
      }
      const verdict = await trials.judge(term)
      if (verdict === undefined) continue
      results.add(part, term.name, verdict)
      process.stdout.write(`${term.name}\n    ${textOf(verdict)}\n`)
    }
  } finally {
    await trials.close()
  }
  return report(terms)
}

/** Records nothing: no suite notices before the schedule is in its list. */
async function stepPairs(trials: Trials, term: Term, wanted: RegExp): Promise<void> {
  process.stdout.write(`${term.name}\n`)
  const stepping = { mostChanges: Number(values.changes), mostSchedules: Number(values.schedules), mostSeconds }
  const schedule = await trials.step(term, { isWanted: (pair) => wanted.test(pair), ...stepping })
  if (schedule !== undefined) process.stdout.write(`    ${schedule}\n`)
}

async function run(): Promise<number> {
  const terms = chosenTerms()
  if (isWhole && !values.resume) results.begin(part)
  // Servers that are not asked for are not started.
  if (dialect !== 'postgres') process.env['TEST_POSTGRES_URL'] = 'postgresql://unused@127.0.0.1:9'
  if (dialect !== 'mysql') process.env['TEST_MYSQL_URL'] = 'mysql://unused@127.0.0.1:9'
  const workers = part.parts === 1 ? 2 : 1
  const runner = await startRunner({ dialect, isWanted, workers })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Vitest's own would end the process at once.
    process.removeAllListeners(signal)
    process.once(signal, () => {
      isInterrupted = true
      runner.stop()
    })
  }
  try {
    await judgeAll(terms, runner)
  } catch (error) {
    if (!isInterrupted) throw error
    process.stdout.write('interrupted; --resume goes on\n')
  } finally {
    await runner.close()
  }
  const code = report(terms)
  return isInterrupted ? 130 : code
}

async function judgeAll(terms: readonly Term[], runner: Runner): Promise<void> {
  if (values.reach) results.forgetReached()
  const read = () => runner.reach(new Map(allTerms().map(({ id, name }) => [id, name])))
  const reached = await results.reached(read, { isKept: values.suites === '' })
  tellReach(reached)
  const before = results.read()
  const left = values.resume ? terms.filter(({ name }) => !before.has(name)) : terms
  const startedAt = performance.now()
  for (const [index, term] of left.entries()) {
    const termAt = performance.now()
    const verdict = await judgeWithin(term, runner, reached)
    // Of some suites alone, that nothing notices says little, unless others were asked before.
    if (values.suites === '' || values.survivors || verdict.kind !== 'survives') results.add(part, term.name, verdict)
    const mean = secondsSince(startedAt) / (index + 1)
    process.stdout.write(
      `${index + 1}/${left.length} ${secondsSince(termAt).toFixed(0)} s (mean ${mean.toFixed(1)} s) ${term.name}\n    ${textOf(verdict)}\n`,
    )
  }
}

/** Asks what there is time for, without suites that have noticed nothing in a run before. */
async function judgeWithin(term: Term, runner: Runner, { suites, usual }: Reached): Promise<Verdict> {
  const before = results.read().get(term.name)
  const asked = before?.kind === 'survives' && values.survivors ? before.asked : []
  const left = suitesFor(term, suites).filter((suite) => !asked.includes(suite))
  const chosen = withinTime(left, suites)
  const verdict = await runner.judge(term, chosen, usual)
  const isWhole = chosen.length === left.length && values.suites === ''
  return verdict ?? { kind: 'survives', asked: [...asked, ...chosen], isWhole }
}

/** The first of them, that take as long together; one at least. */
function withinTime(ordered: readonly string[], suites: readonly Reach[]): readonly string[] {
  const milliseconds = new Map(suites.map((reach) => [reach.suite, reach.milliseconds]))
  let left = mostSeconds * 1000
  return ordered.filter((suite, index) => {
    const needed = milliseconds.get(suite) ?? 0
    if (index > 0 && needed > left) return false
    left -= needed
    return true
  })
}

function isWanted(suite: string): boolean {
  return (kind === 'condition' || racing.test(suite)) && new RegExp(values.suites).test(suite)
}

function suitesFor(term: Term, suites: readonly Reach[]): readonly string[] {
  // What nothing is known to reach may be newer than what is known.
  const isKnown = suites.some(({ terms }) => terms.includes(term.name))
  const reaching = suites.filter(({ suite, terms }) => isWanted(suite) && (!isKnown || terms.includes(term.name)))
  return inOrder(term, reaching, noticers(results.read()))
}

/** Which suites have noticed terms of each source so far. */
function noticers(found: Found): ReadonlyMap<string, readonly string[]> {
  const noticed = new Map<string, string[]>()
  for (const [name, verdict] of found) {
    if (verdict.kind !== 'noticed') continue
    const source = sourceOf({ name })
    noticed.set(source, [...(noticed.get(source) ?? []), verdict.suite])
  }
  return noticed
}

function tellReach({ suites, failed }: Reached): void {
  for (const name of failed) process.stdout.write(`fails with nothing left out, and is not asked: ${name}\n`)
  const count = new Set(suites.flatMap(({ terms }) => terms)).size
  process.stdout.write(`${suites.length} suites reach ${count} terms\n`)
}

function textOf(verdict: Verdict): string {
  if (verdict.kind === 'survives') {
    return `✗ ${verdict.isWhole ? 'nothing noticed' : `none of ${verdict.asked.length} suites noticed; --survivors asks the others`}`
  }
  return verdict.kind === 'noticed' ? `✓ ${verdict.by}` : `does not build: ${verdict.by}`
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}

/** What is known of the terms, from all runs that are kept. */
function report(terms: readonly Term[]): number {
  const found = foundAnywhere()
  const explained = explainedSurvivors()
  const tried = terms.filter(({ name }) => found.has(name))
  const ofKind = (wanted: Verdict['kind']) => tried.filter(({ name }) => found.get(name)?.kind === wanted)
  const survivors = ofKind('survives')
  const broken = ofKind('does not build')
  const unexplained = survivors.filter(({ name }) => !explained.has(name))
  const unexplainedBroken = broken.filter(({ name }) => !explained.has(name))
  const isAskedInPart = ({ name }: Term): boolean => {
    const verdict = found.get(name)
    return verdict?.kind === 'survives' && !verdict.isWhole
  }
  for (const { name } of unexplained) process.stdout.write(`survives: ${name}\n`)
  for (const { name } of unexplainedBroken) process.stdout.write(`does not build: ${name}\n`)
  process.stdout.write(
    `${dialect}, ${kind}s: ${tried.length} of ${terms.length} left out, ${ofKind('noticed').length} noticed, ${broken.length} do not build, ${survivors.length - unexplained.length} survive with a reason, ${unexplained.length} without, of which ${unexplained.filter(isAskedInPart).length} are to be asked on (--survivors)\n`,
  )
  return unexplained.length + unexplainedBroken.length === 0 && tried.length === terms.length ? 0 : 1
}
