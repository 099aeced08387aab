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
const largest = 100_000
const sizes = isLong ? [20, 1000, largest, 1_000_000] : [20, 1000, largest]

/** Nothing else is compiled than these read, which read whole tables by what they are. */
const bounded = Object.entries(everyAct).filter(([name]) => !(name in wholeActs))

/**
 * Of what is compiled, what an estimate may reach. After a lost answer a claim is looked for among all that is running, a tenth of the rows
 * here.
 */
const shares = { usual: 1 / 5, afterLoss: 1 / 4 }

/** Of 8 kB, of one statement: a claim of fifty touches 2,847 with 100,000 rows, steps of a long history 3,406. */
const mostPages = 4000

/** Of each kind, for three rounds of six acts. */
const spares = 18
const rounds = 3

function describeServer(name: string, programs: PostgresPrograms | undefined, ofSizes: readonly number[]): void {
  describe(name, () => {
    let server: OwnServer
    beforeAll(async () => {
      server = await startOwnPostgres({ jit: 'on' }, programs)
    }, 60_000)
    afterAll(() => server.remove())

    describe.each(ofSizes)('with %i rows', (count) => {
      let estimates: Estimates
      beforeAll(async () => {
        estimates = await openEstimates(server, { count, isAnalyzed: false, spares })
      }, 1_200_000)
      afterAll(() => estimates.close())

      test.each(bounded)('%s costs a fraction of what is compiled, before the planner knows the tables', (_, act) =>
        expectCheap(estimates, act, 0),
      )

      describe('vacuumed', () => {
        beforeAll(() => estimates.vacuum(), 600_000)

        test.each(bounded)('%s costs a fraction of what is compiled', (_, act) => expectCheap(estimates, act, 1))

        test.each(bounded)('%s touches no more pages than it must', async (_, act) => {
          const touched = await estimates.touchedBy(act, { round: 2, rounds })
          for (const { text, pages } of touched) expect(pages, text).toBeLessThanOrEqual(mostPages)
        })
      })
    })
  })
}

async function expectCheap(estimates: Estimates, act: Act, round: number): Promise<void> {
  const compiledAbove = await estimates.compiledAbove()
  const found = await estimates.of(act, { round, rounds })
  expect(found.length).toBeGreaterThan(0)
  for (const { text, cost, isCompiled, isAfterLoss } of found) {
    expect(isCompiled, text).toBe(false)
    expect(cost, text).toBeLessThan(compiledAbove * (isAfterLoss ? shares.afterLoss : shares.usual))
  }
}

// Estimates grow with the rows, and are the same on both: the largest size is for the one with the compiler.
describeServer(
  'the tests’ own PostgreSQL',
  undefined,
  isLong ? sizes : drawnFrom(sizes.slice(0, 2), 1, 'sizes of the tests’ own PostgreSQL'),
)

const debian = findDebianPostgres()
if ('missing' in debian) {
  test('PostgreSQL of Debian, with its compiler, is to be had', (context) => {
    if (!isCi()) context.skip(debian.missing)
    expect.fail(debian.missing)
  })
} else {
  describeServer('PostgreSQL of Debian, with its compiler', debian, isLong ? sizes : [largest])

  test('PostgreSQL of Debian has its compiler', async () => {
    const server = await startOwnPostgres({ jit: 'on' }, debian)
    try {
      expect(await server.administer('select pg_jit_available() as is_there')).toEqual([{ is_there: true }])
    } finally {
      await server.remove()
    }
  })
}
