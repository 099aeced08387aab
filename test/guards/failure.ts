/** What failed, as the runner has heard it from vitest. */
export interface Failure {
  /** Undefined where a worker ended, or failed outside of any suite. */
  readonly suite: string | undefined
  /** Undefined where the suite itself failed, in a hook of its own say. */
  readonly test: string | undefined
  readonly errors: readonly FailedBy[]
}

export interface FailedBy {
  readonly name?: string | undefined
  readonly message: string
  readonly actual?: unknown
}

/** A machine that is too busy, a limit of time, a connection or a process that was lost. */
const ofMachine =
  /timed out|time-?out|did not succeed|aborted|ECONN\w+|EPIPE|ETIMEDOUT|EADDR\w+|ENOSPC|ENOMEM|socket hang up|other side closed|terminated|fetch failed|exited unexpectedly|out of memory|database_(?:busy|unreachable|timeout)/i

/** What the service answers where its database can't serve it in time. */
const unavailable = new Set(['502', '503', '504'])

/**
 * Whether it may be something else that made a test fail, and not the term that was left out: the machine, or where no test
 * failed but the suite, a source that has just changed.
 */
export function isDoubtful({ suite, test, errors }: Failure): boolean {
  return suite === undefined || test === undefined || errors.length === 0 || errors.some(isOfMachine)
}

function isOfMachine({ message, actual }: FailedBy): boolean {
  return ofMachine.test(message) || unavailable.has(String(actual)) || /\bexpected 50[234] to /.test(message)
}

export function nameOfFailure({ suite, test }: Failure): string {
  return [suite ?? 'a worker', ...(test === undefined ? [] : [test])].join(' › ')
}
