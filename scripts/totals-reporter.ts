import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node'

/** What scripts/test.ts adds to its own counts. */
export interface TestTotals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const namedFiles = 25
const slowSeconds = 5

/**
 * Names each skipped test with its reason and the files that took longest, and leaves the totals in the file that
 * MILLRACE_TEST_TOTALS names.
 */
export default class TotalsReporter implements Reporter {
  #isFiltered = false
  #before = processorTimes()

  onInit({ config }: Vitest): void {
    this.#isFiltered = config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const totals = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      const failedBefore = totals.failed
      for (const test of tests) {
        const outcome = outcomeOf(test)
        totals[outcome]++
        const reason = reasonOf(test)
        // What `-t` leaves out needs no reason.
        if (outcome !== 'skipped' || (this.#isFiltered && reason === undefined)) continue
        process.stdout.write(`skipped: ${nameOf(test)}: ${reason ?? 'no reason is given'}\n`)
      }
      // A file that can't be imported has no tests to fail.
      if (module.state() === 'failed' && totals.failed === failedBefore) totals.failed++
    }
    nameSlowest(modules)
    tellWork(modules, this.#before)
    const path = process.env['MILLRACE_TEST_TOTALS']
    if (path !== undefined) writeFileSync(path, JSON.stringify(totals satisfies TestTotals))
  }
}

/** A test that vitest leaves out since the hook before its suite failed has not been skipped: it has failed. */
function outcomeOf(test: TestCase): keyof TestTotals {
  const { state } = test.result()
  if (state === 'passed' || state === 'failed') return state
  return hasFailedAround(test.parent) ? 'failed' : 'skipped'
}

function hasFailedAround(parent: TestSuite | TestModule): boolean {
  return parent.errors().length > 0 || (parent.type === 'suite' && hasFailedAround(parent.parent))
}

const nameOf = (test: TestCase): string => `${relative(process.cwd(), test.module.moduleId)} > ${test.fullName}`

function reasonOf(test: TestCase): string | undefined {
  const result = test.result()
  return result.state === 'skipped' ? result.note : undefined
}

/** The files to look at where the run should take less time; scripts/longest-first.ts begins with them. */
function nameSlowest(modules: readonly TestModule[]): void {
  const slowest = modules
    .map((module) => ({ module, seconds: module.diagnostic().duration / 1000 }))
    .filter(({ seconds }) => seconds >= slowSeconds)
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, namedFiles)
  for (const { module, seconds } of slowest) {
    const project = ['databases', 'unit'].includes(module.project.name) ? '' : ` (${module.project.name})`
    process.stdout.write(`${seconds.toFixed(0).padStart(5)} s ${relative(process.cwd(), module.moduleId)}${project}\n`)
  }
}

/** Seconds of each project's suites, and how busy they kept the machine: whether a run waits or works. */
function tellWork(modules: readonly TestModule[], before: ProcessorTimes): void {
  const seconds = new Map<string, number>()
  for (const module of modules) {
    const { duration, collectDuration, setupDuration } = module.diagnostic()
    const { name } = module.project
    seconds.set(name, (seconds.get(name) ?? 0) + (duration + collectDuration + setupDuration) / 1000)
  }
  const told = [...seconds].map(([name, sum]) => `${name} ${sum.toFixed(0)} s`).join(', ')
  const { busy, all } = processorTimes()
  const share = ((busy - before.busy) / Math.max(1, all - before.all)) * 100
  process.stdout.write(`suites and their imports: ${told}; processors busy: ${share.toFixed(0)} %\n`)
}

interface ProcessorTimes {
  readonly busy: number
  readonly all: number
}

function processorTimes(): ProcessorTimes {
  const times = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }))
  const busy = times.reduce((sum, processor) => sum + processor.busy, 0)
  return { busy, all: busy + times.reduce((sum, processor) => sum + processor.idle, 0) }
}
