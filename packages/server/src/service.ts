import { setMaxListeners } from 'node:events'
import { createApp } from '@millrace/api/app'
import type { ReadAsset } from '@millrace/api/assets'
import type { BackupBucket } from '@millrace/api/backups/bucket'
import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import type { Log } from '@millrace/api/log'
import { IsolateMetrics } from '@millrace/api/metrics/isolate'
import type { Settings } from '@millrace/api/settings'
import { createUnreadableApp } from '@millrace/api/unreadable'
import type { PoolStatus } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import type { ConnectionLogEntry } from '@millrace/drivers/native/log'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { backupsInto } from './backups.ts'
import { countsTrips } from './counts-trips.ts'

export interface ServiceParts {
  readonly settings: Settings
  readonly log: Log
  readonly onConnection: (entry: ConnectionLogEntry) => void
  readonly readAsset?: ReadAsset | undefined
  /** Where scheduled backups go; undefined: nowhere. */
  readonly bucket?: BackupBucket | undefined
}

/** The API in this process, its database by a driver of its own. */
export interface Service {
  readonly database: Database
  readonly backups: ScheduledBackups | undefined
  readonly metrics: IsolateMetrics
  /** Of this process alone. */
  ownPoolStatus(): Promise<PoolStatus | undefined>
  /** What the API tells of the pool; of several processes that serve as one, all of theirs. */
  poolStatusOf: () => Promise<PoolStatus | undefined>
  fetch(request: Request): Response | Promise<Response>
  /** Answers what has no URL. */
  answerUnreadable(request: Request): Response | Promise<Response>
  /** Ends what may end early, since the process is about to: a backup, which the next run takes, and event streams. */
  stop(): void
  /** Resolves when what goes on after answers has ended, for the time being. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** @throws what opening the database throws: SqliteFailure, TlsFileError */
export async function openService(parts: ServiceParts): Promise<Service> {
  const { settings, log, readAsset, onConnection } = parts
  const metrics = new IsolateMetrics('by this server since it began')
  const opened = await openNativeDatabase({
    target: settings.database,
    log: onConnection,
    sharesTrips: true,
    onRetry: ({ fault }) => metrics.retry(fault),
  })
  const database = countsTrips(opened, metrics, settings.slowQueryMilliseconds)
  const replica = await openReplica(parts)
  const stopping = new AbortController()
  // Each event stream listens to it.
  setMaxListeners(0, stopping.signal)
  const backups =
    parts.bucket === undefined
      ? undefined
      : backupsInto(parts.bucket, { database, settings, log, signal: stopping.signal })
  const running = new Set<Promise<unknown>>()
  const execution = executionOf(running)
  const service: Service = {
    database,
    backups,
    metrics,
    ownPoolStatus: () => database.poolStatus(),
    poolStatusOf: () => database.poolStatus(),
    fetch: (request) => app.fetch(request, {}, execution),
    answerUnreadable: (request) => unreadable.fetch(request),
    stop: () => stopping.abort(),
    async settled() {
      await Promise.all(running)
    },
    async close() {
      await database.close()
      await replica?.close()
    },
  }
  const shown: Database = { ...database, poolStatus: () => service.poolStatusOf() }
  const unreadable = createUnreadableApp({ log, metrics })
  const app = createApp({
    settings,
    database: shown,
    replica,
    log,
    metrics,
    backups,
    readAsset,
    stopping: stopping.signal,
  })
  return service
}

/** What goes on after answers, as the platform has it. */
function executionOf(running: Set<Promise<unknown>>) {
  return {
    waitUntil(work: Promise<unknown>) {
      const settled = work.then(
        () => undefined,
        () => undefined,
      )
      running.add(settled)
      void settled.then(() => running.delete(settled))
    },
    passThroughOnException: () => undefined,
    props: {},
  }
}

/** Sooner given up than the primary, which then answers: once, and after a few seconds. */
async function openReplica({ settings, onConnection }: ServiceParts): Promise<Database | undefined> {
  const { readDatabase: target } = settings
  if (target === undefined) return undefined
  return openNativeDatabase({ target, timeoutSeconds: 5, attempts: 1, log: onConnection })
}
