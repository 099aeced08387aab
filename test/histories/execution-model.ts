import type { Model } from './checker.ts'
import { isTold, type Output } from './models.ts'

export type ExecutionInput =
  | { readonly kind: 'get' | 'claim' | 'cancel' | 'history' }
  | { readonly kind: 'heartbeat' | 'give back' | 'complete' | 'pause'; readonly fence: number }
  | { readonly kind: 'resume' }
  | { readonly kind: 'write state'; readonly fence: number; readonly n: number }
  | { readonly kind: 'step'; readonly fence: number; readonly key: string; readonly output: number }
  | { readonly kind: 'signal'; readonly name: string }

interface ExecutionState {
  readonly status: 'pending' | 'running' | 'paused' | 'completed' | 'cancelled'
  readonly fence: number
  readonly attempts: number
  readonly n: number | null
  /** The types of the entries of its history, in order. */
  readonly entries: readonly string[]
  readonly steps: Readonly<Record<string, { readonly output: number; readonly seq: number }>>
}

/** One execution under leases that outlast the run: the fence alone says whose it is. */
export const executionModel: Model<ExecutionState, ExecutionInput, Output> = {
  initial: { status: 'pending', fence: 0, attempts: 0, n: null, entries: ['created'], steps: {} },
  next(state, input, output) {
    const effect = step(state, input)
    if (output === undefined) return [effect.state, state]
    return isTold(effect.output, output) ? [effect.state] : []
  },
}

interface Effect {
  readonly state: ExecutionState
  readonly output: Output
}

function viewOf({ status, fence, attempts, n }: ExecutionState) {
  return { status, fence, attempts, n }
}

function refusedAs(state: ExecutionState, code: string): Effect {
  return { state, output: { status: 409, value: code } }
}

function done(state: ExecutionState, change: Partial<ExecutionState>, entry?: string): Effect {
  const entries = entry === undefined ? state.entries : [...state.entries, entry]
  const after = { ...state, ...change, entries }
  return { state: after, output: { status: 200, value: viewOf(after) } }
}

const hasEnded = ({ status }: ExecutionState): boolean => status === 'completed' || status === 'cancelled'

function step(state: ExecutionState, input: ExecutionInput): Effect {
  switch (input.kind) {
    case 'get':
      return { state, output: { status: 200, value: viewOf(state) } }
    case 'history':
      return { state, output: { status: 200, value: state.entries.map((type, index) => `${index + 1} ${type}`) } }
    case 'claim': {
      if (state.status !== 'pending') return { state, output: { status: 200, value: null } }
      return done(state, { status: 'running', fence: state.fence + 1, attempts: state.attempts + 1 }, 'claimed')
    }
    case 'cancel':
      if (hasEnded(state)) return refusedAs(state, 'invalid_transition')
      return done(state, { status: 'cancelled', fence: state.fence + 1 }, 'cancelled')
    case 'resume':
      return state.status === 'paused'
        ? done(state, { status: 'pending' }, 'resumed')
        : refusedAs(state, 'invalid_transition')
    case 'signal': {
      if (hasEnded(state)) return refusedAs(state, 'invalid_transition')
      const after = { ...state, entries: [...state.entries, 'signal'] }
      return { state: after, output: { status: 202, value: after.entries.length } }
    }
    case 'heartbeat':
    case 'give back':
    case 'complete':
    case 'pause':
    case 'write state':
    case 'step':
      return ofWorker(state, input)
  }
}

type WorkerInput = Extract<ExecutionInput, { readonly fence: number }>

function ofWorker(state: ExecutionState, input: WorkerInput): Effect {
  if (input.fence !== state.fence) return refusedAs(state, 'fence_stale')
  if (state.status !== 'running') return refusedAs(state, 'invalid_transition')
  switch (input.kind) {
    case 'heartbeat':
      return { state, output: { status: 200 } }
    case 'give back':
      return done(state, { status: 'pending' }, 'released')
    case 'pause':
      return done(state, { status: 'paused' }, 'paused')
    case 'complete':
      return done(state, { status: 'completed' }, 'completed')
    case 'write state':
      return done(state, { n: input.n })
    case 'step': {
      const known = state.steps[input.key]
      if (known !== undefined) {
        return known.output === input.output
          ? { state, output: { status: 200, value: known.seq } }
          : refusedAs(state, 'step_recorded')
      }
      const entries = [...state.entries, 'step']
      const seq = entries.length
      const steps = { ...state.steps, [input.key]: { output: input.output, seq } }
      return { state: { ...state, entries, steps }, output: { status: 200, value: seq } }
    }
  }
}
