import type { RecordedStep } from '../../contract.ts'
import { StepKeyError } from './errors.ts'

/** What a key stands for. Steps have the key as it was given; what waits has a prefix that no step may have. */
export type Kind = 'step' | 'sleep' | 'wait'

const prefixes: Readonly<Record<Kind, string>> = { step: '', sleep: 'sleep:', wait: 'wait:' }

const mostKeyLength = 255

/** The steps that are recorded, and the keys that this attempt has used. */
export interface Journal {
  /**
   * Takes a key for this attempt, and gives its name in the record.
   *
   * @throws StepKeyError when it was taken before, or cannot be a key.
   */
  take(kind: Kind, key: string): string
  get(name: string): RecordedStep | undefined
  add(step: RecordedStep): void
  all(): Iterable<RecordedStep>
}

export function createJournal(recorded: readonly RecordedStep[]): Journal {
  const steps = new Map(recorded.map((step) => [step.key, step]))
  const taken = new Set<string>()
  return {
    take(kind, key) {
      const name = `${prefixes[kind]}${key}`
      checkKey(kind, key, name)
      if (taken.has(name)) {
        throw new StepKeyError(`The key ${name} is used twice. Each step of an execution needs a key of its own.`)
      }
      taken.add(name)
      return name
    },
    get: (name) => steps.get(name),
    add(step) {
      steps.set(step.key, step)
    },
    all: () => steps.values(),
  }
}

function checkKey(kind: Kind, key: string, name: string): void {
  const reserved = Object.values(prefixes).find((prefix) => prefix !== '' && key.startsWith(prefix))
  if (kind === 'step' && reserved !== undefined) {
    throw new StepKeyError(`The key ${key} begins with ${reserved}, which is kept for run.sleep and run.waitFor.`)
  }
  if (key === '' || key === '.' || key === '..' || Array.from(name).length > mostKeyLength) {
    throw new StepKeyError(
      `"${key}" cannot be a key: it needs 1 to ${mostKeyLength} characters, and not . or .. alone.`,
    )
  }
}
