import { callerInput, type UserCaller } from '../../access/access.ts'
import type { Bind } from '../../sql/building.ts'
import type { IdempotentHead } from '../../store/idempotency.ts'
import { type CallerShape, callerShape, callerValues } from '../../access/conditions.ts'

export interface Claim {
  /** Names this write, and with a number for its place each execution that it claims. */
  readonly operation: string
  readonly worker: string
  /** How many at most, 1 to 50. */
  readonly limit: number
  readonly at: Date
  readonly leaseUntil: Date
  /** Of these workflows only; of all that the caller reaches when undefined. */
  readonly workflowIds: readonly string[] | undefined
  /** Of one that was given nothing before, though there was something. */
  readonly isAnotherTry?: boolean
  /** Of claims of one that a process sends together: the worker of each, in the place of what it gets. */
  readonly workers?: readonly string[]
  /** Of claims that go together, where they came with several API keys or sessions of their user: all of these. */
  readonly credentials?: readonly string[]
}

/** By how much the clocks of two functions may differ, generously. */
const clockDifferenceMilliseconds = 60_000

/** The leases stand in place of an answer. */
export type ClaimKey = IdempotentHead

/** What of a claim its SQL depends on: built once for each. */
export interface ClaimShape extends CallerShape {
  readonly limit: number
  /** How many more than are wanted it looks at: used up ones, and on some dialects what other claims hold. */
  readonly spare: number
  /** How many places there are for ids of workflows; undefined where a claim names none. */
  readonly workflowPlaces: number | undefined
  /** How many places there are for workflows that are reached one by one beside all others. */
  readonly backlogPlaces: number
  /** Whether these are not known, of a claim that names none: then its statement itself finds the first few workflows. */
  readonly findsFirst: boolean
  readonly isKeyed: boolean
  /** Whether each place has a worker of its own. */
  readonly hasWorkers: boolean
  /** Whether it stands for several claims: then it gives as many as its values say, at most `limit`. */
  readonly isShared: boolean
  /** Whether each has a credential of its own: then it takes something only while all of these count. */
  readonly hasCredentials: boolean
}

export type ClaimValues = Readonly<Record<string, unknown>>

export type ClaimBind = Bind<ClaimValues>

/** Numbers of places: a claim of three workflows fills four, the last id twice, so that few statements are built. */
const numbersOfPlaces = [1, 2, 4, 8, 16, 32, 64, 100]

/** Claims of one that go together fill as many places; their number is a value. */
const numbersOfSharers = [8, 32]
export const mostSharers = 32

/**
 * To look at a hundred costs a third of a claim of one, and hardly ever are so many held: the fewer, where a process
 * sends its claims together, so that only other processes hold any.
 */
const spares = { ofOneAlone: 3, ofOneAtFirst: 20, otherwise: 100 }

function spareOf({ limit, workers, isAnotherTry = false }: Claim): number {
  if (limit > 1 || isAnotherTry) return spares.otherwise
  return workers?.length === 1 ? spares.ofOneAlone : spares.ofOneAtFirst
}

export function claimShape(
  caller: UserCaller,
  claim: Claim,
  key: ClaimKey | undefined,
  backlogs: readonly string[] | undefined,
): ClaimShape {
  const { workflowIds, workers, credentials } = claim
  const isShared = workers !== undefined && workers.length > 1
  const limit = isShared ? (numbersOfSharers.find((count) => count >= workers.length) ?? mostSharers) : claim.limit
  return {
    ...callerShape(caller),
    limit,
    isShared,
    hasWorkers: isShared && new Set(workers).size > 1,
    hasCredentials: credentials !== undefined,
    spare: spareOf(claim),
    workflowPlaces: workflowIds && placesFor(workflowIds.length),
    backlogPlaces: backlogs === undefined || backlogs.length === 0 ? 0 : placesFor(backlogs.length),
    findsFirst: backlogs === undefined && workflowIds === undefined,
    isKeyed: key !== undefined,
  }
}

export function claimValues(
  caller: UserCaller,
  claim: Claim,
  key: ClaimKey | undefined,
  backlogs: readonly string[] = [],
  { workflowPlaces = 0, backlogPlaces, hasWorkers, hasCredentials, limit }: ClaimShape,
): ClaimValues {
  const { operation, worker, at, leaseUntil, workflowIds = [], workers = [], credentials = [] } = claim
  // No id is empty: a list without ids reaches nothing.
  const ids = numbered(workflowPlaces, (place) => workflowIds[place] ?? workflowIds.at(-1) ?? '')
  return {
    ...callerInput(caller),
    ...callerValues(caller),
    operation,
    worker,
    at,
    leaseUntil,
    endedFrom: new Date(at.getTime() - clockDifferenceMilliseconds),
    firstMark: `${operation}:`,
    // `;` follows `:` by bytes.
    markEnd: `${operation};`,
    idempotencyKey: key?.key ?? null,
    fingerprint: key?.fingerprint ?? null,
    storedStatus: key?.head.status ?? null,
    storedHeaders: key === undefined ? null : JSON.stringify(key.head.headers),
    given: workers.length,
    ...(hasWorkers
      ? Object.fromEntries(numbered(limit, (place) => [workerPlace(place), workers[place] ?? worker]))
      : {}),
    credentialCount: credentials.length,
    ...(hasCredentials
      ? Object.fromEntries(
          numbered(limit, (place) => [credentialPlace(place), credentials[place] ?? credentials[0] ?? '']),
        )
      : {}),
    ...Object.fromEntries(ids.map((id, place) => [workflowPlace(place), id])),
    ...Object.fromEntries(
      numbered(backlogPlaces, (place) => [backlogPlace(place), backlogs[place] ?? backlogs.at(-1) ?? '']),
    ),
  }
}

function placesFor(count: number): number {
  return numbersOfPlaces.find((places) => places >= count) ?? count
}

function numbered<Value>(count: number, valueOf: (place: number) => Value): readonly Value[] {
  return Array.from({ length: count }, (_, place) => valueOf(place))
}

/** @param place From 0. */
export function workerPlace(place: number): string {
  return `worker${place}`
}

/** @param place From 0. */
export function credentialPlace(place: number): string {
  return `credential${place}`
}

export function backlogPlace(place: number): string {
  return `backlog${place}`
}

export function workflowPlace(place: number): string {
  return `workflow${place}`
}
