import type { UserCaller } from '../../access/access.ts'
import { defineCoalescer } from '../../store/coalescer.ts'
import type { Store } from '../../store/store.ts'
import { placeIn, type ClaimedRow } from './claim-answer.ts'
import { claimOnce, type Tried } from './claim-once.ts'
import { mostSharers, type Claim } from './claim-shape.ts'

interface Member {
  readonly store: Store
  readonly caller: UserCaller
  readonly claim: Claim
}

const coalescerOf = defineCoalescer(claimForAll, {
  most: mostSharers,
  runsAtOnce: 1,
  longestWaitMilliseconds: 20,
  gatherMilliseconds: 1,
})

/**
 * Claims one execution, in one statement with other claims of this process that differ in nothing but their worker and
 * their moment. Undefined where requests share nothing.
 */
export function claimTogether(store: Store, caller: UserCaller, claim: Claim): Promise<Tried> | undefined {
  return coalescerOf(store)?.join(groupOf(caller, claim), { store, caller, claim })
}

/**
 * All that decides what a claim may take, and for how long. The credential is a part of it: what ends one session or key
 * refuses its own claims alone.
 */
function groupOf({ userId, issuedAt, mayAdminister, keySha256, sessionId }: UserCaller, claim: Claim): string {
  const { at, leaseUntil, workflowIds, isAnotherTry } = claim
  const leaseMilliseconds = leaseUntil.getTime() - at.getTime()
  return JSON.stringify([
    userId,
    issuedAt.getTime(),
    mayAdminister,
    keySha256,
    sessionId,
    leaseMilliseconds,
    workflowIds,
    isAnotherTry,
    // Nobody is given a moment that is a second from its own.
    Math.floor(at.getTime() / 1000),
  ])
}

async function claimForAll(members: readonly Member[]): Promise<readonly Tried[]> {
  const [first, ...others] = members
  if (first === undefined) return []
  const { store, caller, claim } = first
  const together = claimOfAll(claim, members)
  if (others.length === 0) return [await claimOnce(store, caller, together, undefined)]
  const startedAt = performance.now()
  try {
    return shares(await claimOnce(store, caller, together, undefined), members.length)
  } finally {
    const milliseconds = performance.now() - startedAt
    for (const other of others) other.store.sharing?.noteTrip(milliseconds, sharedTrip)
  }
}

const sharedTrip = '-- claimed by the statement of another request'

/** As of the latest of their moments: each has waited until then. */
function claimOfAll(first: Claim, members: readonly Member[]): Claim {
  const latest = members
    .map(({ claim }) => claim)
    .reduce((one, other) => (other.at.getTime() > one.at.getTime() ? other : one), first)
  return { ...first, at: latest.at, leaseUntil: latest.leaseUntil, workers: members.map(({ claim }) => claim.worker) }
}

/**
 * To each what was taken in its place. Who got nothing where others got something asks again: what was there for it may
 * have been used up, held by others, or changed since by someone, where an answer was lost.
 */
function shares({ rows, seen }: Tried, count: number): readonly Tried[] {
  const byPlace = new Map<number, ClaimedRow>()
  for (const row of rows) if (row.id !== null && row.lastOp !== null) byPlace.set(placeIn(row.lastOp), row)
  const standing = rows.slice(0, 1).map((row): ClaimedRow => ({ ...row, id: null }))
  const empty: Tried = { rows: standing, seen: byPlace.size > 0 ? Math.max(seen, 1) : seen }
  return Array.from({ length: count }, (_, place) => {
    const row = byPlace.get(place + 1)
    return row === undefined ? empty : { rows: [row], seen }
  })
}
