import { AsyncLocalStorage } from 'node:async_hooks'

export const actorNames = ['a', 'b', 'c'] as const
export type ActorName = (typeof actorNames)[number]

/** Where an actor stops and waits for its turn: before each statement, or before each round trip. */
export type Grain = 'statement' | 'trip'

const current = new AsyncLocalStorage<Actor>()

/** The actor on whose behalf this code runs; undefined outside of any. */
export function currentActor(): Actor | undefined {
  return current.getStore()
}

/** Tells who waits for it that something has changed. */
export class Changes {
  #waiting: (() => void)[] = []

  readonly tell = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves at the next change, or after the time. */
  next(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

interface Stop {
  readonly label: string
  readonly go: () => void
}

/** One client's request under way, which stops before each step until it is told to go on. */
export class Actor {
  readonly name: ActorName
  readonly grain: Grain
  readonly #changes: Changes
  readonly #stops: Stop[] = []
  readonly #beginning = Promise.withResolvers<void>()
  #isBegun = false
  #running = 0
  #isDone = false
  #backend: number | undefined

  constructor(name: ActorName, grain: Grain, changes: Changes) {
    this.name = name
    this.grain = grain
    this.#changes = changes
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Whether it stands before a step, or before its beginning. */
  get isReady(): boolean {
    return !this.#isBegun || (this.#running === 0 && this.#stops.length > 0)
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  /** Lets its request begin: with its first turn, so that its clock is that of its turn. */
  begin(): void {
    this.#isBegun = true
    this.#beginning.resolve()
  }

  /** The server's id of the connection that runs a statement for it; undefined while none does. */
  get backend(): number | undefined {
    return this.#backend
  }

  /** Runs a request on this actor's behalf. Its statements and trips, also those after the answer, are its steps. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return current.run(this, async () => {
      await this.#beginning.promise
      try {
        return await work()
      } finally {
        this.#isDone = true
        this.#changes.tell()
      }
    })
  }

  /** Waits for its turn and takes the step. */
  async step<Result>(label: string, work: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((resolve) => {
      this.#stops.push({ label, go: resolve })
      this.#changes.tell()
    })
    try {
      return await work()
    } finally {
      this.#running -= 1
      this.#changes.tell()
    }
  }

  /** Lets it take its next step, and says which. */
  proceed(): string {
    const stop = this.#stops.shift()
    if (stop === undefined) throw new Error(`${this.name} stands before no step`)
    this.#running += 1
    stop.go()
    return stop.label
  }

  /** Notes on which of the server's connections a statement runs. */
  async on<Result>(backend: number | null, work: () => Promise<Result>): Promise<Result> {
    this.#backend = backend ?? undefined
    try {
      return await work()
    } finally {
      this.#backend = undefined
    }
  }
}
