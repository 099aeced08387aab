import {
  ArchiveError,
  describeProblem,
  type ArchiveFault,
  type ArchiveProblem,
} from '@millrace/db/archive/archive-error'
import { findHistoryGaps, gapRepairs, type HistoryGap } from '@millrace/db/archive/history-gaps'
import { RestoreError, type RestoreFault } from '@millrace/db/archive/restore-error'
import type { Database } from '@millrace/db/store/database'
import { Failure } from '../failure.ts'
import type { FailureCode } from '../failure-code.ts'

const restoreCodes: Record<RestoreFault, FailureCode> = {
  not_empty: 'not_empty',
  writes_under_way: 'database_busy',
  restore_in_progress: 'restore_in_progress',
  no_restore: 'not_found',
  other_archive: 'restore_in_progress',
  taken_over: 'restore_in_progress',
  row_too_large: 'rows_refused',
  rows_differ: 'rows_refused',
  proof_failed: 'rows_refused',
}

/** What archives and restores throw as a Failure; anything else as it is. */
export function archiveFailure(thrown: unknown, shownFile: string): unknown {
  if (thrown instanceof ArchiveError) return problemsFailure(thrown.fault, thrown.problems, shownFile)
  if (thrown instanceof RestoreError) {
    return new Failure(restoreCodes[thrown.fault], { what: thrown.message, why: thrown.why, fix: thrown.fix })
  }
  return thrown
}

export function problemsFailure(fault: ArchiveFault, problems: readonly ArchiveProblem[], shownFile: string): Failure {
  const why = problems.map(describeProblem).join('\n')
  switch (fault) {
    case 'damaged':
      return new Failure('archive_damaged', {
        what: `${shownFile} is not a whole archive.`,
        why,
        fix: 'Use another backup file; `millrace verify FILE` says which is whole.',
      })
    case 'not_archive':
      return new Failure('archive_damaged', {
        what: `${shownFile} is not an archive of millrace.`,
        why,
        fix: 'Give a file that `millrace backup` or a scheduled backup wrote.',
      })
    case 'identity_wrong':
      return new Failure(
        'archive_damaged',
        {
          what: `This identity does not open ${shownFile}.`,
          why,
          fix: 'Give the identity whose recipient was in BACKUP_RECIPIENTS or --recipient when the backup was taken. The file may be whole.',
        },
        'docs/backups.md#keys',
      )
    case 'newer':
      return new Failure('archive_newer', {
        what: `${shownFile} was made by a newer version of millrace.`,
        why,
        fix: 'Use that version of millrace, or a newer one.',
      })
    case 'rows_refused':
      return new Failure('rows_refused', {
        what: `${shownFile} has rows that no archive can hold.`,
        why,
        fix: 'Correct these rows. With --consistency table, rows that were changed meanwhile may be right when you try again.',
      })
    case 'identity_missing':
      return new Failure('usage', {
        what: `${shownFile} is encrypted.`,
        why,
        fix: 'Give the file that holds the AGE-SECRET-KEY-… line with --identity.',
      })
  }
}

/** Gaps that are told, each with two statements. */
const mostGaps = 20

/** Runs work that reads a database; what it throws becomes a Failure. Where histories have gaps, it says how to go on. */
export async function withSourceFailures<Result>(
  shownSource: string,
  database: Database,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    const isOfHistory =
      thrown instanceof ArchiveError &&
      thrown.fault === 'rows_refused' &&
      thrown.problems.some(({ table }) => table === 'execution_history')
    const gaps = isOfHistory ? await findHistoryGaps(database.transport(), mostGaps) : []
    throw gaps.length > 0 ? gapsFailure(shownSource, database, gaps) : archiveFailure(thrown, shownSource)
  }
}

function gapsFailure(shownSource: string, { dialect }: Database, gaps: readonly HistoryGap[]): Failure {
  const missing = gaps.map(
    ({ executionId, after, next }) =>
      `execution ${JSON.stringify(executionId)}: ${next === after + 2 ? `entry ${after + 1} is` : `entries ${after + 1} to ${next - 1} are`} missing`,
  )
  const more = gaps.length === mostGaps ? ['and perhaps more'] : []
  return new Failure(
    'rows_refused',
    {
      what: `${shownSource} has executions whose history has a gap, which no archive can hold.`,
      why: [...missing, ...more].join('\n'),
      fix: [
        'Run these statements, which renumber the remaining entries and change nothing else, then the command again:',
        ...gapRepairs(dialect, gaps).map((statement) => `${statement};`),
      ].join('\n'),
    },
    'docs/backups.md#a-history-with-a-gap',
  )
}

/** Runs work on an archive; what it throws becomes a Failure. */
export async function withArchiveFailures<Result>(shownFile: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    throw archiveFailure(thrown, shownFile)
  }
}
