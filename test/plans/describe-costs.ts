import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '@millrace/db/store/store'
import type { ReachedDatabase } from '../database.ts'
import { startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { findInstalledPostgres } from '../servers/postgres.ts'
import { drawnFrom } from '../sampling.ts'
import { openEstimates, type Estimates } from './estimates.ts'

type Act = (store: Store) => Promise<unknown>
type Fill<Filling> = (database: Pick<ReachedDatabase, 'raw'>, filling: Filling) => Promise<void>

/**
 * PostgreSQL as Debian and its Docker image have it compiles a statement whose estimated cost is above
 * `jit_above_cost`, for seconds, at each execution. So every statement's estimate stays far below, whatever the planner
 * knows of the tables.
 *
 * The server is Debian's, with its compiler, where it is installed; else the tests' own, which estimates alike and
 * compiles nothing.
 */
export function describeCosts<Filling>(
  sizes: readonly (readonly [name: string, filling: Filling])[],
  fill: Fill<Filling>,
  acts: Readonly<Record<string, Act>>,
): void {
  const binaries = findInstalledPostgres()
  describe(
    binaries === undefined ? 'on the tests’ own PostgreSQL' : 'on Debian’s PostgreSQL, with its compiler',
    () => {
      let server: OwnServer
      beforeAll(async () => {
        server = await startOwnPostgres({ jit: 'on' }, binaries)
      }, 60_000)
      afterAll(() => server.remove())

      // A run of everything has two of them, by seed.
      describe.each(drawnFrom(sizes, 2, `sizes of ${Object.keys(acts).join(' ')}`))('in %s', (_name, filling) => {
        let estimates: Estimates
        beforeAll(async () => {
          estimates = await openEstimates(server, (database) => fill(database, filling))
        }, 120_000)
        afterAll(() => estimates.close())

        test.each(Object.entries(acts))('%s costs a fifth of what is compiled, at most', async (_act, act) => {
          expect(await estimates.greatestOf(act)).toBeLessThan((await estimates.compiledAbove()) / 5)
        })
      })
    },
  )
}
