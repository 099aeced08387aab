import { DatabaseError, type DatabaseFault } from '@millrace/db/sql/errors'
import { errorCodes, type ErrorCode } from './errors.ts'
import { refuse, type Refused } from './result.ts'
import { SealingError } from './user-settings/sealing.ts'

/** What failed, split into what the caller reads and what the operator reads. */
export interface Fault {
  readonly refused: Refused
  readonly cause: string
  readonly fix: string | undefined
}

/** Reads whatever was thrown. What is not the database's is a defect here. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof DatabaseError) {
    const { fault, message, fix, retryAfterSeconds } = thrown
    return { refused: refuse(codeOf(fault), { retryAfterSeconds, detail: detailOf(fault) }), cause: message, fix }
  }
  if (thrown instanceof SealingError) {
    return { refused: refuse('internal'), cause: thrown.message, fix: thrown.fix }
  }
  const cause = thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown)
  return { refused: refuse('internal'), cause, fix: 'This is a defect of millrace: report it with this message.' }
}

/** Faults that callers are told of have a code of the same name, but for what is theirs to mend. */
export function codeOf(fault: DatabaseFault): ErrorCode {
  if (fault === 'row_too_large') return 'payload_too_large'
  return errorCodes.find((code) => code === fault) ?? 'internal'
}

function detailOf(fault: DatabaseFault): string | undefined {
  if (fault !== 'row_too_large') return undefined
  return 'With this request, a row would be larger than the database allows; all documents in a row count. Send less, or shorten what is stored first.'
}
