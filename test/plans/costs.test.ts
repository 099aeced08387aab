import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isCi } from '../dialects.ts'
import { drawnFrom, isLong } from '../sampling.ts'
import { findDebianPostgres } from '../servers/debian-postgres.ts'
import { startOwnPostgres, type OwnServer } from '../servers/own.ts'
import type { PostgresPrograms } from '../servers/postgres.ts'
import type { Act } from './acts/act.ts'
import { everyAct, wholeActs } from './acts/every-act.ts'
import { openEstimates, type Estimates } from './estimates.ts'

/*
 * PostgreSQL as Debian and its Docker image have it compiles a statement whose estimated cost is above
 * `jit_above_cost`, for seconds, at each execution. So every statement's estimate stays far below, whatever the planner
 * knows of the tables.
 */

/** Of rows in each large table; each is looked at before the planner has ever looked at them, and after. */
const sizes = isLong ? [20, 1000, 100_000, 1_000_000] : [20, 1000, 100_000]

/** Nothing else is compiled than these read, which read whole tables by what they are. */
const bounded = Object.entries(everyAct).filter(([name]) => !(name in wholeActs))

/**
 * Of what is compiled, what an estimate may reach: a fifth. After a lost answer a claim is looked for among all that is running,
 * which are 100,000 where there are a million rows.
 */
function shareOf(count: number): number {
  return count > 100_000 ? 1 / 4 : 1 / 5
}

/** Of each kind, for two rounds of six acts. */
const spares = 12

function describeServer(name: string, programs: PostgresPrograms | undefined, ofSizes: readonly number[]): void {
  describe(name, () => {
    let server: OwnServer
    beforeAll(async () => {
      server = await startOwnPostgres({ jit: 'on' }, programs)
    }, 60_000)
    afterAll(() => server.remove())

    // A run of everything has one of them on each server, by seed.
    describe.each(ofSizes)('with %i rows', (count) => {
      let estimates: Estimates
      beforeAll(async () => {
        estimates = await openEstimates(server, { count, isAnalyzed: false, spares })
      }, 1_200_000)
      afterAll(() => estimates.close())

      test.each(bounded)(
        '%s costs a fraction of what is compiled, before the planner knows the tables',
        expectCheap(() => estimates, { round: 0, share: shareOf(count) }),
      )

      describe('analysed', () => {
        beforeAll(() => estimates.analyze(), 600_000)

        test.each(bounded)(
          '%s costs a fraction of what is compiled',
          expectCheap(() => estimates, { round: 1, share: shareOf(count) }),
        )
      })
    })
  })
}

function expectCheap(
  estimatesOf: () => Estimates,
  { round, share }: { readonly round: number; readonly share: number },
) {
  return async (_name: string, act: Act) => {
    const estimates = estimatesOf()
    const { statements, dearest } = await estimates.of(act, { round, rounds: 2 })
    expect(statements).toBeGreaterThan(0)
    expect(dearest.isCompiled, dearest.text).toBe(false)
    expect(dearest.cost, dearest.text).toBeLessThan((await estimates.compiledAbove()) * share)
  }
}

describeServer('the tests’ own PostgreSQL', undefined, drawnFrom(sizes, 1, 'sizes of the tests’ own PostgreSQL'))

const debian = findDebianPostgres()
if ('missing' in debian) {
  test('PostgreSQL of Debian, with its compiler, is to be had', (context) => {
    if (!isCi()) context.skip(debian.missing)
    expect.fail(debian.missing)
  })
} else {
  describeServer('PostgreSQL of Debian, with its compiler', debian, drawnFrom(sizes, 1, 'sizes of Debian’s PostgreSQL'))

  test('PostgreSQL of Debian has its compiler', async () => {
    const server = await startOwnPostgres({ jit: 'on' }, debian)
    try {
      expect(await server.administer('select pg_jit_available() as is_there')).toEqual([{ is_there: true }])
    } finally {
      await server.remove()
    }
  })
}
