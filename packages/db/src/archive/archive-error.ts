import type { ArchiveTableName } from './tables.ts'

/** Something in an archive that is not so. Lines count from 1; the first is the head. */
export interface ArchiveProblem {
  readonly line: number
  readonly table?: ArchiveTableName
  readonly what: string
}

/** Why an archive can't be taken. */
export type ArchiveFault =
  /** It is an archive, and not whole. */
  | 'damaged'
  /** It is a file of another kind. */
  | 'not_archive'
  /** Its format or schema is newer than this code. */
  | 'newer'
  /** It is encrypted, and no identity was given. */
  | 'identity_missing'
  /** It is encrypted, and not for any of the identities that were given. */
  | 'identity_wrong'
  /** A database has rows that no archive can hold. */
  | 'rows_refused'

export class ArchiveError extends Error {
  readonly fault: ArchiveFault
  readonly problems: readonly ArchiveProblem[]

  constructor(fault: ArchiveFault, problems: readonly [ArchiveProblem, ...ArchiveProblem[]]) {
    super(describeProblem(problems[0]))
    this.name = 'ArchiveError'
    this.fault = fault
    this.problems = problems
  }
}

export function describeProblem({ line, table, what }: ArchiveProblem): string {
  return table === undefined ? `Line ${line}: ${what}` : `Line ${line} (${table}): ${what}`
}

export function notArchive(what: string): ArchiveError {
  return new ArchiveError('not_archive', [{ line: 1, what }])
}

export function damaged(line: number, what: string): ArchiveError {
  return new ArchiveError('damaged', [{ line, what }])
}
