import type { Model } from './checker.ts'

/** What a client was told. */
export interface Output {
  readonly status: number
  /** Members of the answer that the model looks at. */
  readonly value?: unknown
  /** Of an answer that was given after a look-up: it shows the object as it was then, which others may have changed. */
  readonly isLater?: true
}

/** Whether the object's own output is what the client was told. */
export function isTold(own: Output, told: Output): boolean {
  if (told.isLater !== true) return JSON.stringify(own) === JSON.stringify(told)
  return own.status === told.status && (own.value === null) === (told.value === null)
}

/** A revision that has to be the current one, or `*`. */
export type If = number | '*'

export type WorkflowInput =
  | { readonly kind: 'get' | 'get by bob' | 'versions' }
  | { readonly kind: 'patch' | 'patch by bob'; readonly n: number; readonly if: If }
  | { readonly kind: 'rename'; readonly name: string; readonly if: If }
  | { readonly kind: 'restore'; readonly version: number; readonly if: If }
  | { readonly kind: 'share'; readonly permission: 'view' | 'edit' }
  | { readonly kind: 'unshare' }
  | { readonly kind: 'delete'; readonly if: If }

interface WorkflowState {
  readonly isThere: boolean
  readonly revision: number
  readonly name: string
  /** The definition of each version, the newest last. */
  readonly versions: readonly number[]
  /** What bob may. */
  readonly share: 'view' | 'edit' | null
}

/** A compare-and-set register with its history, and one user who may or may not reach it. */
export function workflowModel(name: string, n: number): Model<WorkflowState, WorkflowInput, Output> {
  return {
    initial: { isThere: true, revision: 1, name, versions: [n], share: null },
    next: (state, input, output) => explained(state, workflowStep(state, input), output),
  }
}

interface Effect<State> {
  readonly state: State
  readonly output: Output
}

/** The one thing that the object does, held against what the client was told. */
function explained<State>(state: State, effect: Effect<State>, output: Output | undefined): readonly State[] {
  if (output === undefined) return [effect.state, state]
  return isTold(effect.output, output) ? [effect.state] : []
}

const refused = <State>(state: State, status: number, value?: unknown): Effect<State> => ({
  state,
  output: value === undefined ? { status } : { status, value },
})

function viewOf({ revision, versions, name }: WorkflowState) {
  return { revision, versionNumber: versions.length, n: versions.at(-1), name }
}

function workflowStep(state: WorkflowState, input: WorkflowInput): Effect<WorkflowState> {
  if (!state.isThere) return refused(state, 404)
  switch (input.kind) {
    case 'get':
      return { state, output: { status: 200, value: viewOf(state) } }
    case 'get by bob':
      return state.share === null ? refused(state, 404) : { state, output: { status: 200, value: viewOf(state) } }
    case 'versions':
      return { state, output: { status: 200, value: state.versions.map((_, index) => index + 1).toReversed() } }
    case 'patch by bob':
      if (state.share === null) return refused(state, 404)
      if (state.share === 'view') return refused(state, 403)
      return changed(state, input.if, { versions: [...state.versions, input.n] })
    case 'patch':
      return changed(state, input.if, { versions: [...state.versions, input.n] })
    case 'rename':
      return changed(state, input.if, { name: input.name })
    case 'restore': {
      const restored = state.versions[input.version - 1]
      if (restored === undefined) return refused(state, 404)
      return changed(state, input.if, { versions: [...state.versions, restored] })
    }
    case 'share':
      return { state: { ...state, share: input.permission }, output: { status: state.share === null ? 201 : 200 } }
    case 'unshare':
      return state.share === null ? refused(state, 404) : { state: { ...state, share: null }, output: { status: 204 } }
    case 'delete':
      if (input.if !== '*' && input.if !== state.revision) return refused(state, 412)
      return { state: { ...state, isThere: false, share: null, versions: [] }, output: { status: 204 } }
  }
}

function changed(state: WorkflowState, condition: If, change: Partial<WorkflowState>): Effect<WorkflowState> {
  if (condition !== '*' && condition !== state.revision) return refused(state, 412)
  const after = { ...state, ...change, revision: state.revision + 1 }
  return { state: after, output: { status: 200, value: viewOf(after) } }
}

export type SettingsInput =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly data: Readonly<Record<string, number>>; readonly if: If | undefined }
  | { readonly kind: 'merge'; readonly change: Readonly<Record<string, number>> }

interface SettingsState {
  readonly revision: number
  readonly data: Readonly<Record<string, number>>
}

/** A register that is written whole or merged into. */
export const settingsModel: Model<SettingsState, SettingsInput, Output> = {
  initial: { revision: 0, data: {} },
  next: (state, input, output) => explained(state, settingsStep(state, input), output),
}

function settingsStep(state: SettingsState, input: SettingsInput): Effect<SettingsState> {
  if (input.kind === 'get') return { state, output: { status: 200, value: state } }
  if (input.kind === 'put' && input.if !== undefined && input.if !== '*' && input.if !== state.revision) {
    return refused(state, 412)
  }
  const data = input.kind === 'put' ? input.data : { ...state.data, ...input.change }
  const after = { revision: state.revision + 1, data }
  return { state: after, output: { status: 200, value: after } }
}

export type CreationInput = { readonly kind: 'create' } | { readonly kind: 'list' }

/** What a key has made: nothing yet, something that nobody was told of, or an id. */
type CreationState = null | '?' | { readonly id: string }

/** A creation under one Idempotency-Key, which happens once. The value of `create` is the id, and whether it was replayed. */
export const creationModel: Model<CreationState, CreationInput, Output> = {
  initial: null,
  next(state, input, output) {
    if (output === undefined) return input.kind === 'create' && state === null ? ['?', null] : [state]
    if (input.kind === 'list') return listed(state, output.value as readonly string[])
    if (output.status !== 201) return []
    const { id, isReplayed } = output.value as { readonly id: string; readonly isReplayed: boolean }
    if (state === null) return isReplayed ? [] : [{ id }]
    return isReplayed && (state === '?' || state.id === id) ? [{ id }] : []
  },
}

function listed(state: CreationState, ids: readonly string[]): readonly CreationState[] {
  const [id, ...others] = ids
  if (others.length > 0) return []
  if (id === undefined) return state === null ? [state] : []
  return state === '?' || (state !== null && state.id === id) ? [{ id }] : []
}
