import type { ClaimedExecution, ExecutionError } from '../contract.ts'
import type { JsonText } from '../json-text.ts'
import type { Run } from './durable/run.ts'

/** How an execution ends, or goes on: completed, where a handler gives none. */
export type Outcome =
  | { readonly status: 'completed'; readonly state?: JsonText }
  | { readonly status: 'failed'; readonly error: ExecutionError; readonly state?: JsonText }
  /** Waits: until `dueAt` (ISO 8601), or for a resume where there is none. */
  | { readonly status: 'paused'; readonly dueAt?: string; readonly state?: JsonText }
  /** Given back, for any worker; due at once unless `dueAt` says otherwise. */
  | { readonly status: 'pending'; readonly dueAt?: string; readonly state?: JsonText }

/**
 * Does the work of one execution. What it throws fails the execution: `error.code` is the error's `code` if it is text,
 * else its name. It must bear being run twice: a worker that is cut off may have got far.
 */
export type Handler = (execution: ClaimedExecution, run: Run) => Promise<Outcome | undefined | void>

export interface WorkOptions {
  /** The worker's name, for people. */
  readonly worker: string
  /** How many executions are worked at the same time: 1 unless given. */
  readonly concurrency?: number
  /** 5 to 3600, 60 unless given. How long a crashed worker's execution waits for another one. */
  readonly leaseSeconds?: number
  /**
   * A sleep that is over within so many seconds is waited for in place; for a longer one the execution is given up, which
   * takes one of its `maxAttempts`. 20 unless given.
   */
  readonly shortWaitSeconds?: number
  /** Executions of these workflows only. */
  readonly workflowIds?: readonly string[]
  /** Stops the work: nothing more is claimed, handlers' signals are aborted, what is unfinished is given back. */
  readonly signal?: AbortSignal
  /** How long handlers may take to end after that, before their executions are given back without them: 10 s. */
  readonly graceMilliseconds?: number
  /** How long to wait where there was nothing to claim: 1 s. */
  readonly pollMilliseconds?: number
  readonly onEvent?: (event: WorkEvent) => void
}

export type WorkEvent =
  | { readonly kind: 'claimed'; readonly execution: ClaimedExecution }
  /** A step's result is recorded: it is not done again. */
  | { readonly kind: 'step'; readonly execution: ClaimedExecution; readonly key: string; readonly seq: number }
  | { readonly kind: 'reported'; readonly execution: ClaimedExecution; readonly status: Outcome['status'] }
  /** Another worker has it now, or will: nothing was reported. */
  | { readonly kind: 'lost'; readonly execution: ClaimedExecution; readonly cause: unknown }
  /** The service could not be asked for work; it will be asked again. */
  | { readonly kind: 'claim_failed'; readonly cause: unknown }
