import { isLinearizable, type Model, type Operation } from './checker.ts'
import type { Output } from './models.ts'
import type { Answered, Sent, System } from './system.ts'

/** An object of the run: what was asked of it and what was answered, held against its model in the end. */
export interface Recorded {
  readonly name: string
  readonly count: number
  /** How many operations were answered with nothing that tells whether they happened. */
  readonly unknown: number
  isExplained(): boolean
  /** The end of its history up to the first answer that no order explains, one operation a line. */
  text(): string
}

/** What an answer says, or that the operation is to be left out: it said that it has done nothing. */
type OutputOf = (answer: Answered) => Output | 'nothing'

export class Recorder<State, Input extends { readonly kind: string }> implements Recorded {
  readonly name: string
  readonly #system: System
  readonly #model: Model<State, Input, Output>
  readonly #history: Operation<Input, Output>[] = []

  constructor(name: string, system: System, model: Model<State, Input, Output>) {
    this.name = name
    this.#system = system
    this.#model = model
  }

  get count(): number {
    return this.#history.length
  }

  get unknown(): number {
    return this.#history.filter(({ output }) => output === undefined).length
  }

  /** Sends a request for an operation and records both; the answer is given where there was one. */
  async send(input: Input, request: Sent, outputOf: OutputOf): Promise<Answered | undefined> {
    const calledAt = performance.now()
    const answer = await this.#system.send(request)
    const returnedAt = performance.now()
    if (answer.status >= 500) {
      // A read that failed says nothing.
      if (request.method !== 'GET') this.#history.push({ input, output: undefined, calledAt, returnedAt })
      return undefined
    }
    const output = outputOf(answer)
    if (output !== 'nothing') {
      const told: Output = answer.isAfterLoss && request.method !== 'GET' ? { ...output, isLater: true } : output
      this.#history.push({ input, output: told, calledAt, returnedAt })
    }
    return answer
  }

  isExplained(): boolean {
    return isLinearizable(this.#model, this.#history)
  }

  text(): string {
    const told = this.#upToUnexplained().toSorted((one, other) => one.calledAt - other.calledAt)
    const lines = told.map(({ input, output, calledAt, returnedAt }) => {
      const said = output === undefined ? 'was not told' : JSON.stringify(output)
      return `${calledAt.toFixed(1)}..${returnedAt.toFixed(1)} ${JSON.stringify(input)} -> ${said}`
    })
    return [`(${lines.length} operations, of which the last)`, ...lines.slice(-shownLines)].join('\n')
  }

  /** What had been said at the moment of the first return by which it was too much; what was under way is unknown. */
  #upToUnexplained(): readonly Operation<Input, Output>[] {
    const moments = this.#history.map(({ returnedAt }) => returnedAt).toSorted((one, other) => one - other)
    let [explained, unexplained] = [-1, moments.length - 1]
    while (unexplained - explained > 1) {
      const middle = Math.floor((explained + unexplained) / 2)
      if (isLinearizable(this.#model, until(this.#history, moments[middle] ?? 0))) explained = middle
      else unexplained = middle
    }
    return until(this.#history, moments[unexplained] ?? 0)
  }
}

const shownLines = 25

function until<Input>(
  history: readonly Operation<Input, Output>[],
  moment: number,
): readonly Operation<Input, Output>[] {
  return history
    .filter(({ calledAt }) => calledAt <= moment)
    .map((operation) => (operation.returnedAt <= moment ? operation : { ...operation, output: undefined }))
}
