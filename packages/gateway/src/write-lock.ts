/** Who holds the write lock, or wants it. */
export interface LockHolder {
  /** False while a request of it runs: then it is not idle, and nothing can be taken from it. */
  readonly isIdle: boolean
  /** Rolls its transaction back; it no longer holds the lock. Its next statement learns of it. */
  loseTransaction(): void
}

export class WriteLockBusyError extends Error {
  override readonly name = 'WriteLockBusyError'
}

interface Waiter {
  readonly holder: LockHolder
  readonly take: () => void
}

/**
 * SQLite's write lock among the streams of this process: first come, first served, waited for without blocking the
 * event loop. A stream that holds it for longer than `seconds` loses it to the one that waits longest, as in sqld; and a
 * stream that idles with it for so long loses it in any case, since another process can't ask for it.
 */
export class WriteLock {
  readonly #seconds: number
  readonly #onTaken: () => void
  readonly #waiters: Waiter[] = []
  #holder: LockHolder | undefined
  #heldSinceMs = 0
  #takeTimer: NodeJS.Timeout | undefined

  constructor(seconds: number, onTaken: () => void) {
    this.#seconds = seconds
    this.#onTaken = onTaken
  }

  isHeldBy(holder: LockHolder): boolean {
    return this.#holder === holder
  }

  /** Throws WriteLockBusyError after `seconds`. */
  acquire(holder: LockHolder): Promise<void> {
    if (this.#holder === holder) return Promise.resolve()
    if (this.#holder === undefined && this.#waiters.length === 0) {
      this.#give(holder)
      return Promise.resolve()
    }
    return this.#wait(holder)
  }

  release(holder: LockHolder): void {
    if (this.#holder !== holder) return
    clearTimeout(this.#takeTimer)
    this.#holder = undefined
    this.#waiters[0]?.take()
  }

  /** A holder's request has ended, and its transaction hasn't. */
  becameIdle(holder: LockHolder): void {
    if (this.#holder !== holder) return
    clearTimeout(this.#takeTimer)
    if (this.#waiters.length > 0) this.#takeWhenOverdue()
    else this.#takeTimer = setTimeout(() => this.#takeIfIdle(), this.#seconds * 1000)
  }

  #wait(holder: LockHolder): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
      }
      const waiter: Waiter = {
        holder,
        take: () => {
          leave()
          this.#give(holder)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        if (this.#waiters[0] === waiter && this.#takeIfIdle()) return
        leave()
        reject(new WriteLockBusyError(`The database stayed locked for ${this.#seconds} s.`))
      }, this.#seconds * 1000)
      this.#waiters.push(waiter)
      if (this.#waiters.length === 1) this.#takeWhenOverdue()
    })
  }

  #give(holder: LockHolder): void {
    this.#holder = holder
    this.#heldSinceMs = performance.now()
    if (this.#waiters.length > 0) this.#takeWhenOverdue()
  }

  #takeWhenOverdue(): void {
    const leftMs = this.#heldSinceMs + this.#seconds * 1000 - performance.now()
    clearTimeout(this.#takeTimer)
    this.#takeTimer = setTimeout(() => this.#takeIfIdle(), Math.max(0, leftMs))
  }

  #takeIfIdle(): boolean {
    if (this.#holder?.isIdle !== true) return false
    this.#take()
    return true
  }

  #take(): void {
    const holder = this.#holder
    if (holder === undefined) return
    holder.loseTransaction()
    this.#onTaken()
    this.release(holder)
  }
}
