import { afterAll, beforeAll, expect, test } from 'vitest'
import { sweepAudit } from '@millrace/db/repositories/accounts/expiry'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import { fillStatements } from '../../bench/retention-fill.ts'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { createUser, createWorkflow } from '../executions/kit.ts'
import { watchedStore } from '../watched-store.ts'
import { explain, type TableAccess } from './explain.ts'

/** Enough for an index to be cheaper than the whole table, whatever a planner thinks of the rest. */
const ended = 50_000
const dayMilliseconds = 86_400_000

describeDialects((dialect) => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    const store = reached.database.store()
    const owner = await createUser(store)
    const filled = { userId: owner.userId, workflowIds: [await createWorkflow(store, owner)] }
    for (const text of fillStatements(dialect, { ended: filled, live: filled }, { ended, queued: 100 }))
      await reached.raw.query(text)
  }, 120_000)
  afterAll(() => reached.stop())

  // Of 60 days ago: as much as two batches or three.
  const soonAfterFirst = (days: number) => new Date(Date.now() - days * dayMilliseconds + 900_000)

  test('among 50,000 ended executions the sweep reads those alone that it deletes, by indexes', async () => {
    const { store, accesses, index } = explaining()
    const deleted = await sweepEndedExecutions(store, soonAfterFirst(60))
    expect(deleted).toBeGreaterThan(250)
    expect(deleted).toBeLessThan(1000)
    // Whether a restore has begun is a mark, one row of a table that has a dozen.
    const read = accesses.filter(({ table }) => table !== 'marks')
    expect(read.filter((access) => access.index === undefined)).toEqual([])
    expect(new Set(read.map(({ table }) => table))).toEqual(new Set(['executions', 'execution_history']))
    expect(index('executions')).toContain('executions_completed_at_id_index')
  })

  test('the sweep of the audit log finds where to stop by its index', async () => {
    const { store, index } = explaining()
    expect(await sweepAudit(store, soonAfterFirst(460))).toBeGreaterThan(50)
    expect(index('audit')[0]).toBe('audit_at_id_index')
  })

  /** A store whose statements are explained before they run. */
  function explaining() {
    const accesses: TableAccess[] = []
    const transport = reached.database.transport()
    const store = watchedStore(transport, {
      statement: async (sent) => void accesses.push(...(await explain(transport, sent))),
    })
    const index = (name: string) => accesses.filter(({ table }) => table === name).map((access) => access.index)
    return { store, accesses, index }
  }
})
