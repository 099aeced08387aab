/**
 * `pnpm serial`: steps every pair of writes that can meet, and some triples, against each other, on databases that it
 * starts and ends itself, and exits 1 where an outcome equals that of no serial order, or a write took no
 * step.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { dialects, type DialectName } from '../dialects.ts'
import type { Grain } from './actor.ts'
import { explore, partOf, readPart, replay, sample, type Violation } from './explore.ts'
import { headGroups, headWritesOf, openHeadTheatre } from './heads.ts'
import { startOwnServers } from './own-servers.ts'
import { nameOf, pairs, triples, writesOf } from './pairs.ts'
import { textOf } from './report.ts'
import { readSchedule } from './schedule.ts'
import { openTheatre } from './theatre.ts'
import type { Write } from './write.ts'

const usage = `Usage: npx -y pnpm@12 serial [options]

Runs every two writes that can affect the same row, and some groups of three, in many orders of their statements.
Exits 1 if an outcome differs from that of every serial order, or if a write never stopped, so that nothing was tried.
Two writes of one step each have no order but the serial ones; the last line counts such pairs.

  --dialect NAMES     sqlite, postgres, mysql, with commas between; all unless given
  --pairs PATTERN     pairs in which the name of a write matches; * is anything, | is or; 'patch × delete' is one
                      pair or triple
  --heads             instead of the pairs, those of claims at the head of a queue, on PostgreSQL
  --grain GRAIN       where a write stops: statement (PostgreSQL only; on MariaDB a round trip is a statement) or trip
  --changes N         how often the turn may pass to the other write (3)
  --schedules N       at most N schedules per pair, chosen by the seed (200)
  --sample N          only N pairs, chosen by the seed
  --seed TEXT         (1)
  --part K/N          the Kth of N parts of the pairs, so that several runs can share the work
  --skip N            without the first N pairs, which an interrupted run has done
  --listed FILE       the pairs that a file names, one on each line as --list prints them
  --schedule TURNS    only this schedule, such as a3b2
  --short             of a violation, prints only the pair, not the steps and results
  --list              prints the pairs, without running them
  --help
`

const { values } = readArguments()

function readArguments() {
  try {
    return parseArgs({
      options: {
        dialect: { type: 'string', default: dialects.join(',') },
        pairs: { type: 'string', default: '*' },
        heads: { type: 'boolean', default: false },
        grain: { type: 'string' },
        changes: { type: 'string', default: '3' },
        schedules: { type: 'string', default: '200' },
        sample: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        part: { type: 'string', default: '1/1' },
        skip: { type: 'string', default: '0' },
        listed: { type: 'string' },
        schedule: { type: 'string' },
        short: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return misused(error)
  }
}

function misused(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exit(2)
}

const chosen = readPairs()
if (values.help || values.list) {
  const text = values.help ? usage : `${chosen.map(nameOf).join('\n')}\n`
  await new Promise((resolve) => process.stdout.write(text, resolve))
  process.exit(0)
}
const wanted = dialects
  .filter((dialect) => values.dialect.split(',').includes(dialect))
  .filter((dialect) => !values.heads || dialect === 'postgres')
const { seed } = values

function readPairs(): readonly (readonly Write[])[] {
  try {
    return chosenPairs()
  } catch (error) {
    return misused(error)
  }
}

function everything(): readonly (readonly Write[])[] {
  return values.heads ? headGroups : [...pairs, ...triples]
}

function namedWrites(name: string): readonly Write[] {
  return values.heads ? headWritesOf(name) : writesOf(name)
}

/** By name, `*` for anything; a text with ` × ` is the writes themselves. */
function chosenPairs(): readonly (readonly Write[])[] {
  if (values.listed !== undefined) return partAsked(listedIn(values.listed))
  if (values.pairs.includes(' × ') && !values.pairs.includes('*')) return [namedWrites(values.pairs)]
  if (values.pairs === '*') return partAsked(sample(everything(), Number(values.sample), values.seed))
  const parts = values.pairs.split(' × ').map((part) => new RegExp(`^(?:${part.replaceAll('*', '.*')})$`))
  const [first, second] = parts
  const names = (pattern: RegExp | undefined, write: Write | undefined) => pattern?.test(write?.name ?? '') === true
  const matching = (values.heads ? headGroups : pairs).filter(([left, right]) =>
    second === undefined
      ? names(first, left) || names(first, right)
      : (names(first, left) && names(second, right)) || (names(first, right) && names(second, left)),
  )
  return partAsked(sample(matching, Number(values.sample), values.seed))
}

function listedIn(file: string): readonly (readonly Write[])[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => namedWrites(line))
}

function partAsked(chosen: readonly (readonly Write[])[]): readonly (readonly Write[])[] {
  return partOf(chosen, readPart(values.part)).slice(Number(values.skip))
}

function grainOf(dialect: DialectName): Grain {
  if (values.grain === 'trip' || values.grain === 'statement') return values.grain
  return dialect === 'postgres' ? 'statement' : 'trip'
}

// Who interrupts it is told the counts up to there.
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isInterrupted = true))

const own = await startOwnServers(wanted)
try {
  for (const dialect of wanted) await exploreDialect(dialect)
} finally {
  await own.close()
}

async function exploreDialect(dialect: DialectName): Promise<void> {
  const theatre = await (values.heads ? openHeadTheatre(dialect, own) : openTheatre(dialect, own))
  const grain = grainOf(dialect)
  const startedAt = performance.now()
  const count = { pairs: 0, schedules: 0, possible: 0, single: 0, unstepped: 0, violations: 0, violated: 0 }
  let toldAt = startedAt
  try {
    for (const together of chosen) {
      if (isInterrupted) break
      if (performance.now() - toldAt > 30_000) {
        toldAt = performance.now()
        process.stderr.write(`${dialect}: ${count.pairs} of ${chosen.length} pairs, ${count.schedules} schedules\n`)
      }
      const violations: Violation[] = []
      if (values.schedule === undefined) {
        const bound = { grain, mostChanges: Number(values.changes), mostSchedules: Number(values.schedules), seed }
        const explored = await explore(theatre, together, bound)
        count.schedules += explored.schedules
        count.possible += explored.possible
        violations.push(...explored.violations)
        if (explored.unstepped.length > 0) {
          count.unstepped += 1
          process.stdout.write(`✗ ${dialect}: ${nameOf(together)}: no step of ${explored.unstepped.join(', ')}\n`)
        } else if (explored.possible === 0) count.single += 1
      } else {
        const violation = await replay(theatre, together, readSchedule(values.schedule), grain)
        count.schedules += 1
        count.possible += 1
        if (violation !== undefined) violations.push(violation)
      }
      count.pairs += 1
      count.violations += violations.length
      if (violations.length > 0) count.violated += 1
      const [first] = violations
      if (first === undefined) continue
      process.stdout.write(`✗ ${dialect}: ${nameOf(together)}: ${violations.length} violations\n`)
      if (!values.short) process.stdout.write(`${textOf(dialect, first)}\n\n`)
    }
  } finally {
    await theatre.close()
  }
  if (count.violations > 0 || count.unstepped > 0) process.exitCode = 1
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  process.stdout.write(
    `${dialect}, by ${grain}: ${count.pairs} pairs (${count.single} of two single steps, ${count.unstepped} without a step), ${count.schedules} of the ${count.possible} schedules with at most ${values.changes} changes of turn (seed ${seed}), ${count.violations} violations in ${count.violated} pairs, ${seconds} s\n`,
  )
}
