import { DatabaseError, type DatabaseFault } from '@millrace/db/sql/errors'
import type { Trouble } from '@millrace/db/sql/troubles'
import type { RawResult, Statement } from '@millrace/db/sql/statement'

/** What a test sends to the driver in workerd, over a WebSocket that is one request there. */
export interface Asked {
  readonly id: number
  readonly writes: readonly Statement[]
  readonly reads: readonly Statement[]
  /** Whether the statement, the only one of `reads`, runs by itself and not as a batch. */
  readonly isAlone: boolean
}

export interface Trip {
  readonly milliseconds: number
  readonly statement: string
  readonly types: readonly string[]
}

interface SentError {
  readonly fault: DatabaseFault
  readonly trouble: Trouble
  readonly message: string
  readonly fix: string
  readonly constraint: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly isNotApplied: boolean
  readonly isGateClosed: boolean
}

export type Answered = { readonly id: number; readonly trips: readonly Trip[] } & (
  | { readonly results: readonly RawResult[] }
  | { readonly error: SentError }
  | { readonly defect: string }
)

/** JSON, with what JSON lacks: bigints, and numbers beyond all. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return { bigint: String(member) }
    return member === Number.POSITIVE_INFINITY ? { infinity: true } : member
  })
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null) return member
    if ('bigint' in member) return BigInt(String(member.bigint))
    return 'infinity' in member ? Number.POSITIVE_INFINITY : member
  })
}

export function sentError(error: DatabaseError): SentError {
  const { fault, trouble, message, fix, constraint, retryAfterSeconds, isNotApplied, isGateClosed } = error
  return { fault, trouble, message, fix, constraint, retryAfterSeconds, isNotApplied, isGateClosed }
}

export function receivedError({ fault, ...details }: SentError): DatabaseError {
  return new DatabaseError(fault, details)
}
