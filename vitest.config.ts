import { defineConfig } from 'vitest/config'

/** The unit project needs no server, so that `test packages/db/src/url.test.ts` answers at once. */
export default defineConfig({
  test: {
    reporters: ['default', './scripts/totals-reporter.ts'],
    pool: 'forks',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'functions/src/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'databases',
          include: ['test/**/*.test.ts'],
          globalSetup: ['./test/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
