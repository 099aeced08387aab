import { factsOf, type DatabaseFault, type Trouble } from './troubles.ts'

export type { DatabaseFault }

interface DatabaseErrorDetails {
  /** What is the matter, where more is known than the fault. */
  readonly trouble?: Trouble
  /** The database's own words, without parameters. */
  readonly message: string
  /** For the operator: the command or setting that fixes it. */
  readonly fix: string
  /** Name of the unique index (`<table>_<columns>_unique`) or primary key (`<table>_pk`) that was violated. */
  readonly constraint?: string | undefined
  /** Set where waiting helps. */
  readonly retryAfterSeconds?: number | undefined
  /** Whether it is certain that the database applied nothing of the statement or batch. */
  readonly isNotApplied: boolean
  /** Set where nothing is wrong: a batch ended behind its gate, which affected no row. The Store alone meets it. */
  readonly isGateClosed?: boolean | undefined
}

/** An error for the operator: its words go to the log, never to a caller. */
export class DatabaseError extends Error {
  readonly fault: DatabaseFault
  readonly trouble: Trouble
  readonly fix: string
  readonly constraint: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly isNotApplied: boolean
  readonly isGateClosed: boolean

  constructor(fault: DatabaseFault, details: DatabaseErrorDetails) {
    super(details.message)
    this.name = 'DatabaseError'
    this.fault = fault
    this.trouble = details.trouble ?? fault
    this.fix = details.fix
    this.constraint = details.constraint
    this.retryAfterSeconds = details.retryAfterSeconds
    this.isNotApplied = details.isNotApplied
    this.isGateClosed = details.isGateClosed ?? false
  }
}

/** A {@link DatabaseError} with the fault of its trouble, and its fix unless there is a better one. */
export function databaseError(
  trouble: Trouble,
  message: string,
  details: { readonly isNotApplied: boolean; readonly constraint?: string | undefined; readonly fix?: string },
): DatabaseError {
  const { fault, fix, retryAfterSeconds } = factsOf(trouble)
  return new DatabaseError(fault, { trouble, message, fix, retryAfterSeconds, ...details })
}

/** What transports throw where a gate that affected no row has ended its batch. */
export function gateClosed(): DatabaseError {
  const { fault, fix } = factsOf('internal')
  return new DatabaseError(fault, { message: 'the gate is closed', fix, isNotApplied: true, isGateClosed: true })
}

/** The same error where an earlier attempt may have been applied, so that nobody takes it for certain that none was. */
export function perhapsApplied(error: DatabaseError): DatabaseError {
  return withCertainty(error, false)
}

/** The same error of a batch that nothing can end any more but a rollback, whatever became of its last statement. */
export function neverApplied(error: DatabaseError): DatabaseError {
  return withCertainty(error, true)
}

function withCertainty(error: DatabaseError, isNotApplied: boolean): DatabaseError {
  const { fault, trouble, message, fix, constraint, retryAfterSeconds } = error
  return new DatabaseError(fault, { trouble, message, fix, constraint, retryAfterSeconds, isNotApplied })
}
