/**
 * Whether a history of concurrent operations on one object is linearizable: whether each can be given one moment between
 * its call and its return at which it took effect, so that a sequential model explains every answer.
 *
 * Wing and Gong's search with Lowe's cache, as porcupine has it: "Testing and Verifying Concurrent Objects" (1993),
 * "Testing for linearizability" (2017), https://github.com/anishathalye/porcupine.
 */

export interface Operation<Input, Output> {
  readonly input: Input
  /** Undefined where the client was not told: it may have taken effect at any time since its call, or never. */
  readonly output: Output | undefined
  readonly calledAt: number
  /** Of an operation without an output it does not matter. */
  readonly returnedAt: number
}

/** An object that does one thing at a time. */
export interface Model<State, Input, Output> {
  readonly initial: State
  /**
   * The states that the object may be in behind an operation that was answered so; none where it can't have been. Without
   * an output also the state in which it did nothing.
   */
  next(state: State, input: Input, output: Output | undefined): readonly State[]
}

/** An event of the history, in a list from which those of operations that have found their moment are taken out. */
interface Event {
  readonly operation: number
  readonly isCall: boolean
  readonly at: number
  before: Event | undefined
  after: Event | undefined
}

export function isLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const head = eventsOf(history)
  const returns = returnsOf(head)
  const seen = new Set<string>()
  const placed: { readonly call: Event; readonly states: readonly State[] }[] = []
  let done = 0n
  let states: readonly State[] = [model.initial]
  let event = head.after
  while (head.after !== undefined) {
    if (event === undefined) throw new Error('a list of events that ends in a call')
    if (!event.isCall) {
      // It has returned, and found no moment: the last choice was wrong.
      const last = placed.pop()
      if (last === undefined) return false
      states = last.states
      done &= ~(1n << BigInt(last.call.operation))
      putBack(last.call, returns)
      event = last.call.after
      continue
    }
    const operation = history[event.operation]
    if (operation === undefined) throw new Error('an event of no operation')
    const reached = distinct(states.flatMap((state) => model.next(state, operation.input, operation.output)))
    const doneThen = done | (1n << BigInt(event.operation))
    const key = `${doneThen.toString(36)} ${reached.map((state) => JSON.stringify(state)).join()}`
    if (reached.length === 0 || seen.has(key)) {
      event = event.after
      continue
    }
    seen.add(key)
    placed.push({ call: event, states })
    states = reached
    done = doneThen
    takeOut(event, returns)
    event = head.after
  }
  return true
}

function distinct<State>(states: readonly State[]): readonly State[] {
  if (states.length < 2) return states
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()].toSorted((one, other) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
  )
}

/** The head of the list, which is no event. */
function eventsOf(history: readonly Operation<unknown, unknown>[]): Event {
  const events = history.flatMap(({ calledAt, returnedAt, output }, operation): Event[] => [
    { operation, isCall: true, at: calledAt, before: undefined, after: undefined },
    {
      operation,
      isCall: false,
      at: output === undefined ? Number.POSITIVE_INFINITY : returnedAt,
      before: undefined,
      after: undefined,
    },
  ])
  // At the same moment a call counts as before a return: they may have overlapped.
  const sorted = events.toSorted((one, other) => compare(one.at, other.at) || Number(other.isCall) - Number(one.isCall))
  const head: Event = { operation: -1, isCall: false, at: 0, before: undefined, after: undefined }
  let last = head
  for (const event of sorted) {
    last.after = event
    event.before = last
    last = event
  }
  return head
}

/** Two that are infinite are equal, and their difference is no number. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1
}

function returnsOf(head: Event): ReadonlyMap<number, Event> {
  const found = new Map<number, Event>()
  for (let event = head.after; event !== undefined; event = event.after) {
    if (!event.isCall) found.set(event.operation, event)
  }
  return found
}

function takeOut(call: Event, returns: ReadonlyMap<number, Event>): void {
  unlink(call)
  const end = returns.get(call.operation)
  if (end !== undefined) unlink(end)
}

/** In the reverse order of taking out, so that each finds its neighbours again. */
function putBack(call: Event, returns: ReadonlyMap<number, Event>): void {
  const end = returns.get(call.operation)
  if (end !== undefined) link(end)
  link(call)
}

function unlink(event: Event): void {
  if (event.before !== undefined) event.before.after = event.after
  if (event.after !== undefined) event.after.before = event.before
}

function link(event: Event): void {
  if (event.before !== undefined) event.before.after = event
  if (event.after !== undefined) event.after.before = event
}
