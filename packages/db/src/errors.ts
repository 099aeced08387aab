/** What can go wrong with a database, closed. The first seven are the API's codes of the same name. */
export type DatabaseFault =
  | 'database_unreachable'
  | 'database_auth_failed'
  | 'database_missing'
  | 'database_schema_outdated'
  | 'database_busy'
  | 'database_timeout'
  | 'restore_in_progress'
  | 'unique_violation'
  | 'foreign_key_violation'
  | 'check_violation'
  | 'internal'

interface DatabaseErrorDetails {
  /** The database's own words, without parameters. */
  readonly message: string
  /** For the operator: the command or setting that mends it. */
  readonly cure: string
  /** Name of the unique index (`<table>_<columns>_unique`) or primary key (`<table>_pk`) that was violated. */
  readonly constraint?: string | undefined
  /** Set where waiting helps. */
  readonly retryAfterSeconds?: number | undefined
  /** Whether it is certain that the database applied nothing of the statement or batch. */
  readonly isNotApplied: boolean
}

/** An error for the operator: its words go to the log, never to a caller. */
export class DatabaseError extends Error {
  readonly fault: DatabaseFault
  readonly cure: string
  readonly constraint: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly isNotApplied: boolean

  constructor(fault: DatabaseFault, details: DatabaseErrorDetails) {
    super(details.message)
    this.name = 'DatabaseError'
    this.fault = fault
    this.cure = details.cure
    this.constraint = details.constraint
    this.retryAfterSeconds = details.retryAfterSeconds
    this.isNotApplied = details.isNotApplied
  }
}

const cures: Record<DatabaseFault, string> = {
  database_unreachable:
    'Check that the database server (or the gateway) is running, and the host, port and firewall; try again.',
  database_auth_failed: "Check the user, the password and the user's grants in DATABASE_URL.",
  database_missing: 'Create the database, or correct its name in DATABASE_URL.',
  database_schema_outdated: 'Run `millrace migrate` against this DATABASE_URL.',
  database_busy: 'Try again; if it stays so, raise pool_size or look for long transactions.',
  database_timeout: 'Try again; if it stays so, look for slow queries and locks.',
  restore_in_progress: 'Wait for the restore, or run `millrace restore --resume` or `--abandon`.',
  unique_violation: 'A row with the same key exists.',
  foreign_key_violation: 'A row that is referred to does not exist, or is still referred to.',
  check_violation: 'A value is not among those that the column allows.',
  internal: 'This is a defect of millrace or an unknown answer of the database: report it with this message.',
}

const retryAfterSeconds: Partial<Record<DatabaseFault, number>> = {
  database_unreachable: 5,
  database_busy: 1,
  database_timeout: 1,
  restore_in_progress: 30,
}

/** A {@link DatabaseError} with the cure that fits its kind. */
export function databaseError(
  fault: DatabaseFault,
  message: string,
  details: { readonly isNotApplied: boolean; readonly constraint?: string | undefined },
): DatabaseError {
  return new DatabaseError(fault, {
    message,
    cure: cures[fault],
    retryAfterSeconds: retryAfterSeconds[fault],
    ...details,
  })
}
