import { randomUUID } from 'node:crypto'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import { claimExecutions, type ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import { recordSteps } from '@millrace/db/repositories/executions/steps'
import { reportExecution } from '@millrace/db/repositories/executions/work'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../../test/database.ts'
import { createUser, createWorkflow, documentOf, startExecution } from '../../test/executions/kit.ts'
import { workspaceRoot } from '../../test/workspace.ts'
import type { Engine, QueueWork, StepWork } from './engine.ts'

/** As long as pg-boss lets a job be active: what the bench has taken is not due again while it runs. */
const leaseMilliseconds = 900_000
const atOnce = 8
/** As many as the others keep. The default keeps five, and opens and closes the ones beyond as they are needed. */
const connections = 15

/** By the repositories and the native driver, as `millrace serve` has them in its own process. */
export async function openMillrace(url: string): Promise<Engine> {
  const target = targetOf(`${url}?pool_size=${connections}&max_overflow=0`)
  const database = await openNativeDatabase({ target, log: () => undefined, sharesTrips: true })
  await migrate(database, readMigrations(workspaceRoot, target.dialect))
  const store = database.store()
  // As of an API key that a worker has.
  const owner = { ...(await createUser(store)), mayAdminister: false }

  async function fill(workflowId: string, count: number): Promise<void> {
    let left = count
    const lane = async () => {
      for (left -= 1; left >= 0; left -= 1) await startExecution(store, owner, workflowId)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }

  async function claimOne(workflowId: string): Promise<ClaimedExecution | undefined> {
    const at = new Date()
    const leaseUntil = new Date(at.getTime() + leaseMilliseconds)
    const claim = { operation: randomUUID(), worker: 'bench', limit: 1, at, leaseUntil, workflowIds: [workflowId] }
    const claimed = await claimExecutions(store, owner, claim)
    if (!claimed.ok || !('items' in claimed.value)) throw new Error('a claim of the bench was refused')
    return claimed.value.items[0]
  }

  async function runOne({ id, fence }: ClaimedExecution, { steps, onFirstStep }: StepWork): Promise<void> {
    for (let step = 1; step <= steps; step += 1) {
      if (step === 1) onFirstStep()
      const at = new Date()
      const recorded = await recordSteps(store, owner, id, {
        fence,
        steps: [
          { key: `step-${step}`, output: documentOf(`{"step":${step}}`), error: null, attempt: 1, startedAt: at },
        ],
        // As the client does: it renews leases by heartbeats, three times in each lease, and not with its steps.
        leaseUntil: undefined,
        operation: randomUUID(),
        at,
      })
      if (!recorded.ok) throw new Error(recorded.refusal)
    }
    const report = { fence, step: 'complete', dueAt: null, leaseUntil: undefined } as const
    const reported = await reportExecution(store, owner, id, { ...report, operation: randomUUID(), at: new Date() })
    if (!reported.ok) throw new Error(reported.refusal)
  }

  async function runSteps(work: StepWork): Promise<void> {
    const workflowId = await createWorkflow(store, owner)
    await fill(workflowId, work.executions)
    const worker = async () => {
      for (let claimed = await claimOne(workflowId); claimed !== undefined; claimed = await claimOne(workflowId)) {
        await runOne(claimed, work)
      }
    }
    await Promise.all(Array.from({ length: work.workers }, worker))
  }

  async function takeJobs({ workers, queued, seconds, onFilled }: QueueWork) {
    const workflowId = await createWorkflow(store, owner)
    await fill(workflowId, queued)
    onFilled?.()
    const seen = new Set<string>()
    const startedAt = performance.now()
    const until = startedAt + seconds * 1000
    const worker = async () => {
      while (performance.now() < until) {
        const claimed = await claimOne(workflowId)
        if (claimed === undefined) return
        if (seen.has(claimed.id)) throw new Error(`${claimed.id} was claimed twice`)
        seen.add(claimed.id)
      }
    }
    await Promise.all(Array.from({ length: workers }, worker))
    return { taken: seen.size, seconds: (performance.now() - startedAt) / 1000 }
  }

  return { name: 'Millrace', runSteps, takeJobs, close: () => database.close() }
}
