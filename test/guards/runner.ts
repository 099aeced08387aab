import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createVitest, type Reporter, type TestModule, type TestSpecification, type Vitest } from 'vitest/node'
import type { DialectName } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import { isDoubtful, nameOfFailure, type FailedBy, type Failure } from './failure.ts'
import type { Reach } from './order.ts'
import type { Term } from './terms.ts'
import { coverageVariable, heardVariable, removedVariable } from './variables.ts'

/** What became of a term that was left out. */
export type Verdict =
  /** A test fails by what it is told or finds stored. */
  | { readonly kind: 'noticed'; readonly suite: string; readonly by: string }
  /** Of these suites none has noticed; others that reach the term may not have been asked yet. */
  | { readonly kind: 'survives'; readonly asked: readonly string[]; readonly isWhole: boolean }
  /** What remains is no statement that the database can read, so that nothing was tried. */
  | { readonly kind: 'does not build'; readonly suite: string; readonly by: string }

/** What the suites reach with nothing left out. */
export interface Reached {
  readonly suites: readonly Reach[]
  /** Suites that fail with nothing left out. They are asked nothing. */
  readonly failed: readonly string[]
  /** Faults of statements that the suites cause by themselves. */
  readonly usual: readonly string[]
}

/** Runs suites with a term left out, again and again; servers are started once. */
export interface Runner {
  /** Runs every suite with nothing left out, to know which term it reaches. */
  reach(nameOf: ReadonlyMap<string, string>): Promise<Reached>
  /** Asks suites in this order until one notices; undefined where none does. Rejects where it was stopped. */
  judge(term: Term, suites: readonly string[], usual: readonly string[]): Promise<Verdict | undefined>
  /** Ends what runs. */
  stop(): void
  close(): Promise<void>
}

interface RunnerOptions {
  readonly dialect: DialectName
  /** Whether a suite of that path takes part. */
  readonly isWanted: (suite: string) => boolean
  /** How many suites run at once. */
  readonly workers: number
}

/** What is told of one run. */
interface Ran {
  readonly modules: readonly TestModule[]
  readonly failures: readonly Failure[]
  /** Faults of statements, with the suite that met them. */
  readonly heard: readonly { readonly suite: string; readonly message: string }[]
  readonly reached: ReadonlyMap<string, readonly string[]>
}

export async function startRunner({ dialect, isWanted, workers }: RunnerOptions): Promise<Runner> {
  process.env['TEST_WITHOUT_WORKER'] = '1'
  const ears = new Ears()
  const vitest = await createVitest('test', {
    config: join(import.meta.dirname, 'vitest.config.ts'),
    watch: false,
    maxWorkers: workers,
    reporters: [ears],
  })
  vitest.setGlobalTestNamePattern(new RegExp(`\\b${dialect}\\b`))
  const all = await vitest.globTestSpecifications()
  const specifications = new Map(
    all
      .map((specification) => [suiteOf(specification.moduleId), specification] as const)
      .filter(([suite]) => isWanted(suite)),
  )
  let isStopped = false

  async function run(chosen: readonly TestSpecification[], { removed, bail }: { removed?: string; bail: number }) {
    const ran = await runOnce(vitest, ears, chosen, removed, bail)
    if (isStopped) throw new Error('stopped')
    return ran
  }

  return {
    async reach(nameOf) {
      const first = await run([...specifications.values()], { bail: 0 })
      // One that fails may only have been too slow beside the others.
      const again: Ran[] = []
      for (const suite of failedSuites(first)) {
        const specification = specifications.get(suite)
        if (specification !== undefined) again.push(await run([specification], { bail: 0 }))
      }
      const failed = again.flatMap((ran) => ran.failures.map(nameOfFailure))
      const sound = [first, ...again].flatMap((ran) => reachOf(ran, nameOf))
      return { suites: sound, failed, usual: [...new Set([first, ...again].flatMap(messagesOf))] }
    },
    async judge({ id: removed }, order, usual) {
      let left = order.flatMap((suite) => specifications.get(suite) ?? [])
      while (left.length > 0) {
        const ran = await run(left, { removed, bail: 1 })
        const failure = worstOf(ran)
        if (failure === undefined) return undefined
        const again = left.filter(({ moduleId }) => failure.suite === undefined || suiteOf(moduleId) === failure.suite)
        const verdict = verdictOn(failure, ran, usual) ?? (await judgeAgain(again))
        if (verdict !== undefined) return verdict
        // It was the machine. The others were interrupted, so they are asked again.
        left = left.filter((specification) => !again.includes(specification))
      }
      return undefined

      /** Runs again what has failed in doubt, and where it fails in doubt again, without the term left out as well. */
      async function judgeAgain(doubtful: readonly TestSpecification[]): Promise<Verdict | undefined> {
        const ran = await run(doubtful, { removed, bail: 1 })
        const failure = worstOf(ran)
        if (failure === undefined) return undefined
        const verdict = verdictOn(failure, ran, usual)
        if (verdict !== undefined) return verdict
        const whole = await run(doubtful, { bail: 1 })
        if (whole.failures.length > 0) return undefined
        const by = `${nameOfFailure(failure)} (twice, and not with the term: ${textOf(failure)})`
        return { kind: 'noticed', suite: failure.suite ?? '', by }
      }
    },
    stop() {
      isStopped = true
      void vitest.cancelCurrentRun('keyboard-input')
    },
    close: () => vitest.close(),
  }
}

