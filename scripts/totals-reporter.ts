import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/** What scripts/test.ts adds to its own counts. */
export interface TestTotals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Names each skipped test with its reason, and leaves the totals in the file that MILLRACE_TEST_TOTALS names. */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const totals = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      const failedBefore = totals.failed
      for (const test of tests) {
        const outcome = outcomeOf(test)
        totals[outcome]++
        if (outcome === 'skipped') process.stdout.write(`skipped: ${nameOf(test)}: ${reasonOf(test)}\n`)
      }
      // A file that can't be imported has no tests to fail.
      if (module.state() === 'failed' && totals.failed === failedBefore) totals.failed++
    }
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

function reasonOf(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' ? result.note : undefined) ?? 'no reason is given'
}
