import { done, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import { asGiven, unpadded } from '../../schema/unpadded-text.ts'
import { DatabaseError, databaseError } from '../../sql/errors.ts'
import type { Store } from '../../store/store.ts'
import { workerLocks, type StepRefusal } from './changes.ts'
import { checkExecution, executionOf, executionQuery } from './executions.ts'
import {
  recordStatement,
  recordedQuery,
  type NewStep,
  type RecordedRow,
  type RecordShape,
  type RecordValues,
  ownStepsQuery,
} from './steps-record.ts'
import { renewLease } from './work.ts'
import { callerShape, callerValues } from '../../access/conditions.ts'

export type { NewStep } from './steps-record.ts'

export interface Recording {
  readonly fence: number
  readonly steps: readonly [NewStep, ...NewStep[]]
  /** Undefined leaves the lease as it is. */
  readonly leaseUntil: Date | undefined
  readonly operation: string
  readonly at: Date
}

export interface Recorded {
  /** One for each that was given, in their order. */
  readonly steps: readonly { readonly key: string; readonly seq: number }[]
  readonly leaseUntil: Date | null
}

export type RecordRefusal = StepRefusal | 'step_recorded'

/**
 * Records what a worker has done: all or none, in this order. A key that is there with the same text keeps its place.
 * One statement and one round trip; more where a step was recorded before, something is refused, or a dialect can't
 * change the lease in the same statement.
 */
export async function recordSteps(
  store: Store,
  caller: UserCaller,
  id: string,
  recording: Recording,
): Promise<Outcome<Recorded, RecordRefusal>> {
  const steps = distinct(recording.steps)
  if (steps === undefined) return refusedByKeys(store, caller, id, recording)
  const recorded = await recordAndRenew(store, caller, id, { ...recording, steps })
  if (!recorded.ok || steps.length === recording.steps.length) return recorded
  const places = new Map(recorded.value.steps.map(({ key, seq }) => [key, seq]))
  return done({ ...recorded.value, steps: placesOf(recording.steps, places) })
}

async function recordAndRenew(
  store: Store,
  caller: UserCaller,
  id: string,
  recording: Recording,
): Promise<Outcome<Recorded, RecordRefusal>> {
  const { fence, leaseUntil, operation, at } = recording
  const recorded = await recordDistinct(store, caller, id, recording)
  if (!recorded.ok || leaseUntil === undefined || store.dialect.recording.renewsLease) return recorded
  const renewed = await renewLease(store, caller, id, { fence, leaseUntil, operation, at })
  // Whoever has taken or ended the execution in between has left the steps where they are.
  return renewed.ok ? done({ ...recorded.value, leaseUntil }) : recorded
}

/** Without what is said twice; undefined where a key is given two meanings. */
function distinct(steps: Recording['steps']): Recording['steps'] | undefined {
  const [first, ...others] = steps
  const byKey = new Map([[first.key, first]])
  for (const step of others) {
    const known = byKey.get(step.key)
    if (known !== undefined && !isSameText(known, step)) return undefined
    if (known === undefined) byKey.set(step.key, step)
  }
  byKey.delete(first.key)
  return [first, ...byKey.values()]
}

type Texts = Pick<NewStep, 'output' | 'error'>

function isSameText(one: Texts, other: Texts): boolean {
  return one.output === other.output && one.error === other.error
}

/** What else there is to refuse ranks before it. */
async function refusedByKeys(
  store: Store,
  caller: UserCaller,
  id: string,
  { fence }: Recording,
): Promise<{ readonly ok: false; readonly refusal: RecordRefusal }> {
  const may = await checkExecution(store, caller, id, 'owner')
  if (!may.ok) return may
  const state = await stateOf(store, caller, id, fence)
  return state.ok ? refused('step_recorded') : state
}

/** How often what was found recorded, or not, may have changed until the next statement. */
const mostTries = 10

async function recordDistinct(
  store: Store,
  caller: UserCaller,
  id: string,
  recording: Recording,
): Promise<Outcome<Recorded, RecordRefusal>> {
  const known = new Map<string, number>()
  let { steps } = recording
  for (let tried = 0; tried < mostTries; tried += 1) {
    const added = await insertSteps(store, caller, id, { ...recording, steps })
    if (added !== undefined) {
      for (const { key, seq } of added.steps) known.set(key, seq)
      return done({ steps: placesOf(recording.steps, known), leaseUntil: added.leaseUntil })
    }
    const state = await stateOf(store, caller, id, recording.fence)
    if (!state.ok) return state
    const rows = await store.read(recordedQuery(store.dialect, id, recording.steps))
    const texts = new Map(recording.steps.map((step) => [step.key, step]))
    for (const row of rows) {
      const key = asGiven(row.key ?? '')
      const step = texts.get(key)
      if (step === undefined || !isSameText(step, row)) return refused('step_recorded')
      known.set(key, row.seq)
    }
    const [first, ...others] = recording.steps.filter(({ key }) => !known.has(key))
    if (first === undefined) return allKnown(store, caller, id, { recording, known, leaseUntil: state.value })
    steps = [first, ...others]
  }
  throw databaseError('database_busy', 'steps of these keys were recorded each time in between', { isNotApplied: true })
}

function placesOf(steps: readonly NewStep[], known: ReadonlyMap<string, number>): Recorded['steps'] {
  return steps.map(({ key }) => ({ key, seq: known.get(key) ?? 0 }))
}

/** Only the lease is left to be changed, where the recording's own statement would have done it. */
async function allKnown(
  store: Store,
  caller: UserCaller,
  id: string,
  {
    recording: { steps, fence, leaseUntil, operation, at },
    known,
    leaseUntil: found,
  }: { readonly recording: Recording; readonly known: ReadonlyMap<string, number>; readonly leaseUntil: Date | null },
): Promise<Outcome<Recorded, RecordRefusal>> {
  const places = placesOf(steps, known)
  if (leaseUntil === undefined || !store.dialect.recording.renewsLease)
    return done({ steps: places, leaseUntil: found })
  const renewed = await renewLease(store, caller, id, { fence, leaseUntil, operation, at })
  return renewed.ok ? done({ steps: places, leaseUntil }) : renewed
}

/** The lease of an execution that the caller may work under the fence. */
async function stateOf(
  store: Store,
  caller: UserCaller,
  id: string,
  fence: number,
): Promise<Outcome<Date | null, RecordRefusal>> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  const execution = executionOf(caller, row, 'owner')
  if (!execution.ok) return execution
  if (execution.value.fence !== fence) return refused('fence_stale')
  return execution.value.status === 'running' ? done(execution.value.leaseUntil) : refused('invalid_transition')
}

