import type { ProcessState } from './group-states.ts'

/** What a member does not know by itself. */
export interface Others {
  /** What all others have counted, the first one and those that ended included. */
  readonly state: ProcessState
  /** How many of them told it now; the rest counts with what it told before. */
  readonly answered: number
}

/** Of a member, to the first process. */
export type FromMember =
  /** It listens. */
  | { readonly kind: 'ready'; readonly port: number }
  /** What have the others counted? With what it has counted itself, so that it need not be asked back. */
  | { readonly kind: 'ask'; readonly state: ProcessState }
  | { readonly kind: 'state'; readonly id: number; readonly state: ProcessState }
  /** It has been told to end by a signal of its own, and wants to be taken out of the group before. */
  | { readonly kind: 'leave'; readonly state: ProcessState }

/** Of the first process, to a member. */
export type ToMember =
  | { readonly kind: 'collect'; readonly id: number }
  /** The answer to what it asked, or, unasked, for when the first process can't be asked. */
  | { readonly kind: 'others'; readonly isAnswer: boolean; readonly others: Others }
  | { readonly kind: 'end' }
