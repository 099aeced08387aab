import { randomUUID } from 'node:crypto'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { createExecution } from '@millrace/db/repositories/executions/create'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { after, createUser, createWorkflow } from '../executions/kit.ts'

describeDialects((dialect) => {
  let reached: ReachedDatabase
  let owner: UserCaller
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    owner = await createUser(reached.database.store())
  })
  afterAll(() => reached.stop())

  /** Databases of their own, so that the retries of many at once share no budget. */
  const store = async () => (await openDatabase({ target: reached.target, gatewayUrl: reached.gateway.url })).store()

  test('of a deletion and a start at once one is refused, so that no started execution is lost', async () => {
    const workflowIds = await Promise.all(
      Array.from({ length: 60 }, () => createWorkflow(reached.database.store(), owner)),
    )
    const stores = await Promise.all(workflowIds.map(() => Promise.all([store(), store()])))
    const outcomes = await Promise.all(
      workflowIds.map(async (workflowId, index) => {
        const [one, other] = stores[index] ?? (await Promise.all([store(), store()]))
        const execution = { id: randomUUID(), input: null, dueAt: null, maxAttempts: 3, createdAt: after(1) }
        const [created, deleted] = await Promise.all([
          createExecution(one, owner, workflowId, execution),
          deleteWorkflow(other, owner, workflowId, 'any', { operation: randomUUID(), at: after(1) }),
        ])
        const isThere = (await getExecution(one, owner, execution.id)).ok
        const isWorkflowThere = (await getWorkflow(one, owner, workflowId)).ok
        return [created.ok || created.refusal, deleted.ok || deleted.refusal, isThere, isWorkflowThere].join()
      }),
    )
    const sound = new Set(['true,execution_active,true,true', 'not_found,true,false,false'])
    expect(outcomes.filter((outcome) => !sound.has(outcome))).toEqual([])
  })
})
