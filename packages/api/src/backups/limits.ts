import { BackupFailure, interrupted } from './failure.ts'

/** What one run may take: `Infinity` where nothing sets a limit. docs/backups.md says how those of functions were measured. */
export interface BackupLimits {
  /** From the run's start. The platform ends a scheduled run after 15 minutes, and work after an answer after 30 s. */
  readonly runSeconds: number
  /** Of the archive's text, before it is compressed: what the platform's time of CPU is enough for. */
  readonly contentCharacters: number
  /** Of all tables: the keys of all rows but executions are held in memory to check what refers to what. */
  readonly rows: number
  /** Of each part of the upload but the last; R2 and S3 want 5 MiB or more. Two of them are held. */
  readonly partBytes: number
}

/** What R2 and S3 make one object of. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const mostParts = 10_000

/** Of a run in a function. */
export const scheduledLimits: BackupLimits = {
  runSeconds: 14 * 60,
  contentCharacters: 1024 ** 3,
  rows: 200_000,
  partBytes: 8 * 1024 * 1024,
}

/** Of a backup that is tried right after it was asked for; the schedule takes what is too large for that. */
export const trialLimits: BackupLimits = { ...scheduledLimits, runSeconds: 25 }

/**
 * Of a run in a process of one's own: an archive of up to 335 GB, in as much time as it takes. Parts are of one size, since
 * R2 takes no others, by the protocol of S3 either.
 */
export const serverLimits: BackupLimits = {
  runSeconds: Infinity,
  contentCharacters: Infinity,
  rows: Infinity,
  partBytes: 32 * 1024 * 1024,
}

export const byCommandLine =
  'Take this backup with `millrace backup`, which has no such limit, by a schedule of your own.'

/** Watches that a run stays within its limits, and that it is not told to end. */
export class RunWatch {
  readonly #limits: BackupLimits
  readonly #clock: () => Date
  readonly #endsAt: number
  readonly #signal: AbortSignal | undefined
  #characters = 0

  constructor(limits: BackupLimits, clock: () => Date, signal?: AbortSignal) {
    this.#limits = limits
    this.#signal = signal
    this.#clock = clock
    this.#endsAt = clock().getTime() + limits.runSeconds * 1000
  }

  /** @throws BackupFailure `too_large` */
  checkRows(rows: number): void {
    if (rows <= this.#limits.rows) return
    throw new BackupFailure('too_large', {
      cause: `the database has ${rows} rows, and one run of a function takes at most ${this.#limits.rows}`,
      fix: byCommandLine,
    })
  }

  /** @throws BackupFailure `too_large`, `out_of_time`, `interrupted` */
  add(characters: number): void {
    this.#characters += characters
    if (this.#characters > this.#limits.contentCharacters) {
      throw new BackupFailure('too_large', {
        cause: `the archive is longer than ${this.#limits.contentCharacters} characters, the most that one run takes`,
        fix: byCommandLine,
      })
    }
    this.checkTime()
  }

  /** @throws BackupFailure `out_of_time`, `interrupted` */
  checkTime(): void {
    if (this.#signal?.aborted === true) throw interrupted()
    if (this.#clock().getTime() < this.#endsAt) return
    throw new BackupFailure('out_of_time', {
      cause: `the backup was not done after ${this.#limits.runSeconds} s, shortly before the platform would have ended it`,
      fix: byCommandLine,
    })
  }
}
