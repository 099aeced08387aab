import { executionStatuses, type ExecutionStatus } from './schema.ts'

/** What can happen to an execution. */
export type ExecutionStep =
  /** A worker takes it: pending, due paused, or running with a lease that has run out. */
  | 'claim'
  /** It is due or its lease has run out, and its attempts are used up. */
  | 'exhaust'
  /** Its worker renews the lease or writes state. */
  | 'keep'
  | 'giveBack'
  | 'pause'
  | 'complete'
  | 'fail'
  | 'cancel'
  | 'resume'
  /** A new one is made like it; it stays as it is. */
  | 'retry'

type Transitions = Readonly<Partial<Record<ExecutionStep, ExecutionStatus>>>

/** The status after each step that is allowed. Time, lease and fence narrow it further. */
const transitions: Readonly<Record<ExecutionStatus, Transitions>> = {
  pending: { claim: 'running', exhaust: 'failed', cancel: 'cancelled' },
  running: {
    claim: 'running',
    exhaust: 'failed',
    keep: 'running',
    giveBack: 'pending',
    pause: 'paused',
    complete: 'completed',
    fail: 'failed',
    cancel: 'cancelled',
  },
  paused: { claim: 'running', exhaust: 'failed', cancel: 'cancelled', resume: 'pending' },
  completed: { retry: 'completed' },
  failed: { retry: 'failed' },
  cancelled: { retry: 'cancelled' },
}

/** The status that the step leads to, undefined where it isn't allowed. */
export function statusAfter(status: ExecutionStatus, step: ExecutionStep): ExecutionStatus | undefined {
  return transitions[status][step]
}

/** The statuses from which the step is allowed. */
export function statusesBefore(step: ExecutionStep): ExecutionStatus[] {
  return executionStatuses.filter((status) => transitions[status][step] !== undefined)
}