/** One that the machine did not cause, if there is any. */
function worstOf({ failures }: Ran): Failure | undefined {
  return failures.find((failure) => !isDoubtful(failure)) ?? failures[0]
}

/** Undefined where the machine may have failed and not the test. */
function verdictOn(failure: Failure, { heard }: Ran, usual: readonly string[]): Verdict | undefined {
  const { suite } = failure
  if (suite === undefined) return undefined
  const fault = heard.find((one) => one.suite === suite && !usual.includes(one.message))
  if (fault !== undefined) return { kind: 'does not build', suite, by: `${nameOfFailure(failure)}: ${fault.message}` }
  return isDoubtful(failure) ? undefined : { kind: 'noticed', suite, by: nameOfFailure(failure) }
}

async function runOnce(
  vitest: Vitest,
  ears: Ears,
  chosen: readonly TestSpecification[],
  removed: string | undefined,
  bail: number,
): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-guards-'))
  const files = { [coverageVariable]: join(directory, 'coverage'), [heardVariable]: join(directory, 'heard') }
  const variables = { ...files, ...(removed === undefined ? {} : { [removedVariable]: removed }) }
  for (const file of Object.values(files)) writeFileSync(file, '')
  Reflect.deleteProperty(process.env, removedVariable)
  Object.assign(process.env, variables)
  vitest.config.bail = bail
  for (const { config } of vitest.projects) config.bail = bail
  ears.clear()
  try {
    const { unhandledErrors } = await vitest.runTestSpecifications([...chosen])
    const outside = unhandledErrors.map((error) => ({ suite: undefined, test: undefined, errors: [messageOf(error)] }))
    return {
      modules: ears.modules,
      failures: [...ears.failures, ...outside],
      heard: linesOf(files[heardVariable]).map(({ testPath, message = '' }) => ({ suite: suiteOf(testPath), message })),
      reached: new Map(
        linesOf(files[coverageVariable]).map(({ testPath, reached = [] }) => [suiteOf(testPath), reached]),
      ),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

interface Line {
  readonly testPath: string
  readonly message?: string
  readonly reached?: readonly string[]
}

function linesOf(file: string | undefined): readonly Line[] {
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Line)
}

/** Hears what one run does: vitest's own state keeps what became of suites in earlier ones. */
class Ears implements Reporter {
  modules: TestModule[] = []
  failures: Failure[] = []
  #toldAt = performance.now()

  clear(): void {
    this.modules = []
    this.failures = []
    this.#toldAt = performance.now()
  }

  onTestModuleEnd(module: TestModule): void {
    this.modules.push(module)
    if (performance.now() - this.#toldAt > 30_000) {
      this.#toldAt = performance.now()
      process.stderr.write(`  ${this.modules.length} suites so far\n`)
    }
    const suite = suiteOf(module.moduleId)
    const tests = [...module.children.allTests('failed')]
    for (const test of tests) {
      const errors = test.result().errors ?? []
      this.failures.push({ suite, test: test.fullName, errors: errors.map(failedBy) })
    }
    if (module.ok() || tests.length > 0) return
    const errors = [...module.errors(), ...[...module.children.allSuites()].flatMap((one) => one.errors())]
    this.failures.push({ suite, test: undefined, errors: errors.map(failedBy) })
  }
}

function failedBy({ name, message, actual }: FailedBy): FailedBy {
  return { name, message, actual }
}

function messageOf(error: unknown): FailedBy {
  const isOne = typeof error === 'object' && error !== null && 'message' in error
  return { message: String(isOne ? error.message : error) }
}

function textOf({ errors }: Failure): string {
  return errors.map(({ message }) => message.split('\n')[0] ?? '').join('; ')
}

function failedSuites({ failures }: Ran): readonly string[] {
  return [...new Set(failures.flatMap(({ suite }) => suite ?? []))]
}

/** Of the suites that passed. */
function reachOf(ran: Ran, nameOf: ReadonlyMap<string, string>): readonly Reach[] {
  const failed = new Set(failedSuites(ran))
  return ran.modules.flatMap((module) => {
    const suite = suiteOf(module.moduleId)
    if (failed.has(suite)) return []
    const { duration, collectDuration } = module.diagnostic()
    const terms = (ran.reached.get(suite) ?? []).flatMap((id) => nameOf.get(id) ?? [])
    return [{ suite, milliseconds: Math.round(duration + collectDuration), terms }]
  })
}

function messagesOf({ heard }: Ran): readonly string[] {
  return heard.map(({ message }) => message)
}

function suiteOf(path: string): string {
  return relative(workspaceRoot, path).replaceAll('\\', '/')
}
