import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { leftToOthers, type TestFile } from './turns.ts'

/** Suites of 20 seconds and more in a run of everything, the longest first: begun last, one would keep a single worker busy at the end. */
const longSuites = [
  'test/cli/dev.test.ts',
  'test/security/canaries.test.ts',
  'test/deploy/deploy.test.ts',
  'test/console/pages.test.ts',
  'test/console/serve.test.ts',
  'test/archive/kill.test.ts',
  'test/troubles/troubles.test.ts',
  'test/drivers/hyperdrive.test.ts',
  'test/backups/page.test.ts',
  'test/backups/faults.test.ts',
  'test/replica.test.ts',
  'test/first-day/first-day.test.ts',
  'test/deploy/d1.test.ts',
  'test/executions/killed.test.ts',
  'test/console/definition.test.ts',
  'test/real-workflows.test.ts',
  'test/serial/serial.test.ts',
  'test/contract/every-route.test.ts',
  'test/contract/permissions.test.ts',
]

/** A worker goes on to the next file where that is of its own project, and else ends. */
const projects = ['databases', 'mariadb-11', 'mysql-9', 'serve', 'hyperdrive', 'd1', 'unit']

/**
 * The projects one after the other, the long suites first in each, the others in vitest's own order. Files whose turn it is
 * not are left out, and named.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is vitest's own
    const sorted = await super.sort(withTheirTurn(files))
    return sorted.toSorted((one, other) => projectOf(one) - projectOf(other) || rankOf(one) - rankOf(other))
  }
}

function projectOf({ project }: TestSpecification): number {
  return projects.indexOf(project.name)
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longSuites.findIndex((suite) => moduleId.replaceAll('\\', '/').endsWith(`/${suite}`))
  return rank === -1 ? longSuites.length : rank
}

function withTheirTurn(specifications: TestSpecification[]): TestSpecification[] {
  const files = new Map<TestFile, TestSpecification>(
    specifications.map((specification) => {
      const { project, moduleId } = specification
      const path = relative(project.config.root, moduleId).replaceAll('\\', '/')
      return [{ project: project.name, path }, specification]
    }),
  )
  const left = leftToOthers([...files.keys()])
  for (const { project, path } of left) process.stdout.write(`left to other commits, by seed: ${path} (${project})\n`)
  return [...files].filter(([file]) => !left.has(file)).map(([, specification]) => specification)
}
