import { done, standingOf, type Outcome, type UserCaller } from '../../access/access.ts'
import { type StoredOutcome, underKey } from '../../store/idempotency.ts'
import { storeResponseAlone } from '../../store/stored-responses.ts'
import type { Store } from '../../store/store.ts'
import { claimedOf, placeIn, type ClaimedExecution } from './claim-answer.ts'
import { claimOnce, type Tried } from './claim-once.ts'
import { replayLeases } from './claim-replay.ts'
import type { Claim, ClaimKey } from './claim-shape.ts'
import { claimTogether } from './claim-together.ts'
import { jittered, pause } from '../../store/pause.ts'

export type { ClaimedExecution } from './claim-answer.ts'
export type { Claim } from './claim-shape.ts'

interface Leases {
  readonly items: readonly ClaimedExecution[]
  readonly isReplayed: boolean
}

/**
 * Claims due executions of the caller's own workflows, of everyone's with the admin role, oldest first. Those that it
 * meets with their attempts used up become failed and don't count. Under a key one that was given nothing is answered so
 * again.
 */
export async function claimExecutions(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  key?: ClaimKey,
): Promise<Outcome<Leases> | StoredOutcome> {
  const written = await underKey(store, caller, key, () => claimUntilSettled(store, caller, claim, key))
  if (written.ok || written.refusal !== 'replay') return written
  return replayLeases(store, caller, claim.at, written.answer.body)
}

/** How long a claim looks past rows that others hold at the moment. */
const patienceMilliseconds = 5000

/**
 * A claim that got nothing, though there was something, met used up ones, which are out of the way now, or such as
 * other claims were taking: it looks again.
 */
async function claimUntilSettled(
  store: Store,
  caller: UserCaller,
  claim: Claim,
  key: ClaimKey | undefined,
): Promise<Outcome<Leases> | StoredOutcome> {
  const startedAt = Date.now()
  for (let tried = 0; ; tried += 1) {
    // A name of its own for each try: what it changed tells what the try did.
    const operation = tried === 0 ? claim.operation : `${claim.operation}.${tried}`
    const { rows, seen } = await tryOnce(store, caller, { ...claim, operation, isAnotherTry: tried > 0 }, key)
    const items = claimedOf(rows, ({ lastOp }) => placeIn(lastOp))
    // What has been given is given, whatever has become of the caller since.
    if (items.length > 0) return done({ items, isReplayed: false })
    const standing = standingOf(caller, rows[0])
    if (!standing.ok) return tried === 0 ? standing : done({ items: [], isReplayed: false })
    if (seen === 0 || Date.now() - startedAt > patienceMilliseconds) break
    if (tried > 0) await pause(jittered(Math.min(20, 2 ** tried)))
  }
  const nothing = done({ items: [], isReplayed: false })
  if (key === undefined) return nothing
  return (await storeResponseAlone(store, caller, { ...key, answer: { ...key.head, body: '[]' } })) ?? nothing
}

function tryOnce(store: Store, caller: UserCaller, claim: Claim, key: ClaimKey | undefined): Promise<Tried> {
  // What is stored under a key is that of one claim. Those of more than one end at bytes of their own.
  const together = key === undefined && claim.limit === 1 ? claimTogether(store, caller, claim) : undefined
  return together ?? claimOnce(store, caller, claim, key)
}