/** Undefined where nothing was recorded: it may not be, or a key is there already. */
async function insertSteps(
  store: Store,
  caller: UserCaller,
  id: string,
  { fence, steps, leaseUntil, at }: Recording,
): Promise<Recorded | undefined> {
  const { dialect } = store
  const { recording } = dialect
  const renews = leaseUntil !== undefined && recording.renewsLease
  const shape: RecordShape = { ...callerShape(caller), count: steps.length, renews }
  const values: RecordValues = {
    ...callerValues(caller),
    id,
    fence,
    at,
    leaseUntil: leaseUntil ?? null,
    ...Object.fromEntries(steps.flatMap((step, place) => valuesAt(step, place))),
  }
  const lookup = () => ownStepsQuery(dialect, id, { actor: caller.userId, fence, steps, at })
  try {
    const statement = recordStatement(dialect, shape, values)
    const { rows, affected, insertId } = await store.change<RecordedRow>({
      locks: workerLocks(dialect, caller, id),
      statement,
      lookup,
    })
    if (affected === 0 && rows.length === 0) return undefined
    const told = insertId === undefined ? undefined : recording.toldBy(insertId)
    if (told === undefined) {
      const recorded = recordedOf(rows.length > 0 ? rows : await store.read(lookup()))
      return recorded && (renews ? { ...recorded, leaseUntil } : recorded)
    }
    const firstSeq = told.lastSeq - steps.length + 1
    return {
      steps: steps.map(({ key }, place) => ({ key, seq: firstSeq + place })),
      leaseUntil: new Date(at.getTime() + told.leaseMilliseconds),
    }
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'unique_violation') return undefined
    throw thrown
  }
}

function recordedOf(rows: readonly RecordedRow[]): Recorded | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  return { steps: rows.map(({ key, seq }) => ({ key: asGiven(key ?? ''), seq })), leaseUntil: first.leaseUntil }
}

function valuesAt({ key, output, error, attempt, startedAt }: NewStep, place: number): (readonly [string, unknown])[] {
  return [
    [`key${place}`, unpadded(key)],
    [`output${place}`, output],
    [`error${place}`, error],
    [`attempt${place}`, attempt],
    [`startedAt${place}`, startedAt],
  ]
}
