import type { BackupFault } from './backups/failure.ts'
import type { ErrorCode } from './errors.ts'

/** One line a request. It never holds a body, a token, a query value or an SQL parameter. */
export interface RequestEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: 'request'
  readonly requestId: string
  readonly method: string
  /** The route's pattern, never the path itself. */
  readonly route: string
  readonly status: number
  readonly milliseconds: number
  readonly databaseMilliseconds: number
  readonly trips: number
  /** Of the caller's trace, where it named one. */
  readonly traceId?: string | undefined
  readonly userId?: string | undefined
  readonly code?: ErrorCode | undefined
  /** For the operator: what happened, in the words of what failed, and how to fix it. */
  readonly cause?: string | undefined
  readonly cure?: string | undefined
}

/** A round trip: at level `debug` each one, at `warn` those slower than SLOW_QUERY_MS. */
export interface TripEntry {
  readonly level: 'debug' | 'warn'
  readonly event: 'trip' | 'slow_query'
  readonly requestId: string
  readonly milliseconds: number
  readonly statement: string
  /** At level `debug`, by kind alone: `text`, `null`. */
  readonly parameters?: readonly string[]
}

export interface MisconfiguredEntry {
  readonly level: 'error'
  readonly event: 'misconfigured'
  readonly requestId: string
  readonly problems: readonly { readonly variable: string; readonly why: string; readonly fix: string }[]
}

/** What was to be done after an answer and failed; the answer stands. */
export interface AfterwardsEntry {
  readonly level: 'warn'
  readonly event: 'afterwards_failed'
  readonly requestId: string
  readonly cause: string
  readonly cure: string | undefined
}

/** /metrics was answered without what the database knows. */
export interface ScrapeIncompleteEntry {
  readonly level: 'warn'
  readonly event: 'scrape_incomplete'
  readonly requestId: string
  readonly cause: string
  readonly cure: string | undefined
}

/** The replica did not answer: the primary does, for as long as it is left alone. */
export interface ReplicaFailedEntry {
  readonly level: 'warn'
  readonly event: 'replica_failed'
  readonly requestId: string
  readonly awaySeconds: number
  readonly cause: string
  readonly cure: string
}

/** A secret of a user's settings was shown to that user. Its ref names it; a pointer could hold names of the user's. */
export interface SecretRevealedEntry {
  readonly level: 'info'
  readonly event: 'secret_revealed'
  readonly requestId: string
  readonly userId: string
  readonly ref: string
}

/** A part of a scheduled run: how many rows it ended or deleted. */
export interface SweptEntry {
  readonly level: 'info'
  readonly event: 'swept'
  readonly what: string
  readonly count: number
}

export interface SweepFailedEntry {
  readonly level: 'error'
  readonly event: 'sweep_failed'
  readonly what: string
  readonly cause: string
  readonly cure: string | undefined
}

/** A schedule was not served; it stays due. */
export interface ScheduleFailedEntry {
  readonly level: 'error'
  readonly event: 'schedule_failed'
  readonly schedule: string
  readonly cause: string
  readonly cure: string | undefined
}

/** A schedule will start nothing more. */
export interface ScheduleDisabledEntry {
  readonly level: 'warn'
  readonly event: 'schedule_disabled'
  readonly schedule: string
  readonly reason: string
}

/** What a run of the scheduler did, where it did anything. */
export interface SchedulesServedEntry {
  readonly level: 'info'
  readonly event: 'schedules_served'
  readonly started: number
  readonly passedOver: number
  readonly disabled: number
}

/** A backup of the schedule succeeded, read back. */
export interface BackupTakenEntry {
  readonly level: 'info'
  readonly event: 'backup_taken'
  readonly name: string
  readonly bytes: number | null
  readonly rows: number | null
  readonly isEncrypted: boolean
  readonly isDrilled: boolean
  readonly milliseconds: number
}

export interface BackupFailedEntry {
  readonly level: 'error'
  readonly event: 'backup_failed'
  /** Empty where it failed before it had one. */
  readonly name: string
  readonly fault: BackupFault | ErrorCode
  readonly cause: string
  readonly cure: string | undefined
}

/** A backup is whole, but the drill found what can't be read. */
export interface BackupDrillFailedEntry {
  readonly level: 'error'
  readonly event: 'backup_drill_failed'
  readonly name: string
  readonly problems: readonly string[]
}

/** What of older backups could not be looked after; the new one stands. */
export interface BackupPruningFailedEntry {
  readonly level: 'error'
  readonly event: 'backup_pruning_failed'
  readonly fault: BackupFault
  readonly cause: string
  readonly cure: string
}

export interface BackupSkippedEntry {
  readonly level: 'info' | 'warn'
  readonly event: 'backup_skipped'
  readonly reason: string
}

/**
 * Of one backup: it is not encrypted; the run that took it was cut off, and was ended (where its upload had no id yet,
 * one without parts may linger until R2 ends it); it was found in the bucket, not in the table; the other way round.
 */
export interface BackupNoticeEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: 'backup_unencrypted' | 'backup_cut_off' | 'backup_found' | 'backup_missing'
  readonly name: string
  readonly mayLinger?: boolean
}

export interface BackupsPrunedEntry {
  readonly level: 'info'
  readonly event: 'backups_pruned'
  readonly names: readonly string[]
}

/** A token for a new password that the webhook did not take: its user gets no mail. */
export interface MailWebhookFailedEntry {
  readonly level: 'error'
  readonly event: 'mail_webhook_failed'
  readonly requestId: string
  readonly cause: string
  readonly cure: string
}

export type LogEntry =
  | RequestEntry
  | TripEntry
  | MisconfiguredEntry
  | AfterwardsEntry
  | ScrapeIncompleteEntry
  | ReplicaFailedEntry
  | SecretRevealedEntry
  | SweptEntry
  | SweepFailedEntry
  | ScheduleFailedEntry
  | ScheduleDisabledEntry
  | SchedulesServedEntry
  | BackupTakenEntry
  | BackupFailedEntry
  | BackupDrillFailedEntry
  | BackupPruningFailedEntry
  | BackupSkippedEntry
  | BackupNoticeEntry
  | BackupsPrunedEntry
  | MailWebhookFailedEntry

export type Log = (entry: LogEntry) => void
