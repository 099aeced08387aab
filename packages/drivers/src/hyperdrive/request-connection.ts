/** A connection that workerd lends to the request that has opened it, and to no other. */
export interface RequestSession {
  /** False from the moment that the network or the server has ended it. */
  readonly isUsable: boolean
  /** Ends it at once, whatever runs on it. */
  destroy(): void
  /** Never rejects. */
  close(): Promise<void>
}

/**
 * How long it is kept without work. A run has six connections at once, and a schedule's makes more transports than
 * that: one that is done must not hold its place. The request's end closes it in any case.
 */
const idleMilliseconds = 1000

/** The connection of one transport: opened when it is first asked for, and again after it was lost or closed. */
export class RequestConnection<Session extends RequestSession> {
  readonly #open: () => Promise<Session>
  #session: Session | undefined
  #opening: Promise<Session> | undefined
  #users = 0
  #idle: ReturnType<typeof setTimeout> | undefined

  constructor(open: () => Promise<Session>) {
    this.#open = open
  }

  /** Has work done on it. Rejects with what opening it, or the work, rejects with. */
  async use<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    clearTimeout(this.#idle)
    this.#users += 1
    try {
      return await work(await this.#usable())
    } finally {
      this.#users -= 1
      if (this.#users === 0) this.#idle = setTimeout(() => this.#close(), idleMilliseconds)
    }
  }

  async #usable(): Promise<Session> {
    if (this.#session?.isUsable === true) return this.#session
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    this.#session = await this.#opening
    return this.#session
  }

  #close(): void {
    const session = this.#session
    this.#session = undefined
    void session?.close()
  }
}
