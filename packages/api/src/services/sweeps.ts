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

/** One run of all sweeps. */
interface Run {
  readonly at: Date
  readonly kept: KeptFor
  /** Ends the run early, each sweep after what is under way. */
  readonly signal?: AbortSignal
}

/** What a run of the schedule looks through; each by itself, so that one that fails holds up no other. */
const sweeps = {
  executions: (store, { at }) => sweepExecutions(store, { at, operation: newId(at) }),
  sessions: (store, { at }) => sweepSessions(store, at),
  passwordResets: (store, { at }) => sweepPasswordResets(store, at),
  idempotencyKeys: (store, { at, signal }) => sweepIdempotencyKeys(store, at, signal),
  loginAttempts: (store, { at }) => sweepLoginAttempts(store, at),
  audit: (store, { at, kept, signal }) => sweepAudit(store, before(at, kept.auditKeepMilliseconds), signal),
  endedExecutions: async (store, { at, kept: { executionKeepMilliseconds: keep }, signal }) =>
    keep === undefined ? 0 : sweepEndedExecutions(store, before(at, keep), signal),
} as const satisfies Record<string, (store: Store, run: Run) => Promise<number>>

function before(at: Date, milliseconds: number): Date {
  return new Date(at.getTime() - milliseconds)
}

/**
 * Ends what has run out: leases and attempts of executions, sessions, Idempotency-Keys, attempts at logging in; and
 * what was kept for as long as it was to be. A run does a bounded part of it; what is left is the next one's.
 */
export async function sweepExpired(store: Store, log: Log, run: Run): Promise<void> {
  await Promise.all(
    Object.entries(sweeps).map(async ([what, sweep]) => {
      try {
        log({ level: 'info', event: 'swept', what, count: await sweep(store, run) })
      } catch (thrown) {
        const { cause, fix } = faultOf(thrown)
        log({ level: 'error', event: 'sweep_failed', what, cause, cure: fix })
      }
    }),
  )
}
