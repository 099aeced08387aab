import type { ExecutionError } from '../../contract.ts'

/** A step that failed for good. Its failure is recorded, so every later attempt of the execution sees the same one. */
export class StepFailedError extends Error {
  override readonly name = 'StepFailedError'
  readonly key: string
  /** The `code` of what the act threw, or its name. */
  readonly code: string

  constructor(key: string, { code, message }: ExecutionError) {
    super(`Step ${key} failed: ${message}`)
    this.key = key
    this.code = code
  }
}

/** A key that is used twice in one run, that is reserved, or that names something of another kind in the record. */
export class StepKeyError extends Error {
  override readonly name = 'StepKeyError'
}

/** An answer that JSON cannot hold, or that the service does not keep. */
export class StepOutputError extends Error {
  override readonly name = 'StepOutputError'
}

/** A step, a sleep or a wait that was begun after the handler had ended. */
export class RunEndedError extends Error {
  override readonly name = 'RunEndedError'
}

/** No signal came in time. Recorded: every later attempt of the execution sees the same. */
export class WaitTimedOutError extends Error {
  override readonly name = 'WaitTimedOutError'
  readonly signalName: string

  constructor(signalName: string, until: string) {
    super(`No signal ${signalName} came until ${until}.`)
    this.signalName = signalName
  }
}

/** Thrown by an act: the step has failed, and no further attempt can help. */
export class FatalError extends Error {
  override readonly name = 'FatalError'
}
