import { MigrationError } from './migration-error.ts'
import type { Transport } from './transport.ts'

/** How long a lease lasts without renewal, by the database's clock, and how often it is renewed. */
export interface LockTiming {
  readonly leaseMilliseconds: number
  readonly renewalMilliseconds: number
  /** How often another's lock is tried. */
  readonly pollMilliseconds: number
}

export interface HeldLock {
  /** @throws MigrationError when a renewal failed: another may have taken over. */
  ensureHeld(): void
  release(): Promise<void>
}

interface HoldOptions {
  readonly timing?: LockTiming
  readonly signal?: AbortSignal
  readonly onWait: () => void
}

const defaultTiming: LockTiming = { leaseMilliseconds: 30_000, renewalMilliseconds: 5_000, pollMilliseconds: 250 }

/**
 * Holds the migrator's lock: a row with an owner and a lease, since a session's lock does not outlive an HTTP request.
 * Waits while another renews it; takes over when its lease has run out.
 */
export async function holdMigrationLock(
  transport: Transport,
  { timing = defaultTiming, signal, onWait }: HoldOptions,
): Promise<HeldLock> {
  const owner = crypto.randomUUID()
  const { migration } = transport.dialect
  const take = async () => (await transport.run(migration.takeLock(owner, timing.leaseMilliseconds))).affected > 0
  let isFirst = true
  while (!(await take())) {
    if (isFirst) onWait()
    isFirst = false
    signal?.throwIfAborted()
    await new Promise((resolve) => {
      setTimeout(resolve, timing.pollMilliseconds)
    })
  }
  return keepRenewed(transport, owner, take, timing)
}

function keepRenewed(transport: Transport, owner: string, take: () => Promise<boolean>, timing: LockTiming): HeldLock {
  let heldUntil = Date.now() + timing.leaseMilliseconds
  let renewal: Promise<void> = Promise.resolve()
  async function renew(startedAt: number): Promise<void> {
    try {
      heldUntil = (await take()) ? startedAt + timing.leaseMilliseconds : 0
    } catch {
      // A renewal that fails is tried again at the next beat; `ensureHeld` judges by when the last one succeeded.
    }
  }
  const timer = setInterval(() => {
    const startedAt = Date.now()
    renewal = renew(startedAt)
  }, timing.renewalMilliseconds)
  return {
    ensureHeld() {
      if (Date.now() < heldUntil) return
      throw new MigrationError('lock_lost', {
        what: 'The migration lock was lost, and the migration stopped before its next statement.',
        why: 'Its lease could not be renewed in time; another run may have taken over.',
        fix: 'Run `millrace migrate` again: it goes on where this one stopped.',
      })
    },
    async release() {
      clearInterval(timer)
      await renewal
      await transport.run(transport.dialect.migration.releaseLock(owner))
    },
  }
}
