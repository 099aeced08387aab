/** Why a restore can't begin, go on, or be taken for done. */
export type RestoreFault =
  /** The target has rows. */
  | 'not_empty'
  /** A transaction that writes to the target does not end. */
  | 'writes_under_way'
  /** A restore is under way that this is not the resumption of. */
  | 'restore_in_progress'
  /** There is no mark to resume or abandon under. */
  | 'no_restore'
  /** The mark is of another archive. */
  | 'other_archive'
  /** Another process goes on with the restore. */
  | 'taken_over'
  /** The target's platform takes no row that large. */
  | 'row_too_large'
  /** A row in the target is another than the archive's. */
  | 'rows_differ'
  /** The target's digests are not the archive's. */
  | 'proof_failed'

/** In the three parts that the command line shows. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError'
  readonly fault: RestoreFault
  readonly why: string
  readonly fix: string

  constructor(fault: RestoreFault, parts: { readonly what: string; readonly why: string; readonly fix: string }) {
    super(parts.what)
    this.fault = fault
    this.why = parts.why
    this.fix = parts.fix
  }
}
