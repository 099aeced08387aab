import { serveSchedules } from '@millrace/api/services/scheduler'
import { readApiKey } from '@millrace/api/auth/api-keys'
import { newId } from '@millrace/api/ids'
import { HeldMark } from '@millrace/db/archive/mark'
import { awaitWriters } from '@millrace/db/archive/writers-under-way'
import { sweepIdempotencyKeys } from '@millrace/db/repositories/accounts/expiry'
import { claimOnce } from '@millrace/db/repositories/executions/claim-once'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import type { Job } from './stage.ts'
import { ofEverybody, standing, type Write } from './write.ts'
import type { Sender, World } from './world.ts'

interface DescribedJob {
  readonly job: Job
  readonly changes: readonly string[]
  readonly reads?: readonly string[]
  readonly isRunAgain?: boolean
}

function jobs(described: Readonly<Record<string, DescribedJob>>): readonly Write[] {
  return Object.entries(described).map(([name, { job, changes, reads = [], isRunAgain = false }]) => ({
    name,
    changes,
    reads: [...reads, ...ofEverybody],
    isRunAgain,
    act: (stage) => stage.work(job),
  }))
}

/** What a restore does before its first row: every write reads the mark. */
export const beginRestore: Write = {
  name: 'begin a restore',
  changes: ofEverybody,
  reads: [],
  act: (stage) =>
    stage.work(async ({ transport }) => {
      const mark = await HeldMark.set(transport, 'an archive')
      if (mark === undefined) return
      await awaitWriters(transport, undefined)
      await mark.begin()
    }),
}

/** A transaction that changes nothing of the execution, and in no pair: what others wait for while it is under way. */
export const holdRunning: Write = {
  name: 'hold the running execution',
  changes: [],
  reads: [],
  act: (stage, world) =>
    stage.work(({ store }) =>
      store.tidy([
        { text: `update executions set state = state where id = '${world.id('running')}'`, parameters: [] },
        { text: 'select 1', parameters: [] },
      ]),
    ),
}

/** Claims of a process of `serve` that came with two API keys, as one statement. Claims alone never send it. */
const claimTogether: Write = {
  name: 'claim together by two API keys',
  changes: ['pending', 'executions of work'],
  reads: [...standing['alice.key'], ...standing['alice.worker'], ...ofEverybody, 'work'],
  act: (stage, world) =>
    stage.work(async ({ store, clock }) => {
      const at = clock()
      const callers = (['alice.key', 'alice.worker'] as const).map((sender) => callerOf(world, sender))
      const [caller] = callers
      if (caller === undefined) throw new Error('alice has two keys')
      const claim = {
        operation: newId(at),
        worker: 'x',
        workers: ['x', 'y'],
        limit: 1,
        at,
        leaseUntil: new Date(at.getTime() + 60_000),
        workflowIds: [world.id('work')],
        credentials: callers.map(({ keySha256 }) => keySha256),
      }
      await claimOnce(store, caller, claim, undefined)
    }),
}

/** As the service takes keys to be. */
const afterEveryPassword = new Date('9999-12-31T23:59:59.999Z')

function callerOf(world: World, sender: Sender) {
  const authorization = world.request(sender, 'GET', '/').headers['Authorization'] ?? ''
  const key = readApiKey(authorization.slice('Bearer '.length))
  if (key === undefined) throw new Error(`${sender} has no key`)
  const { userId, sha256: keySha256 } = key
  return { kind: 'user', userId, issuedAt: afterEveryPassword, mayAdminister: false, keySha256 } as const
}

/** What the service does by the clock, and an operator. */
export const ofJobs: readonly Write[] = [
  ...jobs({
    'serve the schedules': {
      // The first of what is due first, so that a schedule of steps can be run again.
      job: ({ store, clock }) => serveSchedules({ store, clock, log: () => undefined, random: () => 0 }),
      changes: ['due schedules', 'executions of wf'],
      reads: ['wf', 'paused', 'user alice', 'user bob', 'share bob'],
    },
    'sweep executions': {
      job: ({ store, clock }) => sweepExecutions(store, { at: clock(), operation: newId(clock()) }),
      changes: ['spent', 'executions of spare'],
    },
    'sweep ended executions': {
      job: ({ store, clock }) => sweepEndedExecutions(store, clock()),
      changes: ['ended', 'executions of wf'],
      isRunAgain: true,
    },
    'sweep old keys': {
      job: ({ store, clock }) => sweepIdempotencyKeys(store, clock()),
      changes: ['idempotency old'],
    },
  }),
  beginRestore,
  claimTogether,
]
