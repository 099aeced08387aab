/**
 * `node bench/beside.ts COMMIT [--rounds 3] [--dialect sqlite,postgres,mysql] [--seconds 60]`: this checkout beside a
 * former commit, by the bench that both have (`bench/main.ts --quick --json`), one after the other in turns. The commit
 * is checked out and installed in a temporary folder. Loopback only.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dialects, type DialectName } from '../test/dialects.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { layers } from './measure.ts'
import { nameOf, shown, spreadOf, type Result } from './report.ts'
import { medianOf } from './statistics.ts'
import type { SubjectName } from './subjects.ts'
import { table } from './table.ts'

const usage = 'usage: node bench/beside.ts COMMIT [--rounds 3] [--dialect sqlite,postgres,mysql] [--seconds 60]\n'

type Results = Partial<Record<DialectName, readonly Result[]>>

const head = [
  '',
  'CPU ms before',
  'since',
  'since/before',
  'floor’s',
  'requests/s before',
  'since',
  'of the floor’s before',
  'since',
  'p50 ms before',
  'since',
]

const { values, positionals } = readArguments()
const [commit] = positionals
if (commit === undefined) fail()
const rounds = Number(values.rounds)
if (!(Number.isInteger(rounds) && rounds > 0)) fail()

const folder = mkdtempSync(join(tmpdir(), 'millrace-beside-'))
const former = join(folder, 'former')
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
try {
  await command(workspaceRoot, 'git', ['worktree', 'add', '--quiet', '--detach', former, commit])
  // The folder has no store or lockfile of its own to change: what is installed is what the commit names.
  await command(former, 'npx', ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--loglevel=error'])
  const before: Results[] = []
  const since: Results[] = []
  for (let round = 1; round <= rounds && !interrupted.signal.aborted; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`)
    before.push(await bench(former))
    since.push(await bench(workspaceRoot))
  }
  for (const dialect of dialects) {
    const rows = rowsOf(dialect, before, since)
    if (rows.length > 0) process.stdout.write(`\n## ${dialect}\n\n${table(head, rows)}\n`)
  }
  process.stdout.write(`\n${since.length} rounds, load average ${loadavg()[0]?.toFixed(1)} at the end.\n`)
} finally {
  await command(workspaceRoot, 'git', ['worktree', 'remove', '--force', former]).catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '3' },
        dialect: { type: 'string', default: dialects.join(',') },
        seconds: { type: 'string', default: '60' },
      },
    })
  } catch {
    return fail()
  }
}

function fail(): never {
  process.stderr.write(usage)
  process.exit(2)
}

async function bench(directory: string): Promise<Results> {
  const options = ['--quick', '--json', '--dialect', values.dialect, '--seconds', values.seconds]
  const text = await command(directory, join(directory, 'node_modules/.bin/node'), ['bench/main.ts', ...options])
  // Written by the bench of a commit of this repository.
  return (JSON.parse(text) as { readonly results: Results }).results
}

/** Gives what the command writes; its messages go through. */
async function command(directory: string, name: string, given: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${join(directory, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` }
  const child = spawn(name, given, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${name} ${given.join(' ')} ended with ${code}`)
  return text
}

function cpuOf(subject: SubjectName, { cpu: bySubject }: Result): number {
  return layers.filter((layer) => layer !== 'client').reduce((sum, layer) => sum + bySubject[subject][layer], 0)
}

function cpu(result: Result): number {
  return cpuOf('product', result)
}

function cpuOfFloor(result: Result): number {
  return cpuOf('floor', result)
}

function perSecond({ requestsPerSecond }: Result): number {
  return requestsPerSecond.product
}

function shareOfFloor({ throughputRatio }: Result): number {
  return throughputRatio.median
}

function p50({ p50Milliseconds }: Result): number {
  return p50Milliseconds.product
}

/**
 * Medians over the rounds. CPU is that of functions, gateway and database together, without the client's. The floor sends
 * what the product sends: where both commits send the same, its ratio shows what the runs themselves differ by.
 */
function rowsOf(
  dialect: DialectName,
  before: readonly Results[],
  since: readonly Results[],
): readonly (readonly string[])[] {
  const first = before[0]?.[dialect] ?? []
  return first.map((one) => {
    const found = (all: readonly Results[]) =>
      all.flatMap((results) => results[dialect]?.find((result) => nameOf(result) === nameOf(one)) ?? [])
    const median = (all: readonly Results[], valueOf: (result: Result) => number) => medianOf(found(all).map(valueOf))
    const ratios = (valueOf: (result: Result) => number) =>
      found(since).map((result, round) => valueOf(result) / valueOf(found(before)[round] ?? result))
    return [
      nameOf(one),
      median(before, cpu).toFixed(2),
      median(since, cpu).toFixed(2),
      shown(spreadOf(ratios(cpu))),
      shown(spreadOf(ratios(cpuOfFloor))),
      median(before, perSecond).toFixed(0),
      median(since, perSecond).toFixed(0),
      median(before, shareOfFloor).toFixed(2),
      median(since, shareOfFloor).toFixed(2),
      median(before, p50).toFixed(2),
      median(since, p50).toFixed(2),
    ]
  })
}
