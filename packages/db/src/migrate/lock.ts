import { takeLease, type LeaseTiming } from '../store/lease.ts'
import { MigrationError } from './error.ts'
import { migrationLock } from '../sql/migration.ts'
import type { Transport } from '../sql/transport.ts'
import { pause } from '../store/pause.ts'

export interface LockTiming extends LeaseTiming {
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

/** Holds the migrator's lock. Waits while another renews it; takes over when its lease has run out. */
export async function holdMigrationLock(
  transport: Transport,
  { timing = defaultTiming, signal, onWait }: HoldOptions,
): Promise<HeldLock> {
  const take = () => takeLease(transport, migrationLock, timing)
  let lease = await take()
  if (lease === undefined) onWait()
  while (lease === undefined) {
    signal?.throwIfAborted()
    await pause(timing.pollMilliseconds)
    lease = await take()
  }
  const held = lease
  return {
    ensureHeld() {
      if (held.isHeld()) return
      throw new MigrationError('lock_lost', {
        what: 'The migration lock was lost, and the migration stopped before its next statement.',
        why: 'Its lease could not be renewed in time; another run may have taken over.',
        fix: 'Run `millrace migrate` again: it continues from there.',
      })
    },
    release: () => held.release(),
  }
}
