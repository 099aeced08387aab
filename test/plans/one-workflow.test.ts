import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { listExecutions, type ExecutionListing } from '@millrace/db/repositories/executions/list'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { mostRead, type ReadNode } from './explain.ts'
import { fillWithExecutions } from './fill-executions.ts'
import { literalOf } from './literals.ts'
import { recordedStatements } from './recorded.ts'

/*
 * Lists of executions of a workflow that has far more than others, and of who owns it. PostgreSQL takes it for an average
 * one where it does not know its id yet, as in a plan that is made once for a connection.
 */

const caller: UserCaller = {
  kind: 'user',
  userId: 'u2',
  issuedAt: new Date('2030-01-01T00:00:00.000Z'),
  mayAdminister: false,
}

/** One of a thousand, which has ten or so. */
const small: UserCaller = { ...caller, userId: 'u7' }

/** Of `w2`, of whose 12,000 executions 8,000 are pending, and none has failed. */
const listings: Readonly<Record<string, Partial<ExecutionListing>>> = {
  'of any status': {},
  'that are pending': { statuses: ['pending'] },
  'that are pending or paused': { statuses: ['pending', 'paused'] },
  'that have failed': { statuses: ['failed'] },
  'of any status, behind a cursor': { after: { at: new Date('2026-01-01T02:00:00.000Z'), id: 'x7200' } },
  'of any status, since and until': {
    since: new Date('2026-01-01T01:00:00.000Z'),
    until: new Date('2026-01-01T02:00:00.000Z'),
  },
  'that are pending, behind a cursor': {
    statuses: ['pending'],
    after: { at: new Date('2026-01-01T02:00:00.000Z'), id: 'x7200' },
  },
}

describe('postgres', () => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase('postgres')
    await fillWithExecutions(reached, { count: 40_000 })
    // As a server does by itself: an index that has all that is asked for is enough then, in whatever order.
    await reached.raw.query('vacuum analyze executions')
  }, 120_000)
  afterAll(() => reached.stop())

  const modes = ['force_custom_plan', 'force_generic_plan'] as const
  const cases = Object.entries(listings).flatMap(([what, listing]) => modes.map((mode) => ({ what, listing, mode })))

  describe.each([
    { of: 'one workflow', large: { workflowId: 'w2' }, few: { workflowId: 'w7' } },
    { of: 'who owns it', large: {}, few: {} },
  ])('$of', ({ large, few }) => {
    test.each(cases)(
      'executions of a large workflow $what are read no further than a page needs, by $mode',
      async ({ listing, mode }) => {
        const read = await mostReadBy(caller, { ...listing, ...large }, mode)
        expect(read).toBeGreaterThanOrEqual(listing.statuses?.[0] === 'failed' ? 0 : 20)
        // As many as are counted, to know that there are more than would be sorted; without a status a page.
        expect(read).toBeLessThanOrEqual(listing.statuses === undefined ? 100 : 2100)
      },
    )

    test.each(cases)(
      'executions of a small workflow $what are read, and none of others, by $mode',
      async ({ listing, mode }) => {
        expect(await mostReadBy(small, { ...listing, ...few }, mode)).toBeLessThanOrEqual(100)
      },
    )
  })

  /** How many rows of executions one node of the plan reads at most. */
  async function mostReadBy(
    by: UserCaller,
    listing: Partial<ExecutionListing>,
    mode: (typeof modes)[number],
  ): Promise<number> {
    const [statement] = await recordedStatements(reached, (store) =>
      listExecutions(store, by, { statuses: [], limit: 20, ...listing }),
    )
    if (statement === undefined) throw new Error('the list has sent nothing')
    const { text, parameters } = statement
    const results = await reached.database.transport().transact(
      [
        { text: `set local plan_cache_mode = ${mode}`, parameters: [] },
        { text: `prepare listed as ${text}`, parameters: [] },
      ],
      [
        {
          text: `explain (analyze, format json) execute listed(${parameters.map(literalOf).join(', ')})`,
          parameters: [],
        },
        { text: 'deallocate listed', parameters: [] },
      ],
    )
    const [{ Plan: plan }] = JSON.parse(String(results[2]?.rows[0]?.[0])) as [{ Plan: ReadNode }]
    return mostRead(plan)
  }
})
