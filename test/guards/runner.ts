import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createVitest, type TestModule, type TestSpecification, type Vitest } from 'vitest/node'
import type { Dialect } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Term } from './terms.ts'
import { coverageVariable, removedVariable } from './variables.ts'

/** What a suite reaches, and how long it takes. */
export interface Reach {
  readonly suite: string
  readonly milliseconds: number
  readonly terms: readonly string[]
}

/** Runs suites with a term left out, again and again; servers are started once. */
export interface Runner {
  /** Runs every suite with nothing left out, to know which term it reaches. Suites that fail so are named, and notice nothing. */
  reach(): Promise<{ readonly reached: readonly Reach[]; readonly failed: readonly string[] }>
  /** The test that noticed, of the suites that reach the term; undefined for a survivor. */
  noticed(term: Term, reached: readonly Reach[]): Promise<string | undefined>
  close(): Promise<void>
}

/** Where races are stepped or made: what notices that a lock is missing. */
const racing = /^test\/(?:serial|races)\//
/** Suites of the first run together take no longer: most terms are noticed by one of the fastest. */
const firstMilliseconds = 8000

/** @param suites only those whose path matches */
export async function startRunner(dialect: Dialect, suites: RegExp): Promise<Runner> {
  process.env['TEST_WITHOUT_WORKER'] = '1'
  const vitest = await createVitest('test', {
    config: join(import.meta.dirname, 'vitest.config.ts'),
    watch: false,
    reporters: [{}],
  })
  vitest.setGlobalTestNamePattern(new RegExp(`\\b${dialect}\\b`))
  const all = await vitest.globTestSpecifications()
  const specifications = all.filter(({ moduleId }) => suites.test(suiteOf(moduleId)))
  return {
    reach: () => reach(vitest, specifications),
    async noticed(term, reached) {
      process.env[removedVariable] = term.id
      setBail(vitest, 1)
      const reaching = reached
        .filter(({ suite, terms }) => terms.includes(term.id) && (term.kind === 'condition' || racing.test(suite)))
        .toSorted((one, other) => one.milliseconds - other.milliseconds)
      const first = reaching.filter(
        (_, index) => index === 0 || millisecondsOf(reaching.slice(0, index + 1)) < firstMilliseconds,
      )
      for (const together of [first, reaching.slice(first.length)]) {
        const chosen = specifications.filter(({ moduleId }) =>
          together.some(({ suite }) => moduleId.endsWith(`/${suite}`)),
        )
        if (chosen.length === 0) continue
        const { testModules } = await vitest.runTestSpecifications(chosen)
        // It gives the suites of earlier runs as well, with what became of them then.
        const asked = testModules.filter(({ moduleId }) =>
          chosen.some((specification) => specification.moduleId === moduleId),
        )
        const failure = asked.map(failureOf).find((name) => name !== undefined)
        if (failure !== undefined) return failure
      }
      return undefined
    },
    close: () => vitest.close(),
  }
}

function millisecondsOf(suites: readonly Reach[]): number {
  return suites.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
}

async function reach(vitest: Vitest, specifications: TestSpecification[]) {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-guards-'))
  const file = join(directory, 'coverage')
  writeFileSync(file, '')
  process.env[coverageVariable] = file
  setBail(vitest, 0)
  const { testModules } = await vitest.runTestSpecifications(specifications)
  Reflect.deleteProperty(process.env, coverageVariable)
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  rmSync(directory, { recursive: true })
  const terms = new Map(
    lines.map((line) => {
      const { testPath, reached } = JSON.parse(line) as {
        readonly testPath: string
        readonly reached: readonly string[]
      }
      return [suiteOf(testPath), reached]
    }),
  )
  const failed = testModules.flatMap((module) => failureOf(module) ?? [])
  const sound = testModules.filter((module) => failureOf(module) === undefined)
  const reached = sound.map((module) => ({
    suite: suiteOf(module.moduleId),
    milliseconds: module.diagnostic().duration + module.diagnostic().collectDuration,
    terms: terms.get(suiteOf(module.moduleId)) ?? [],
  }))
  return { reached, failed }
}

function suiteOf(path: string): string {
  return relative(workspaceRoot, path).replaceAll('\\', '/')
}

/** The first test of a suite that failed, or the suite itself. */
function failureOf(module: TestModule): string | undefined {
  const [test] = module.children.allTests('failed')
  if (test !== undefined) return `${suiteOf(module.moduleId)} › ${test.fullName}`
  return module.ok() ? undefined : suiteOf(module.moduleId)
}

function setBail(vitest: Vitest, bail: number): void {
  vitest.config.bail = bail
  for (const { config } of vitest.projects) config.bail = bail
}
