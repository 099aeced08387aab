/** How a process ended: with a code of its own, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const firstPauseMilliseconds = 500
const longestPauseMilliseconds = 30_000
/** Starts in a row that fail, of one process, until a group in which none listens is given up: after five to ten seconds. */
const mostFailures = 3

/** When processes of a group are started again: each failure in a row doubles the pause before the next start. */
export class Restarts {
  /** How many processes listen. */
  listening = 0
  readonly #outcome = Promise.withResolvers<ProcessEnd>()
  /** Resolves when none listens, and one of them could not be started for several times in a row. */
  readonly failed = this.#outcome.promise

  /** @param failures How often in a row this one has ended before it listened */
  next(end: ProcessEnd, failures: number, start: () => void): void {
    if (failures >= mostFailures && this.listening === 0) this.#outcome.resolve(end)
    else setTimeout(start, Math.min(firstPauseMilliseconds * 2 ** failures, longestPauseMilliseconds))
  }
}
