/**
 * What `npx -y pnpm@12 test` runs: types, lint, format and boundaries beside the suites of all databases, then what a request costs. With
 * arguments (`… test test/races/limits.test.ts`) they go to vitest, and only that runs. The last line counts each step as one test.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestTotals } from './totals-reporter.ts'

const root = join(import.meta.dirname, '..')

interface Step {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
}

const staticSteps: readonly Step[] = [
  // One checker: several each work out the types that they share, which takes twice the CPU time.
  { name: 'types', command: ['tsc', '-b', '--builders', '1', '--checkers', '1'] },
  { name: 'lint', command: ['oxlint', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check', '.'] },
  { name: 'boundaries', command: [process.execPath, 'scripts/boundaries.ts'] },
]

/** After the suites, when nothing else is at work: it compares CPU time. */
const lastSteps: readonly Step[] = [{ name: 'bench', command: [process.execPath, 'bench/main.ts', '--check'] }]

const running = new Set<ChildProcess>()
let interruptedBy: NodeJS.Signals | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruptedBy = signal
    for (const child of running) child.kill(signal)
  })
}

process.exitCode = await main(process.argv.slice(2))

async function main(vitestArgs: readonly string[]): Promise<number> {
  const totals = await runAll(vitestArgs)
  if (interruptedBy !== undefined) process.stdout.write(`Stopped by ${interruptedBy}.\n`)
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
  if (interruptedBy !== undefined) return interruptedBy === 'SIGINT' ? 130 : 143
  return totals.failed === 0 ? 0 : 1
}

async function runAll(vitestArgs: readonly string[]): Promise<TestTotals> {
  // pnpm installs before it runs a script, but goes on when that failed: without this, old packages could pass.
  if (!(await isInstalled())) return { passed: 0, failed: 1, skipped: 0 }
  // In what the suites leave of the processors while they wait. Each tells its findings when it ends.
  const beside = vitestArgs.length > 0 ? [] : staticSteps.map((step) => runStep(step, { isPatient: true }))
  const results = await Promise.all([...beside, runSuites(vitestArgs)])
  for (const step of vitestArgs.length > 0 ? [] : lastSteps) {
    if (interruptedBy === undefined) results.push(await runStep(step))
  }
  return {
    passed: sum(results.map(({ passed }) => passed)),
    failed: sum(results.map(({ failed }) => failed)) + (interruptedBy === undefined ? 0 : 1),
    skipped: sum(results.map(({ skipped }) => skipped)),
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

async function isInstalled(): Promise<boolean> {
  const pnpm = process.env['npm_execpath']
  if (pnpm === undefined || !basename(pnpm).startsWith('pnpm')) return true
  const { hasPassed: isDone, output } = await run([pnpm, 'install', '--frozen-lockfile', '--loglevel=error'])
  process.stdout.write(output)
  if (!isDone) process.stdout.write('✗ install: the packages are not those of pnpm-lock.yaml, so nothing was tested\n')
  return isDone
}

async function runStep({ name, command }: Step, { isPatient = false } = {}): Promise<TestTotals> {
  const startedAt = performance.now()
  const { hasPassed, output } = await run(command, { isQuiet: true, isPatient })
  process.stdout.write(output)
  report(name, hasPassed, startedAt)
  return { passed: hasPassed ? 1 : 0, failed: hasPassed ? 0 : 1, skipped: 0 }
}

async function runSuites(vitestArgs: readonly string[]): Promise<TestTotals> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-totals-'))
  const totalsFile = join(folder, 'totals.json')
  try {
    const startedAt = performance.now()
    // Whoever names a file wants all of it.
    const environment = { MILLRACE_TEST_TOTALS: totalsFile, ...(vitestArgs.length === 0 ? { TEST_SAMPLE: '1' } : {}) }
    const { hasPassed, output } = await run(['vitest', 'run', ...vitestArgs], { environment })
    process.stdout.write(output)
    const totals = judge(readTotals(totalsFile), hasPassed)
    report('tests', totals.failed === 0, startedAt)
    return totals
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readTotals(path: string): TestTotals {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestTotals
  } catch (error) {
    process.stdout.write(`vitest ended before it counted its tests (${String(error)})\n`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

/** A run that fails for a reason outside any test, or that runs none, is a failure as well. */
function judge(totals: TestTotals, hasPassed: boolean): TestTotals {
  const hasRun = totals.passed + totals.failed + totals.skipped > 0
  return totals.failed === 0 && (!hasPassed || !hasRun) ? { ...totals, failed: 1 } : totals
}

function report(name: string, hasPassed: boolean, startedAt: number): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${hasPassed ? '✓' : '✗'} ${name} ${seconds} s\n`)
}

interface Ended {
  readonly hasPassed: boolean
  /** What it wrote where that was not shown at once. */
  readonly output: string
}

interface RunOptions {
  /** Its output is not shown at once. */
  readonly isQuiet?: boolean
  /** Others go first. */
  readonly isPatient?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

/** Resolves when the program has ended and all that it wrote is through. */
function run(
  command: readonly [string, ...string[]],
  { isQuiet = false, isPatient = false, environment = {} }: RunOptions = {},
): Promise<Ended> {
  const [program, ...args] = command
  return new Promise((resolve) => {
    const output = isQuiet ? 'pipe' : 'inherit'
    // The checkers are written in Go: with a larger heap they spend a quarter less CPU time, up to where memory counts.
    const goHeap = { GOGC: '400', GOMEMLIMIT: '3GiB' }
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', output, output],
      env: { ...goHeap, ...process.env, ...environment },
      shell: process.platform === 'win32',
    })
    running.add(child)
    if (isPatient && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
    }
    child.once('error', (error) => {
      resolve({ hasPassed: false, output: `${program} did not start: ${error.message}\n` })
    })
    child.once('close', (code) => {
      running.delete(child)
      resolve({ hasPassed: code === 0, output: text })
    })
  })
}
