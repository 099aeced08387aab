import { randomUUID } from 'node:crypto'
import { readMigrations } from '@millrace/cli/migrations'
import { createWorkflows, type NewWorkflow } from '@millrace/db/repositories/workflows/create'
import { recordSteps, type NewStep } from '@millrace/db/repositories/executions/steps'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import { migrate } from '@millrace/db/migrate/migrate'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { openDatabase } from '@millrace/drivers/open'
import { expect, onTestFinished, test } from 'vitest'
import { targetOf } from '../database.ts'
import { startD1 } from '../servers/d1.ts'
import { workspaceRoot } from '../workspace.ts'
import { after, claim, createUser, documentOf, ownerWithWorkflow, start, startExecution } from './kit.ts'

/* The largest writes that the contract allows, on the database that takes the fewest parameters in a statement: 100. */

/** A migrated D1. `loseNext` has the answer of the next batch lost, which is applied. */
async function freshD1() {
  const { binding, database: raw } = await startD1()
  onTestFinished(() => raw.drop())
  const client = bindingClient(binding)
  let isLost = false
  const d1 = await openDatabase({
    target: targetOf(raw.url),
    d1: {
      async send(statements, timeoutSeconds) {
        const results = await client.send(statements, timeoutSeconds)
        if (!isLost) return results
        isLost = false
        throw new Error('D1_ERROR: Network connection lost.')
      },
    },
  })
  await migrate(d1, readMigrations(workspaceRoot, 'sqlite'))
  return {
    raw,
    store: d1.store(),
    loseNext: () => {
      isLost = true
    },
  }
}

test('a hundred workflows at once, a claim of fifty by a hundred workflows, and a sweep of five hundred fit into D1', async () => {
  const { raw, store } = await freshD1()
  const owner = await createUser(store)
  const one = workflowOf(0)
  const others = Array.from({ length: 99 }, (_none, index) => workflowOf(index + 1))
  expect(await createWorkflows(store, owner, [one, ...others])).toMatchObject({ ok: true })

  const workflowIds = [one, ...others].map(({ id }) => id)
  const { id } = await startExecution(store, owner, one.id, { maxAttempts: 1 })
  await copyExecution(id, 49)
  expect(await claim(store, owner, { limit: 50, workflowIds })).toHaveLength(50)

  await copyExecution(id, 450)
  expect(await sweepExecutions(store, { at: after(100), operation: randomUUID() })).toBe(500)
  const [failed] = await raw.query("select count(*) as n from executions where status = 'failed'")
  expect(failed).toEqual({ n: 500 })

  /** With ids of their own, past the service. */
  async function copyExecution(id: string, count: number): Promise<void> {
    const [row = {}] = await raw.query('select * from executions where id = ?', [id])
    const names = Object.keys(row)
    const values = names.map((name) => (name === 'id' ? 'lower(hex(randomblob(16)))' : name))
    const numbers = JSON.stringify(Array.from({ length: count }, (_none, index) => index))
    await raw.query(
      `insert into executions (${names.join(', ')}) select ${values.join(', ')} from executions, json_each(?) where executions.id = ?`,
      [numbers, id],
    )
  }
})

test('a hundred steps fit into D1, and are found there when their answer was lost', async () => {
  const { store, loseNext } = await freshD1()
  const { owner, workflowId } = await ownerWithWorkflow(store)
  const { id } = await startExecution(store, owner, workflowId)
  const [claimed] = await claim(store, owner)
  const stepAt = (place: number): NewStep => ({
    key: `step ${place}`,
    output: documentOf(`{"place":${place}}`),
    error: null,
    attempt: place + 1,
    startedAt: after(20),
  })
  const steps = [stepAt(0), ...Array.from({ length: 99 }, (_none, index) => stepAt(index + 1))] as const
  const recording = { fence: claimed?.fence ?? 0, leaseUntil: undefined, operation: randomUUID(), at: after(30) }
  loseNext()
  const recorded = await recordSteps(store, owner, id, { ...recording, steps: [...steps] })
  expect(recorded).toMatchObject({
    ok: true,
    value: { steps: steps.map(({ key }, place) => ({ key, seq: place + 3 })) },
  })
  // The same again keeps its places.
  const again = { ...recording, operation: randomUUID(), at: after(40), steps: [...steps] as const }
  expect(await recordSteps(store, owner, id, again)).toEqual(recorded)
})

function workflowOf(index: number): NewWorkflow {
  return {
    id: randomUUID(),
    versionId: randomUUID(),
    name: `workflow ${index}`,
    description: `its description ${index}`,
    definition: documentOf(`{"index":${index}}`),
    isPublic: index % 2 === 0,
    createdAt: start,
  }
}
