import { toJson, type JsonText } from '../../json-text.ts'
import { StepOutputError } from './errors.ts'

/**
 * An act's answer as the text that is recorded. Only what JSON gives back unchanged is taken, since later attempts get
 * the recorded text: a Date would come back as text, NaN as null. `undefined` is recorded as null.
 *
 * @throws StepOutputError which names the place of what JSON cannot hold.
 */
export function outputOf(key: string, answer: unknown): JsonText {
  if (answer === undefined) return toJson(null)
  check(key, answer, '', new Set())
  return toJson(answer)
}

function check(key: string, value: unknown, pointer: string, parents: ReadonlySet<object>): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) return
  if (typeof value !== 'object')
    throw unfit(key, pointer, typeof value === 'number' ? String(value) : `a ${typeof value}`)
  if (parents.has(value)) throw unfit(key, pointer, 'an object that holds itself')
  if (!Array.isArray(value) && !isPlain(value)) throw unfit(key, pointer, `an instance of ${nameOf(value)}`)
  const within = new Set([...parents, value])
  for (const [name, member] of Object.entries(value)) {
    // A member that is undefined stays out of the text, as it is out of most equal objects.
    if (member !== undefined || Array.isArray(value)) check(key, member, `${pointer}/${name}`, within)
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function nameOf(value: object): string {
  return value.constructor.name
}

function unfit(key: string, pointer: string, what: string): StepOutputError {
  const place = pointer === '' ? 'The answer' : `${pointer} of the answer`
  return new StepOutputError(
    `${place} of step ${key} is ${what}, which JSON does not give back unchanged. Return plain data from the step.`,
  )
}
