import type { UserCaller } from '@millrace/db/access/access'
import type { Attempt } from '@millrace/db/repositories/accounts/login-attempts'
import type { AttemptKind, RateLimits } from '@millrace/db/repositories/accounts/rate-limits'
import type { Database } from '@millrace/db/store/database'
import type { Store } from '@millrace/db/store/store'
import { fillStart } from '../fill-everything.ts'

/** Where an act is done: in a database that {@link fillEverything} has filled. */
export interface Scene {
  readonly store: Store
  readonly database: Database
  /** Counts from 0, how often the act was done before: each time it uses up another spare row. */
  readonly round: number
  /** How often the act is done in all, at most. */
  readonly rounds: number
  /** Has something done after the act that is no part of it, such as taking it back. */
  readonly later: (work: () => Promise<unknown>) => void
}

/** Something that the product does with its database, as often as it is asked to. Rejects where it was not done. */
export type Act = (scene: Scene) => Promise<unknown>

export type Acts = Readonly<Record<string, Act>>

/** After all that was filled in, and before the leases end that last. */
export const now = new Date('2030-01-01T00:00:00.000Z')

/** Leases end a millisecond apart, as those of claims that follow one another: their entries are found by them. */
export const soon = ({ round }: Scene): Date => new Date(now.getTime() + 60_000 + round)

/** The moment by which one more of what was filled in has expired than in the round before. */
export const expiring = ({ round }: Scene, each = 1): Date => new Date(fillStart + (round + 1) * each * 1000)

export const newId = (): string => crypto.randomUUID()

export const origin = { requestId: 'r', network: '192.0.2.1' } as const

function callerOf(number: number): UserCaller {
  return { kind: 'user', userId: `u${number}`, issuedAt: now, mayAdminister: true, sessionId: `f${number}`, origin }
}

/** A user of the role. */
export const administrator = callerOf(1)
/** Owns the workflow that a third of all executions are of. */
export const ofLarge = callerOf(2)
/** Owns half of all workflows. */
export const ofHalf = callerOf(3)
/** Owns a hundred workflows. */
export const ofMany = callerOf(4)
/** Owns what is used up. */
export const ofSpares = callerOf(5)
/** Owns ten workflows or so. */
export const ofFew = callerOf(7)
/** The same by an API key. */
export const byKey: UserCaller = { ...ofFew, mayAdminister: false, sessionId: undefined, keySha256: 'k7' }

/** A spare row's id: of each kind an act has its own share. */
export function spare(prefix: string, share: number, { round, rounds }: Scene): string {
  return `${prefix}${share * rounds + round + 1}`
}

interface Answer {
  readonly ok: boolean
  readonly refusal?: unknown
}

type Done<Answered extends Answer> = Extract<Answered, { readonly ok: true }>

/** Rejects where an act was refused: then it did not do what is looked at. */
export async function done<Answered extends Answer>(outcome: Promise<Answered>): Promise<Done<Answered>> {
  const answered = await outcome
  if (isDone(answered)) return answered
  throw new Error(`the act was refused: ${String(answered.refusal)}`)
}

function isDone<Answered extends Answer>(answered: Answered): answered is Done<Answered> {
  return answered.ok
}

/** Rejects where an act was not refused: what the product asks then is looked at. */
export async function refused(outcome: Promise<Answer>): Promise<void> {
  if ((await outcome).ok) throw new Error('the act was not refused')
}

/** Rejects where an act says that it did nothing. */
export async function changed(count: Promise<number | boolean>): Promise<void> {
  if (Number(await count) === 0) throw new Error('the act has changed nothing')
}

/** A request's key, and what is stored under it. */
export function keyed() {
  return { key: newId(), fingerprint: newId(), at: now }
}

export const response = { status: 201, headers: {}, body: '{}' } as const

/** So many that an act is never one too many. */
export const unlimited: RateLimits = {
  registrations: 1_000_000,
  login_name_network: 1_000_000,
  login_name: 1_000_000,
  login_network: 1_000_000,
  shares: 1_000_000,
}

/** None at all. */
export const forbidden: RateLimits = {
  registrations: 0,
  login_name_network: 0,
  login_name: 0,
  login_network: 0,
  shares: 0,
}

export function attemptOf(kind: AttemptKind, nameKey: string, rates = unlimited): Attempt {
  return { id: newId(), kind, nameKey, network: origin.network, rates, at: now }
}
