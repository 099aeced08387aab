import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { workspaceRoot } from '../workspace.ts'
import { InGivenOrder } from './in-given-order.ts'
import { suites } from './suites.ts'
import { switches } from './sources.ts'

/** The suites that should notice, with a switch at each term, against the app in the test's own process. */
export default defineConfig({
  root: workspaceRoot,
  plugins: [switches()],
  test: {
    name: 'guards',
    include: [...suites],
    env: { TEST_SERVICE: 'serve' },
    globalSetup: [join(workspaceRoot, 'test/global-setup.ts')],
    setupFiles: [join(import.meta.dirname, 'setup.ts')],
    pool: 'forks',
    sequence: { sequencer: InGivenOrder },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
