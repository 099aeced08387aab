import type { ClaimedExecution } from '../contract.ts'
import { ProblemError } from '../errors.ts'
import type { CallOptions } from '../exchange/asking.ts'
import { pause } from '../exchange/waiting.ts'

/** Why a handler's signal was aborted: the execution was cancelled or claimed by another, or its lease ran out. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

export interface Heart {
  heartbeat(id: string, beat: { fence: number; leaseSeconds: number }, options: CallOptions): Promise<unknown>
}

/** A lease on an execution, kept alive by heartbeats until it is let go or lost. */
export interface HeldLease {
  /** Aborted with a {@link LeaseLostError} when the lease is lost, and with the program's reason when that ends. */
  readonly signal: AbortSignal
  /** Aborted when the lease is lost, and only then. */
  readonly lost: AbortSignal
  lose(why: string, cause?: unknown): void
  /** Ends the heartbeats; resolves when none is under way. How long the lease still lasts, in milliseconds. */
  letGo(): Promise<number>
}

/**
 * Keeps a lease. Its end is counted from before the request that made it, on this machine's monotonic clock: neither a
 * slow answer nor a clock that was set can make it look longer than it is.
 */
export function keepLease(
  heart: Heart,
  { id, fence }: Pick<ClaimedExecution, 'id' | 'fence'>,
  { leaseSeconds, askedAt, stopping }: { leaseSeconds: number; askedAt: number; stopping: AbortSignal },
): HeldLease {
  const lost = new AbortController()
  const released = new AbortController()
  const leaseMilliseconds = leaseSeconds * 1000
  let endsAt = askedAt + leaseMilliseconds
  const lose = (why: string, cause?: unknown): void => {
    lost.abort(new LeaseLostError(`The lease on execution ${id} is lost: ${why}`, { cause }))
  }
  const beating = beat().catch((error: unknown) => lose('its heartbeat failed.', error))
  return {
    signal: AbortSignal.any([lost.signal, stopping]),
    lost: lost.signal,
    lose,
    async letGo() {
      released.abort()
      await beating
      return endsAt - performance.now()
    },
  }

  /** Three beats per lease: two may be missed. */
  async function beat(): Promise<void> {
    let failure: unknown
    while (!lost.signal.aborted && (await hasPaused(leaseMilliseconds / 3))) {
      const beatAt = performance.now()
      if (beatAt >= endsAt) return lose('it ran out before it could be renewed.', failure)
      failure = await renew(endsAt - beatAt)
      if (failure === undefined) endsAt = beatAt + leaseMilliseconds
      else if (isFinal(failure)) return lose('another worker has it, or it was cancelled.', failure)
    }
  }

  /** A failed beat is told, not thrown: the next one may still save the lease. */
  async function renew(deadlineMilliseconds: number): Promise<unknown> {
    try {
      await heart.heartbeat(id, { fence, leaseSeconds }, { deadlineMilliseconds, signal: lost.signal })
      return undefined
    } catch (error) {
      return error
    }
  }

  async function hasPaused(milliseconds: number): Promise<boolean> {
    try {
      await pause(Math.min(milliseconds, Math.max(0, endsAt - performance.now())), released.signal)
      return true
    } catch {
      // Let go of: there is nothing left to renew.
      return false
    }
  }
}

/** The service itself says that this worker has the execution no more. */
export function isFinal(failure: unknown): boolean {
  if (!(failure instanceof ProblemError)) return false
  return ['fence_stale', 'invalid_transition', 'not_found', 'forbidden'].includes(failure.code)
}
