import { randomUUID } from 'node:crypto'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import type { UserCaller } from '@millrace/db/access/access'
import { createApiKey } from '@millrace/db/repositories/accounts/api-keys'
import type { ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import type { Store } from '@millrace/db/store/store'
import { recordSteps } from '@millrace/db/repositories/executions/steps'
import { reportExecution } from '@millrace/db/repositories/executions/work'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../../test/database.ts'
import { createUser, createWorkflow, documentOf, startExecution } from '../../test/executions/kit.ts'
import { workspaceRoot } from '../../test/workspace.ts'
import type { Engine, QueueWork, StepWork } from './engine.ts'
import {
  claimAll,
  claimAmong,
  claimOne,
  connections,
  endClaimer,
  startClaimers,
  type Claiming,
} from './millrace-claims.ts'

const atOnce = 8

/** By the repositories and the native driver, as `millrace serve` has them in its own process. */
export function openMillrace(url: string): Promise<Engine> {
  return open(url, { name: 'Millrace', hasKeys: false, processes: 1 })
}

/** Each worker with an API key of its own, all of one user. */
export function openMillraceWithKeys(url: string): Promise<Engine> {
  return open(url, { name: 'Millrace, a key each', hasKeys: true, processes: 1 })
}

/** The workers in two processes, as of two instances or of `millrace serve --processes 2`. */
export function openMillraceInTwo(url: string): Promise<Engine> {
  return open(url, { name: 'Millrace, two processes', hasKeys: true, processes: 2 })
}

interface Kind {
  readonly name: string
  readonly hasKeys: boolean
  readonly processes: number
}

async function open(url: string, { name, hasKeys, processes }: Kind): Promise<Engine> {
  const target = targetOf(`${url}?pool_size=${connections}&max_overflow=0`)
  const database = await openNativeDatabase({ target, log: () => undefined, sharesTrips: true })
  await migrate(database, readMigrations(workspaceRoot, target.dialect))
  const store = database.store()
  // As of an API key that a worker has.
  const owner = { ...(await createUser(store)), mayAdminister: false }
  const keys = hasKeys ? await createKeys(store, owner) : []
  const children = processes === 1 ? [] : await startClaimers(url, processes)

  async function fill(workflowId: string, count: number): Promise<void> {
    let left = count
    const lane = async () => {
      for (left -= 1; left >= 0; left -= 1) await startExecution(store, owner, workflowId)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
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
      for (
        let claimed = await claimOne(store, owner, workflowId);
        claimed !== undefined;
        claimed = await claimOne(store, owner, workflowId)
      ) {
        await runOne(claimed, work)
      }
    }
    await Promise.all(Array.from({ length: work.workers }, worker))
  }

  async function takeJobs({ workers, queued, seconds, onFilled }: QueueWork) {
    const workflowId = await createWorkflow(store, owner)
    await fill(workflowId, queued)
    onFilled?.()
    const startedAt = performance.now()
    const claiming: Claiming = { workflowId, milliseconds: seconds * 1000, callers: callersOf(workers) }
    const taken = await (processes === 1 ? claimAll(store, claiming) : claimAmong(children, claiming))
    const took = (performance.now() - startedAt) / 1000
    if (new Set(taken).size < taken.length) throw new Error('an execution was claimed twice')
    return { taken: taken.length, seconds: took }
  }

  function callersOf(workers: number): readonly UserCaller[] {
    return Array.from({ length: workers }, (_, place) => keys[place % keys.length] ?? owner)
  }

  const close = async () => {
    await Promise.all(children.map(endClaimer))
    await database.close()
  }
  return { name, runSteps: hasKeys ? undefined : runSteps, takeJobs, close }
}

const mostKeys = 50

async function createKeys(store: Store, owner: UserCaller): Promise<readonly UserCaller[]> {
  const callers: UserCaller[] = []
  for (let made = 0; made < mostKeys; made += 1) {
    const [id, keySha256] = [randomUUID(), randomUUID()]
    const named = { id, keySha256, name: 'bench', scopes: 'work', prefix: 'bench', mayAdminister: false }
    const outcome = await createApiKey(store, owner, { ...named, expiresAt: null, createdAt: new Date() })
    if (!outcome.ok) throw new Error('a key of the bench was refused')
    callers.push({ ...owner, keySha256 })
  }
  return callers
}
