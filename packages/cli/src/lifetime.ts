import { Interrupted } from './failure.ts'

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** The time a command has to end by itself after a signal. */
const graceMilliseconds = 5000

/** A Ctrl-C under npm comes twice, from the terminal and from npm: only what comes later is meant as a second one. */
const secondSignalMilliseconds = 1000

/** What a command opened is closed in reverse order, however the command ends. */
export interface Lifetime {
  /** Aborts, with an Interrupted as reason, on the first signal or when the starting process is gone. */
  readonly interruption: AbortSignal
  defer(close: () => Promise<void>): void
  /** From here on a second signal ends the process, after `act` and nothing more. */
  endOnSecondSignal(act: () => void): void
  end(exitCode: 129 | 130 | 143): void
}

export interface RunningLifetime extends Lifetime {
  /** Runs `work`, then closes what was deferred. After an interruption it throws the Interrupted. */
  run(work: () => Promise<number>): Promise<number>
}

export function createLifetime(): RunningLifetime {
  const controller = new AbortController()
  const closers: (() => Promise<void>)[] = []
  let beforeExit: (() => void) | undefined
  let endedAt = Infinity
  const end = (exitCode: 129 | 130 | 143) => {
    endedAt = Math.min(endedAt, Date.now())
    controller.abort(new Interrupted(exitCode))
  }
  const onSignal = (exitCode: 129 | 130 | 143) => {
    if (beforeExit !== undefined && Date.now() - endedAt > secondSignalMilliseconds) {
      beforeExit()
      process.exit(exitCode)
    }
    end(exitCode)
  }
  return {
    interruption: controller.signal,
    defer: (close) => closers.push(close),
    endOnSecondSignal(act) {
      beforeExit = act
    },
    end,
    async run(work) {
      const stopListening = onSignals(onSignal)
      try {
        const exitCode = await Promise.race([work(), afterGrace(controller.signal)])
        controller.signal.throwIfAborted()
        return exitCode
      } catch (error) {
        // What fails because it was cut off is no failure of its own.
        controller.signal.throwIfAborted()
        throw error
      } finally {
        for (const close of closers.splice(0).toReversed()) await close()
        stopListening()
      }
    },
  }
}

function onSignals(end: (exitCode: 129 | 130 | 143) => void): () => void {
  const listeners = Object.entries(exitCodes).map(([signal, exitCode]) => {
    const listener = () => end(exitCode)
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}

function afterGrace(interruption: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    interruption.addEventListener('abort', () => {
      setTimeout(() => reject(interruption.reason), graceMilliseconds).unref()
    })
  })
}

/** Resolves when the interruption comes; for commands that run until then. */
export function untilInterrupted(interruption: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (interruption.aborted) resolve()
    else interruption.addEventListener('abort', () => resolve(), { once: true })
  })
}
