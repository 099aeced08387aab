import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import {
  sweepIdempotencyKeys,
  sweepLoginAttempts,
  sweepPasswordResets,
  sweepSessions,
} from '@millrace/db/repositories/accounts/expiry'
import type { Store } from '@millrace/db/store/store'
import { faultOf } from '../faults.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'

/** What a run of the schedule looks through; each by itself, so that one that fails holds up no other. */
const sweeps = {
  executions: (store: Store, at: Date) => sweepExecutions(store, { at, operation: newId(at) }),
  sessions: sweepSessions,
  passwordResets: sweepPasswordResets,
  idempotencyKeys: sweepIdempotencyKeys,
  loginAttempts: sweepLoginAttempts,
} as const satisfies Record<string, (store: Store, at: Date) => Promise<number>>

/**
 * Ends what has run out: leases and attempts of executions, sessions, Idempotency-Keys, attempts at logging in. A run
 * does a bounded part of it; what is left is the next one's.
 */
export async function sweepExpired(store: Store, at: Date, log: Log): Promise<void> {
  await Promise.all(
    Object.entries(sweeps).map(async ([what, sweep]) => {
      try {
        log({ level: 'info', event: 'swept', what, count: await sweep(store, at) })
      } catch (thrown) {
        const { cause, cure } = faultOf(thrown)
        log({ level: 'error', event: 'sweep_failed', what, cause, cure })
      }
    }),
  )
}
