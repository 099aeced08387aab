import type { Transport } from '../sql/transport.ts'

/** How long a lease lasts without renewal, by the database's clock, and how often it is renewed. */
export interface LeaseTiming {
  readonly leaseMilliseconds: number
  readonly renewalMilliseconds: number
}

/** A row of `marks` that one process holds, until it is released or its time runs out. */
export interface DatabaseLease {
  /** What the lease's row of `marks` has as its owner. */
  readonly owner: string
  /** False when a renewal failed and the lease may have run out: another may have taken over. */
  isHeld(): boolean
  release(): Promise<void>
}

/**
 * Takes the lease that the row `name` of `marks` is, and renews it until it is released: a session's lock does not
 * outlive an HTTP request.
 * @returns undefined while another holds it, or where there is no such row
 */
export async function takeLease(
  transport: Transport,
  name: string,
  { leaseMilliseconds, renewalMilliseconds }: LeaseTiming,
): Promise<DatabaseLease | undefined> {
  const owner = crypto.randomUUID()
  const { migration } = transport.dialect
  const take = async () => (await transport.run(migration.takeLock(name, owner, leaseMilliseconds))).affected > 0
  if (!(await take())) return undefined
  let heldUntil = Date.now() + leaseMilliseconds
  let renewal: Promise<void> = Promise.resolve()
  async function renew(startedAt: number): Promise<void> {
    try {
      heldUntil = (await take()) ? startedAt + leaseMilliseconds : 0
    } catch {
      // A renewal that fails is tried again at the next beat; `isHeld` judges by when the last one succeeded.
    }
  }
  const timer = setInterval(() => {
    renewal = renew(Date.now())
  }, renewalMilliseconds)
  return {
    owner,
    isHeld: () => Date.now() < heldUntil,
    async release() {
      clearInterval(timer)
      await renewal
      await transport.run(migration.releaseLock(name, owner))
    },
  }
}
