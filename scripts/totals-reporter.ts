import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

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
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) totals.failed++
      for (const test of tests) {
        const result = test.result()
        if (result.state === 'passed') totals.passed++
        else if (result.state === 'failed') totals.failed++
        else {
          totals.skipped++
          const reason = result.state === 'skipped' ? result.note : undefined
          const file = relative(process.cwd(), module.moduleId)
          process.stdout.write(`skipped: ${file} > ${test.fullName}: ${reason ?? 'no reason is given'}\n`)
        }
      }
    }
    const path = process.env['MILLRACE_TEST_TOTALS']
    if (path !== undefined) writeFileSync(path, JSON.stringify(totals satisfies TestTotals))
  }
}
