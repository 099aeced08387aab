import { callerInput, type UserCaller } from '../../access/access.ts'
import type { Bind } from '../../sql/building.ts'
import type { Idempotent } from '../../store/idempotency.ts'
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
}

/** The leases stand in place of an answer. */
export type ClaimKey = Omit<Idempotent, 'answer'>

/** What of a claim its SQL depends on: built once for each. */
export interface ClaimShape extends CallerShape {
  readonly limit: number
  /** How many more than are wanted it looks at: used up ones, and on some dialects what other claims hold. */
  readonly spare: number
  /** How many places there are for ids of workflows; undefined where a claim names none. */
  readonly workflowPlaces: number | undefined
  readonly isKeyed: boolean
}

export type ClaimValues = Readonly<Record<string, unknown>>

export type ClaimBind = Bind<ClaimValues>

/** Numbers of places: a claim of three workflows fills four, the last id twice, so that few statements are built. */
const numbersOfPlaces = [1, 2, 4, 8, 16, 32, 64, 100]

/** To look at a hundred costs a third of a claim of one, and hardly ever are so many held. */
const spares = { ofOneAtFirst: 20, otherwise: 100 }

export function claimShape(caller: UserCaller, claim: Claim, key: ClaimKey | undefined): ClaimShape {
  const { limit, workflowIds, isAnotherTry = false } = claim
  return {
    ...callerShape(caller),
    limit,
    spare: limit === 1 && !isAnotherTry ? spares.ofOneAtFirst : spares.otherwise,
    workflowPlaces: workflowIds && (numbersOfPlaces.find((count) => count >= workflowIds.length) ?? workflowIds.length),
    isKeyed: key !== undefined,
  }
}

export function claimValues(caller: UserCaller, claim: Claim, key: ClaimKey | undefined): ClaimValues {
  const { operation, worker, at, leaseUntil, workflowIds = [] } = claim
  const { workflowPlaces = 0 } = claimShape(caller, claim, key)
  // No id is empty: a list without ids reaches nothing.
  const ids = Array.from({ length: workflowPlaces }, (_, place) => workflowIds[place] ?? workflowIds.at(-1) ?? '')
  return {
    ...callerInput(caller),
    ...callerValues(caller),
    operation,
    worker,
    at,
    leaseUntil,
    firstMark: `${operation}:`,
    // `;` follows `:` by bytes.
    markEnd: `${operation};`,
    idempotencyKey: key?.key ?? null,
    fingerprint: key?.fingerprint ?? null,
    ...Object.fromEntries(ids.map((id, place) => [workflowPlace(place), id])),
  }
}

export function workflowPlace(place: number): string {
  return `workflow${place}`
}
