import { setTimeout as delay } from 'node:timers/promises'
import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import { faultOf } from '@millrace/api/faults'
import type { Log } from '@millrace/api/log'
import { serveSchedules } from '@millrace/api/services/scheduler'
import { sweepExpired, type KeptFor } from '@millrace/api/services/sweeps'
import { listScheduledBackups } from '@millrace/db/repositories/backups/runs'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { Database } from '@millrace/db/store/database'
import { takeMissedSlot, takeSlot } from '@millrace/db/store/time-slot'
import { watchSlots, type SlotAt } from './slot-watch.ts'

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
  readonly slotAt: SlotAt
  readonly run: (at: Date) => Promise<void>
  /** Whether nothing else has done since what is to be done for a slot; not asked when absent. */
  readonly isStillDue?: (slot: Date) => Promise<boolean>
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
            isStillDue: (slot: Date) => isBackupDue(database, slot),
          },
        ]),
  ]
}

/** A backup that was taken since counts for the day. */
async function isBackupDue(database: Database, slot: Date): Promise<boolean> {
  const backups = await listScheduledBackups(database.store())
  return !backups.some(({ result, createdAt }) => result === 'ok' && createdAt >= slot)
}

async function serve(database: Database, clock: () => Date, log: Log): Promise<void> {
  await serveSchedules({ store: database.store(), clock, log })
}

type Take = typeof takeSlot

/**
 * Runs the jobs at their times: of all processes that serve one database, one does each. A process that starts does the
 * newest of each job that no process took, such as a backup that was due while nothing ran. What a database that is away
 * keeps from being done is done when it is back, or at its next time, whichever comes first.
 */
export function startJobs(parts: Parts): Jobs {
  const { database, log, clock = () => new Date() } = parts
  const running = new Set<Promise<void>>()
  const watches: { stop(): void }[] = []
  const stopping = new AbortController()
  const { signal } = stopping

  /** What runs is waited for at the end. */
  function start(job: Job, slot: Date, take: Take): void {
    const done = attend(job, slot, take).finally(() => running.delete(done))
    running.add(done)
  }

  async function attend(job: Job, slot: Date, take: Take): Promise<void> {
    const { name } = job
    // Of this slot and this process alone: a clock that was set back brings the same slot again.
    const owner = crypto.randomUUID()
    let isTaken = false
    for (let tries = 0; ; tries += 1) {
      try {
        isTaken ||= await take(database.store(), { job: name, slot, owner, now: clock() })
        if (isTaken && ((await job.isStillDue?.(slot)) ?? true)) await job.run(clock())
        return
      } catch (thrown) {
        const { cause, fix } = faultOf(thrown)
        if (tries === 0) log({ level: 'error', event: 'sweep_failed', what: name, cause, cure: fix })
        if (!(thrown instanceof DatabaseError)) return
      }
      await pause(pauseMilliseconds(tries), signal)
      if (signal.aborted || job.slotAt(clock()) > slot) return
    }
  }

  for (const job of jobsOf(parts, signal)) {
    start(job, job.slotAt(clock()), takeMissedSlot)
    watches.push(watchSlots(job.slotAt, { clock, begin: (slot) => start(job, slot, takeSlot) }))
  }
  return {
    async stop() {
      stopping.abort()
      for (const watch of watches) watch.stop()
      await Promise.all(running)
    },
  }
}

const firstPauseMilliseconds = 1000
const longestPauseMilliseconds = 60_000

function pauseMilliseconds(tries: number): number {
  return Math.min(firstPauseMilliseconds * 2 ** tries, longestPauseMilliseconds)
}

/** Ends early with the signal. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined)
}
