import { performance } from 'node:perf_hooks'
import type { PoolStatus } from '@millrace/db/sql/transport'
import { poolTimeoutMark } from '../gateway-wire.ts'

/** A connection that a pool can keep. */
export interface PooledConnection {
  /** False from the moment that the server or the network has ended it. */
  readonly isUsable: boolean
  /** Makes it as new for the next loan; false when it can't be, and has to be closed. Never throws. */
  reset(): Promise<boolean>
  /** Asks the server whether it is still there. Never throws. */
  ping(): Promise<boolean>
  /** Never throws. */
  close(): Promise<void>
}

export interface PoolOptions {
  /** Connections that are kept. */
  readonly poolSize: number
  /** Connections beyond those; -1 for no limit. */
  readonly maxOverflow: number
  /** How long a connection beyond `poolSize` stays open without work. When absent, it is closed as it comes back. */
  readonly overflowIdleSeconds?: number | undefined
  readonly poolTimeoutSeconds: number
  /** A connection older than this is replaced before it is lent; -1 for never. */
  readonly poolRecycleSeconds: number
  readonly poolPrePing: boolean
}

/** No connection came free within `pool_timeout`: nothing was sent to the database. */
export class PoolBusyError extends Error {
  override readonly name = 'PoolBusyError'
  readonly waitedSeconds: number

  constructor(waitedSeconds: number) {
    super(
      `No database connection came free within ${waitedSeconds} s (${poolTimeoutMark}): all of pool_size + max_overflow are in use.`,
    )
    this.waitedSeconds = waitedSeconds
  }
}

/** The pool is closing and lends no more connections. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError'

  constructor() {
    super('The gateway is shutting down.')
  }
}

/** The client went away while it waited. */
export class PoolAbortedError extends Error {
  override readonly name = 'PoolAbortedError'

  constructor() {
    super('The client closed its request.')
  }
}

export interface Loan<C extends PooledConnection> {
  readonly connection: C
  /** Gives the connection back; a second call does nothing. With `discard` it is closed instead of kept. */
  release(options?: { readonly discard: boolean }): void
}

interface Slot<C> {
  readonly connection: C
  readonly openedAtMs: number
  /** When it came back last. */
  idleSinceMs: number
}

interface Waiter<C extends PooledConnection> {
  readonly give: (loan: Promise<Loan<C>>) => void
}

const betweenOutdatingsMs = 1000

/**
 * Connections with the semantics of SQLAlchemy's QueuePool, whose option names the URL has: up to `poolSize` are kept,
 * up to `maxOverflow` more are opened when those are out, then requests wait first come, first served.
 * https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool
 */
export class Pool<C extends PooledConnection> {
  readonly #open: () => Promise<C>
  readonly #options: PoolOptions
  readonly #limit: number
  readonly #idle: Slot<C>[] = []
  readonly #waiters: Waiter<C>[] = []
  readonly #returning = new Set<Promise<void>>()
  readonly #overflowIdleMs: number
  #closingOverflow: ReturnType<typeof setTimeout> | undefined
  #opened = 0
  #checkedOut = 0
  #isClosed = false
  #outdatedAtMs = Number.NEGATIVE_INFINITY

  constructor(open: () => Promise<C>, options: PoolOptions) {
    this.#open = open
    this.#options = options
    this.#overflowIdleMs = (options.overflowIdleSeconds ?? 0) * 1000
    this.#limit = options.maxOverflow === -1 ? Number.POSITIVE_INFINITY : options.poolSize + options.maxOverflow
  }

