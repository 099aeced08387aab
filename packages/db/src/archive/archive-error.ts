import type { ArchiveTableName } from './tables.ts'

/** Something in an archive that is not so. Lines count from 1; the first is the head. */
export interface ArchiveProblem {
  readonly line: number
  readonly table?: ArchiveTableName
  readonly what: string
}

/** Why an archive can't be taken. */
export type ArchiveFault =
  /** It is not whole, or not an archive. */
  | 'damaged'
  /** Its format or schema is newer than this code. */
  | 'newer'
  /** It is encrypted, and no identity was given. */
  | 'identity_missing'
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

export function damaged(line: number, what: string): ArchiveError {
  return new ArchiveError('damaged', [{ line, what }])
}
