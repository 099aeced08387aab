import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Suites of half a minute and more, the longest first: begun last, one would keep a single worker busy at the end. */
const longSuites = [
  'test/archive/kill.test.ts',
  'test/fuzz/api.test.ts',
  'test/security/canaries.test.ts',
  'test/cli/dev.test.ts',
  'test/serial/serial.test.ts',
  'test/cli/user.test.ts',
  'test/races/patches.test.ts',
  'test/cli/import.test.ts',
  'test/archive/pairs.test.ts',
  'test/cli/frame.test.ts',
  'test/real-workflows.test.ts',
]

/** The long suites first, the others in vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is vitest's own
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longSuites.findIndex((suite) => moduleId.replaceAll('\\', '/').endsWith(`/${suite}`))
  return rank === -1 ? longSuites.length : rank
}