  status(): PoolStatus {
    return {
      size: this.#options.poolSize,
      checkedOut: this.#checkedOut,
      overflow: Math.max(0, this.#opened - this.#options.poolSize),
      waiting: this.#waiters.length,
    }
  }

  /**
   * Lends a connection. Throws PoolBusyError after `poolTimeoutSeconds`, PoolClosedError, PoolAbortedError when the
   * signal fires while waiting, or whatever opening a connection throws.
   */
  async acquire(signal?: AbortSignal): Promise<Loan<C>> {
    if (this.#isClosed) throw new PoolClosedError()
    if (signal?.aborted === true) throw new PoolAbortedError()
    const slot = this.#idle.pop()
    if (slot !== undefined) return this.#lend(slot)
    if (this.#opened < this.#limit) return this.#lendNew()
    return this.#wait(signal)
  }

  /** Lends a connection that has no work, for what can't wait for one; undefined where there is none. */
  lendIdle(): Loan<C> | undefined {
    for (let slot = this.#idle.pop(); slot !== undefined; slot = this.#idle.pop()) {
      if (slot.connection.isUsable) {
        this.#checkedOut += 1
        return this.#loan(slot)
      }
      this.#track(this.#discard(slot))
    }
    return undefined
  }

  /**
   * Lends no connection any more that was opened before now: it is replaced when it would be lent. Once a second at most, so
   * that a reason which stays does not have each request open one.
   */
  outdate(): void {
    const now = performance.now()
    if (now - this.#outdatedAtMs >= betweenOutdatingsMs) this.#outdatedAtMs = now
  }

  /** Lends no more: who asks, or waits, is told that the gateway closes. What is lent stays so. */
  lendNoMore(): void {
    this.#isClosed = true
    for (const waiter of this.#waiters.splice(0)) waiter.give(Promise.reject(new PoolClosedError()))
  }

  /** Closes what is idle now and what is lent when it comes back. Resolves when the idle and returning ones are closed. */
  async close(): Promise<void> {
    this.lendNoMore()
    clearTimeout(this.#closingOverflow)
    await Promise.all(this.#idle.splice(0).map((slot) => this.#discard(slot)))
    await Promise.all(this.#returning)
  }

  #wait(signal: AbortSignal | undefined): Promise<Loan<C>> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        const at = this.#waiters.indexOf(waiter)
        if (at !== -1) this.#waiters.splice(at, 1)
      }
      const abort = () => {
        leave()
        reject(new PoolAbortedError())
      }
      const waiter: Waiter<C> = {
        give: (loan) => {
          leave()
          resolve(loan)
        },
      }
      const timer = setTimeout(() => {
        leave()
        reject(new PoolBusyError(this.#options.poolTimeoutSeconds))
      }, this.#options.poolTimeoutSeconds * 1000)
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiters.push(waiter)
    })
  }

  async #lend(slot: Slot<C>): Promise<Loan<C>> {
    if (!slot.connection.isUsable || this.#isTooOld(slot)) return this.#replace(slot)
    // Counted before the ping, so that the status never shows a connection that is neither idle nor lent.
    this.#checkedOut += 1
    if (this.#options.poolPrePing && !(await slot.connection.ping())) {
      this.#checkedOut -= 1
      return this.#replace(slot)
    }
    return this.#loan(slot)
  }

  #replace(slot: Slot<C>): Promise<Loan<C>> {
    this.#track(this.#discard(slot))
    return this.#lendNew()
  }

  async #lendNew(): Promise<Loan<C>> {
    this.#opened += 1
    this.#checkedOut += 1
    try {
      const connection = await this.#open()
      const openedAtMs = performance.now()
      return this.#loan({ connection, openedAtMs, idleSinceMs: openedAtMs })
    } catch (error) {
      this.#opened -= 1
      this.#checkedOut -= 1
      this.#serveNextWaiter()
      throw error
    }
  }

  #loan(slot: Slot<C>): Loan<C> {
    let isReleased = false
    return {
      connection: slot.connection,
      release: (options) => {
        if (isReleased) return
        isReleased = true
        this.#checkedOut -= 1
        this.#track(this.#takeBack(slot, options?.discard === true))
      },
    }
  }

  async #takeBack(slot: Slot<C>, isDiscarded: boolean): Promise<void> {
    const isAsNew = !isDiscarded && slot.connection.isUsable && !this.#isClosed && (await slot.connection.reset())
    if (!isAsNew || this.#isClosed) {
      await this.#discard(slot)
      this.#serveNextWaiter()
      return
    }
    const waiter = this.#waiters[0]
    if (waiter !== undefined) waiter.give(this.#lend(slot))
    else if (this.#idle.length < this.#options.poolSize || this.#overflowIdleMs > 0) this.#keep(slot)
    else await this.#discard(slot)
  }

  #keep(slot: Slot<C>): void {
    slot.idleSinceMs = performance.now()
    this.#idle.push(slot)
    // Where overflow has no idle time it was closed as it came back: what is idle then is within `pool_size`, and stays.
    if (this.#overflowIdleMs > 0 && this.#hasOverflow()) this.#closeOverflowLater(this.#overflowIdleMs)
  }

  #closeOverflowLater(milliseconds: number): void {
    this.#closingOverflow ??= setTimeout(() => {
      this.#closingOverflow = undefined
      this.#closeOverflow()
    }, milliseconds).unref()
  }

  /** The last to come back is the first to be lent, so those in front have been idle longest. */
  #closeOverflow(): void {
    const idleBeforeMs = performance.now() - this.#overflowIdleMs
    for (let first = this.#idle[0]; first !== undefined && this.#hasOverflow(); first = this.#idle[0]) {
      if (first.idleSinceMs > idleBeforeMs) return this.#closeOverflowLater(Math.ceil(first.idleSinceMs - idleBeforeMs))
      this.#idle.shift()
      this.#track(this.#discard(first))
    }
  }

  #hasOverflow(): boolean {
    return this.#opened > this.#options.poolSize
  }

  /** After a place came free without a connection in it. */
  #serveNextWaiter(): void {
    const waiter = this.#waiters[0]
    if (waiter !== undefined && this.#opened < this.#limit) waiter.give(this.#lendNew())
  }

  async #discard(slot: Slot<C>): Promise<void> {
    this.#opened -= 1
    await slot.connection.close()
  }

  #isTooOld(slot: Slot<C>): boolean {
    if (slot.openedAtMs <= this.#outdatedAtMs) return true
    const limitSeconds = this.#options.poolRecycleSeconds
    return limitSeconds !== -1 && performance.now() - slot.openedAtMs > limitSeconds * 1000
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#returning.delete(done))
    this.#returning.add(done)
  }
}
