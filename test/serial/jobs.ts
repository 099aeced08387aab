import { serveSchedules } from '@millrace/api/services/scheduler'
import { newId } from '@millrace/api/ids'
import { sweepIdempotencyKeys } from '@millrace/db/repositories/accounts/expiry'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import type { Job } from './stage.ts'
import type { Write } from './write.ts'

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
    reads,
    isRunAgain,
    act: (stage) => stage.work(job),
  }))
}

/**
 * Whoever restores marks the database before anything else. Only schedules of failed-schedules.txt have it beside another
 * write: every write reads the mark.
 */
export const beginRestore: Write = {
  name: 'begin a restore',
  changes: ['restore mark'],
  reads: [],
  async act(stage) {
    await stage.ground.execute(`update marks set value = 'an archive' where name = 'restore'`)
    return { status: 200, headers: new Headers(), body: '' }
  },
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
]
