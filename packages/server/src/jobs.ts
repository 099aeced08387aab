import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import { faultOf } from '@millrace/api/faults'
import type { Log } from '@millrace/api/log'
import { serveSchedules } from '@millrace/api/services/scheduler'
import { sweepExpired, type KeptFor } from '@millrace/api/services/sweeps'
import type { Database } from '@millrace/db/store/database'
import { listScheduledBackups } from '@millrace/db/repositories/backups/runs'
import { takeMissedSlot, takeSlot } from '@millrace/db/store/time-slot'

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
  /** Whether it is still to be done for a slot that passed while nothing ran; never when absent. */
  readonly isMissed?: (slot: Date) => Promise<boolean>
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
  /** Begins no more, and waits for what runs; a sweep ends early, since the next one goes on. The service ends a backup. */
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
          {
            name: 'backup',
            slotAt: daily(backupOfDayMilliseconds),
            run: () => backups.run('schedule'),
            isMissed: (slot: Date) => isBackupMissed(database, slot),
          },
        ]),
  ]
}

/** A backup that was taken since counts for the day. */
async function isBackupMissed(database: Database, slot: Date): Promise<boolean> {
  const backups = await listScheduledBackups(database.store())
  return !backups.some(({ result, createdAt }) => result === 'ok' && createdAt >= slot)
}

async function serve(database: Database, clock: () => Date, log: Log): Promise<void> {
  await serveSchedules({ store: database.store(), clock, log })
}

/**
 * Runs the jobs at their times: of all processes that serve one database, one does each. A process that starts does what
 * is due next, and of what was due before only a daily backup that no process took.
 */
export function startJobs(parts: Parts): Jobs {
  const { database, log, clock = () => new Date() } = parts
  const running = new Set<Promise<void>>()
  const timers = new Map<string, NodeJS.Timeout>()
  const stopping = new AbortController()

  /** What runs is waited for at the end. */
  function start(job: Job, isDue: () => Promise<boolean>): void {
    const done = run(job, isDue).finally(() => running.delete(done))
    running.add(done)
  }

  async function run({ name, run: work }: Job, isDue: () => Promise<boolean>): Promise<void> {
    try {
      if (await isDue()) await work(clock())
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
          start(job, () => takeSlot(database.store(), job.name, next))
          wait(job)
        },
        Math.max(0, next.getTime() - clock().getTime()),
      ),
    )
  }

  for (const job of jobsOf(parts, stopping.signal)) {
    const { name, slotAt, isMissed } = job
    const last = slotAt(clock())
    if (isMissed !== undefined) {
      start(job, async () => (await takeMissedSlot(database.store(), name, last)) && isMissed(last))
    }
    wait(job)
  }
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
