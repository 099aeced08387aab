import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import { faultOf } from '@millrace/api/faults'
import type { Log } from '@millrace/api/log'
import { serveSchedules } from '@millrace/api/services/scheduler'
import { sweepExpired, type KeptFor } from '@millrace/api/services/sweeps'
import type { Database } from '@millrace/db/store/database'
import { takeSlot } from '@millrace/db/store/time-slot'

interface Parts {
  readonly database: Database
  readonly backups: ScheduledBackups | undefined
  readonly log: Log
  readonly settings: KeptFor
  readonly clock?: () => Date
}

/** What runs by itself, and when: the schedules of wrangler.toml. */
interface Job {
  readonly name: string
  /** The last moment up to `at` at which it was due. */
  readonly slotAt: (at: Date) => Date
  readonly run: (at: Date) => Promise<void>
}

const minuteMilliseconds = 60_000
const dayMilliseconds = 86_400_000
/** 03:30 UTC. */
const backupOfDayMilliseconds = 3.5 * 60 * minuteMilliseconds

const everyMinutes = (minutes: number) => (at: Date) =>
  new Date(Math.floor(at.getTime() / (minutes * minuteMilliseconds)) * minutes * minuteMilliseconds)

const daily = (ofDayMilliseconds: number) => (at: Date) =>
  new Date(Math.floor((at.getTime() - ofDayMilliseconds) / dayMilliseconds) * dayMilliseconds + ofDayMilliseconds)

export interface Jobs {
  /** Begins no more, and waits for what runs; a sweep ends early, since the next one goes on. */
  stop(): Promise<void>
}

function jobsOf(
  { database, backups, log, settings, clock = () => new Date() }: Parts,
  signal: AbortSignal,
): readonly Job[] {
  return [
    { name: 'schedules', slotAt: everyMinutes(1), run: () => serve(database, clock, log) },
    {
      name: 'sweep',
      slotAt: everyMinutes(5),
      run: (at) => sweepExpired(database.store(), log, { at, kept: settings, signal }),
    },
    ...(backups === undefined
      ? []
      : [
          { name: 'backup-requests', slotAt: everyMinutes(5), run: () => backups.run('tick') },
          { name: 'backup', slotAt: daily(backupOfDayMilliseconds), run: () => backups.run('schedule') },
        ]),
  ]
}

async function serve(database: Database, clock: () => Date, log: Log): Promise<void> {
  await serveSchedules({ store: database.store(), clock, log })
}

/**
 * Runs the jobs at their times: of all processes that serve one database, one does each. A process that starts does what
 * is due next, not what was due before.
 */
export function startJobs(parts: Parts): Jobs {
  const { database, log, clock = () => new Date() } = parts
  const running = new Set<Promise<void>>()
  const timers = new Map<string, NodeJS.Timeout>()
  const stopping = new AbortController()

  async function run({ name, run: work }: Job, slot: Date): Promise<void> {
    try {
      if (await takeSlot(database.store(), name, slot)) await work(clock())
    } catch (thrown) {
      const { cause, fix } = faultOf(thrown)
      log({ level: 'error', event: 'sweep_failed', what: name, cause, cure: fix })
    }
  }

  function wait(job: Job): void {
    if (stopping.signal.aborted) return
    const next = nextSlot(job, clock())
    timers.set(
      job.name,
      setTimeout(
        () => {
          const done = run(job, next).finally(() => running.delete(done))
          running.add(done)
          wait(job)
        },
        Math.max(0, next.getTime() - clock().getTime()),
      ),
    )
  }

  for (const job of jobsOf(parts, stopping.signal)) wait(job)
  return {
    async stop() {
      stopping.abort()
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

function nextSlot({ slotAt }: Job, at: Date): Date {
  const last = slotAt(at).getTime()
  // Found by looking ahead, since what is between two slots is the job's own business.
  for (let ahead = minuteMilliseconds; ; ahead += minuteMilliseconds) {
    const slot = slotAt(new Date(at.getTime() + ahead))
    if (slot.getTime() > last) return slot
  }
}
