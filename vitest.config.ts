import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longest-first.ts'
import { isCi } from './scripts/run-seed.ts'

/** Through Hyperdrive, which shares all above the driver with the functions. */
const hyperdriveSuites = ['openapi', 'versions', 'idempotency', 'trips']
/** Those with the most and the largest statements, which D1's limits would meet first. */
const d1Suites = ['openapi', 'executions', 'idempotency']
const servedSuites = ['openapi', 'workflows', 'versions', 'shares', 'executions', 'settings', 'idempotency']

const afterAllOthers = 'test/contract/api-page.test.ts'

/** Each worker reads the modules once for all its files: no suite may depend on a module being new, nor change one. */
const withSharedModules = { isolate: false }

const withServers = {
  globalSetup: ['./test/global-setup.ts'],
  setupFiles: ['./test/print-answers.ts'],
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Of what a condition is waited for; the default is one second, which a busy machine may take for anything.
  expect: { poll: { timeout: 20_000 } },
}

/** Suites of the contract against what TEST_SERVICE names: each on one of its databases, by seed (test/dialects.ts). */
function served(service: string, suites: readonly string[]) {
  const include = suites.map((suite) => `test/contract/${suite}.test.ts`)
  return { test: { name: service, include, env: { TEST_SERVICE: service }, ...withServers, ...withSharedModules } }
}

/** Suites on other servers of MySQL's dialect than the machine's MariaDB: a run of everything has them on one, by seed. */
const otherServerSuites = [
  'drivers/drivers',
  'executions/claim-races',
  ...servedSuites.map((name) => `contract/${name}`),
]

function onServer(name: string) {
  const include = otherServerSuites.map((suite) => `test/${suite}.test.ts`)
  return { test: { name, include, env: { TEST_PROJECT_SERVER: name }, ...withServers, ...withSharedModules } }
}

/** The unit project needs no server, so that `test packages/db/src/url/url.test.ts` answers at once. */
export default defineConfig({
  test: {
    reporters: ['default', './scripts/totals-reporter.ts'],
    pool: 'forks',
    // Three more than vitest's own choice: while suites wait, for a lease that has to run out say, others work.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'functions/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          // None of them waits; the limit is for a machine that is busy with the other suites.
          testTimeout: 30_000,
          ...withSharedModules,
        },
      },
      {
        test: {
          name: 'databases',
          include: ['test/**/*.test.ts'],
          exclude: [afterAllOthers, ...(process.env['TEST_LONG'] === '1' ? [] : ['test/**/*.long.test.ts'])],
          ...withServers,
          ...withSharedModules,
        },
      },
      // The contract against other ways to run it as well: where nobody waits for it, or with TEST_SERVICE.
      ...(isCi() ? [onServer('mariadb-11'), onServer('mysql-9')] : []),
      ...(isCi()
        ? [served('serve', servedSuites), served('hyperdrive', hyperdriveSuites), served('d1', d1Suites)]
        : []),
      // Looks at what the suites before it have asked and were answered.
      { test: { name: 'page', include: [afterAllOthers], sequence: { groupOrder: 1 } } },
    ],
  },
})
