import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import {
  sweepAudit,
  sweepIdempotencyKeys,
  sweepLoginAttempts,
  sweepPasswordResets,
  sweepSessions,
} from '@millrace/db/repositories/accounts/expiry'
import type { Store } from '@millrace/db/store/store'
import { faultOf } from '../faults.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'

/** How long rows are kept that are kept for a time. */
export interface KeptFor {
  /** Undefined: for ever. */
  readonly executionKeepMilliseconds: number | undefined
  readonly auditKeepMilliseconds: number
}

/** What a run of the schedule looks through; each by itself, so that one that fails holds up no other. */
const sweeps = {
  executions: (store: Store, at: Date) => sweepExecutions(store, { at, operation: newId(at) }),
  sessions: sweepSessions,
  passwordResets: sweepPasswordResets,
  idempotencyKeys: sweepIdempotencyKeys,
  loginAttempts: sweepLoginAttempts,
  audit: (store: Store, at: Date, { auditKeepMilliseconds }: KeptFor) =>
    sweepAudit(store, before(at, auditKeepMilliseconds)),
  endedExecutions: async (store: Store, at: Date, { executionKeepMilliseconds }: KeptFor) =>
    executionKeepMilliseconds === undefined ? 0 : sweepEndedExecutions(store, before(at, executionKeepMilliseconds)),
} as const satisfies Record<string, (store: Store, at: Date, kept: KeptFor) => Promise<number>>

function before(at: Date, milliseconds: number): Date {
  return new Date(at.getTime() - milliseconds)
}

/**
 * Ends what has run out: leases and attempts of executions, sessions, Idempotency-Keys, attempts at logging in; and
 * what was kept for as long as it was to be. A run
 * does a bounded part of it; what is left is the next one's.
 */
export async function sweepExpired(store: Store, at: Date, log: Log, kept: KeptFor): Promise<void> {
  await Promise.all(
    Object.entries(sweeps).map(async ([what, sweep]) => {
      try {
        log({ level: 'info', event: 'swept', what, count: await sweep(store, at, kept) })
      } catch (thrown) {
        const { cause, cure } = faultOf(thrown)
        log({ level: 'error', event: 'sweep_failed', what, cause, cure })
      }
    }),
  )
}
