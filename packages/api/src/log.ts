import type { BackupFault } from './backups/failure.ts'
import type { ErrorCode } from './errors.ts'

/** One line per request. It never holds a body, a token, a query value or an SQL parameter. */
interface RequestEntry {
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
  /** For the operator: what happened, in the words of what failed, and how to fix it: `cure` is the contract's name (ADR 172). */
  readonly cause?: string | undefined
  readonly cure?: string | undefined
}

/** A round trip: at level `debug` each one, at `warn` those slower than SLOW_QUERY_MS. */
interface TripEntry {
  readonly level: 'debug' | 'warn'
  readonly event: 'trip' | 'slow_query'
  readonly requestId: string
  readonly milliseconds: number
  readonly statement: string
  /** At level `debug`, by kind alone: `text`, `null`. */
  readonly parameters?: readonly string[]
}

interface MisconfiguredEntry {
  readonly level: 'error'
  readonly event: 'misconfigured'
  readonly requestId: string
  readonly problems: readonly { readonly variable: string; readonly why: string; readonly fix: string }[]
}

interface BackupTakenEntry {
  readonly level: 'info'
  readonly event: 'backup_taken'
  readonly name: string
  readonly bytes: number | null
  readonly rows: number | null
  readonly isEncrypted: boolean
  readonly isDrilled: boolean
  readonly milliseconds: number
}

/**
 * Of one backup: it is not encrypted; the run that took it was cut off, and was ended (where its upload had no id yet,
 * one without parts may linger until R2 ends it); it was found in the bucket, not in the table; the other way round.
 */
interface BackupNoticeEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: 'backup_unencrypted' | 'backup_cut_off' | 'backup_found' | 'backup_missing'
  readonly name: string
  readonly mayLinger?: boolean
}

/** What was done, or found, with what there is to say of it. */
type Noted<Event extends string, Members = object> = Readonly<{ level: 'info' | 'warn'; event: Event } & Members>

/** What failed, in its own words, and how to fix it. */
type Failed<Event extends string, Members = object> = Readonly<
  { level: 'warn' | 'error'; event: Event; cause: string; cure: string | undefined } & Members
>

export type LogEntry =
  | RequestEntry
  | TripEntry
  | MisconfiguredEntry
  /** What was to be done after an answer; the answer stands. */
  | Failed<'afterwards_failed', { requestId: string }>
  /** /metrics was answered without what the database knows. */
  | Failed<'scrape_incomplete', { requestId: string }>
  /** The replica did not answer: the primary does, for as long as it is left alone. */
  | Failed<'replica_failed', { requestId: string; awaySeconds: number }>
  /** A secret of a user's settings was shown to that user. Its ref names it; a pointer could hold names of the user's. */
  | Noted<'secret_revealed', { requestId: string; userId: string; ref: string }>
  /** A part of a scheduled run: how many rows it ended or deleted. */
  | Noted<'swept', { what: string; count: number }>
  | Failed<'sweep_failed', { what: string }>
  /** A schedule was not served; it stays due. */
  | Failed<'schedule_failed', { schedule: string }>
  /** A schedule will start nothing more. */
  | Noted<'schedule_disabled', { schedule: string; reason: string }>
  /** What a run of the scheduler did, where it did anything. */
  | Noted<'schedules_served', { started: number; passedOver: number; disabled: number }>
  | BackupTakenEntry
  /** The name is empty where it failed before it had one. */
  | Failed<'backup_failed', { name: string; fault: BackupFault | ErrorCode }>
  /** A backup is whole, but the drill found what can't be read. */
  | Readonly<{ level: 'error'; event: 'backup_drill_failed'; name: string; problems: readonly string[] }>
  /** What of older backups could not be looked after; the new one stands. */
  | Failed<'backup_pruning_failed', { fault: BackupFault }>
  | Noted<'backup_skipped', { reason: string }>
  | BackupNoticeEntry
  | Noted<'backups_pruned', { names: readonly string[] }>
  /** Of several processes that serve as one, one has ended by itself: with a code, or by a signal. */
  | Readonly<{ level: 'error'; event: 'process_ended'; code: number | null; signal: string | null }>
  /** Of several processes that serve as one, not all told what they have counted: those count with what they told before. */
  | Noted<'processes_silent', { processes: number; answered: number }>
  /** A token for a new password that the webhook did not take: its user gets no mail. */
  | Failed<'mail_webhook_failed', { requestId: string }>

export type Log = (entry: LogEntry) => void
