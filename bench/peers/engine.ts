/** What one engine does of its own, so that all are measured alike: `bench/durable.ts` drives it. */
export interface Engine {
  readonly name: string
  /** Steps that are recorded; undefined of a queue, which has none. */
  readonly runSteps?: ((work: StepWork) => Promise<void>) | undefined
  /** Takes jobs from a queue; undefined of an engine that hands none out by itself. */
  readonly takeJobs?: ((work: QueueWork) => Promise<QueueResult>) | undefined
  close(): Promise<void>
}

export interface StepWork {
  /** Executions at once. */
  readonly workers: number
  readonly executions: number
  readonly steps: number
  /** Called by the first step of each execution. */
  readonly onFirstStep: () => void
}

export interface QueueWork {
  readonly workers: number
  readonly queued: number
  /** Jobs are taken for so long, or until none is left. */
  readonly seconds: number
  /** Called when the queue is full, before the first job is taken. */
  readonly onFilled?: (() => void) | undefined
}

export interface QueueResult {
  readonly taken: number
  readonly seconds: number
}

/** Opens an engine on an empty database. */
export type OpenEngine = (url: string) => Promise<Engine>
