import type { UserCaller } from '../../access/access.ts'
import { callerShape } from '../../access/conditions.ts'
import { defineCoalescer, type Coalescer } from '../../store/coalescer.ts'
import type { Store } from '../../store/store.ts'
import { placeIn, type ClaimedRow } from './claim-answer.ts'
import { claimOnce, type Tried } from './claim-once.ts'
import { mostSharers, type Claim } from './claim-shape.ts'

interface Member {
  readonly store: Store
  readonly caller: UserCaller
  readonly claim: Claim
}

/** To claims that were tried together in vain, as what one of them came with is gone: each has to go with its own. */
const apart = 'apart'

const coalescerOf = defineCoalescer(claimForAll, {
  most: mostSharers,
  runsAtOnce: 1,
  longestWaitMilliseconds: 20,
  gatherMilliseconds: 1,
})

/**
 * Claims one execution, in one statement with other claims of this process that differ in nothing but their worker, their
 * moment, and which API key or session of the same user they came with. Undefined where requests share nothing.
 */
export function claimTogether(store: Store, caller: UserCaller, claim: Claim): Promise<Tried> | undefined {
  const coalescer = coalescerOf(store)
  return coalescer && claimInGroup(coalescer, { store, caller, claim })
}

async function claimInGroup(coalescer: Coalescer<Member, Tried | typeof apart>, member: Member): Promise<Tried> {
  const { store, caller, claim } = member
  const tried = await coalescer.join(groupOf(member, hasCounted(store, caller)), member)
  if (tried !== apart) return tried
  // What was tried together has taken nothing under the name of one of them.
  const alone = { ...member, claim: { ...claim, operation: `${claim.operation}.0` } }
  const own = await coalescer.join(groupOf(alone, false), alone)
  if (own === apart) throw new TypeError('claims of one credential are apart')
  return own
}

/**
 * All that decides what a claim may take, and for how long. What one came with is a part of it until it has counted once in
 * this process: so nobody who only makes up keys of a user keeps that user's claims from going together.
 */
function groupOf({ caller, claim }: Member, goesWithOthers: boolean): string {
  const { userId, issuedAt, mayAdminister } = caller
  const { at, leaseUntil, workflowIds, isAnotherTry } = claim
  return JSON.stringify([
    userId,
    mayAdminister,
    callerShape(caller).credential,
    goesWithOthers ? 'has counted' : [credentialOf(caller), issuedAt.getTime()],
    leaseUntil.getTime() - at.getTime(),
    workflowIds,
    isAnotherTry,
    // Nobody is given a moment that is a second from its own.
    Math.floor(at.getTime() / 1000),
  ])
}

function credentialOf({ keySha256, sessionId }: UserCaller): string | undefined {
  return keySha256 ?? sessionId
}

/** Beyond so many keys and sessions all are forgotten. */
const mostCounted = 10_000

const countedByScope = new WeakMap<object, Set<string>>()

function countedOf({ sharing }: Store): Set<string> {
  if (sharing === undefined) return new Set()
  const counted = countedByScope.get(sharing.scope) ?? new Set()
  countedByScope.set(sharing.scope, counted)
  return counted
}

function hasCounted(store: Store, caller: UserCaller): boolean {
  const credential = credentialOf(caller)
  return credential !== undefined && countedOf(store).has(credential)
}

function noteWhetherCounts(store: Store, caller: UserCaller, counts: boolean): void {
  const credential = credentialOf(caller)
  if (credential === undefined) return
  const counted = countedOf(store)
  if (counted.size >= mostCounted) counted.clear()
  if (counts) counted.add(credential)
  else counted.delete(credential)
}

async function claimForAll(members: readonly Member[]): Promise<readonly (Tried | typeof apart)[]> {
  const [first] = members
  if (first === undefined) return []
  const { store } = first
  // As of the earliest of their tokens: what lets that one pass lets all pass.
  const issuedAt = new Date(Math.min(...members.map(({ caller }) => caller.issuedAt.getTime())))
  const caller = { ...first.caller, issuedAt }
  const isOfOne = members.every((member) => isSameCredential(member.caller, caller))
  const claim = claimOfAll(first.claim, members)
  const credentials = Array.from(new Set(members.map((member) => credentialOf(member.caller) ?? '')))
  const tried = await sendForAll(members, caller, isOfOne ? claim : { ...claim, credentials })
  const counts = isOfCaller(tried, caller)
  if (isOfOne) noteWhetherCounts(store, caller, counts)
  if (counts || isOfOne) return shares(tried, members.length)
  for (const member of members) noteWhetherCounts(store, member.caller, false)
  return members.map(() => apart)
}

function isSameCredential(one: UserCaller, other: UserCaller): boolean {
  return credentialOf(one) === credentialOf(other) && one.issuedAt.getTime() === other.issuedAt.getTime()
}

/** Whether it was given something, or the caller is known: its user is there, and what it came with counts. */
function isOfCaller({ rows }: Tried, { issuedAt }: UserCaller): boolean {
  return rows.some(
    ({ id, callerId, tokensValidFrom }) =>
      id !== null || (callerId !== null && tokensValidFrom !== null && tokensValidFrom <= issuedAt),
  )
}

async function sendForAll(members: readonly Member[], caller: UserCaller, claim: Claim): Promise<Tried> {
  const [first, ...others] = members
  if (first === undefined) return { rows: [], seen: 0 }
  const startedAt = performance.now()
  try {
    return await claimOnce(first.store, caller, claim, undefined)
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
