import { createHash } from 'node:crypto'
import { parseJson, toJson, type JsonText } from '@millrace/client'
import type { Step } from './definition.ts'

/** How far an execution is: the steps that are done, and what they made of the input. */
export interface Progress {
  readonly done: readonly string[]
  /** SHA-256 over the result before and the node: it differs if any step is left out, done twice or in another order. */
  readonly result: string
}

/** Where an execution stands, as its last worker saved it; its beginning where there was none. */
export function progressOf(state: JsonText, input: JsonText): Progress {
  const saved = parseJson(state)
  return isProgress(saved) ? saved : { done: [], result: digest(input) }
}

export function afterStep({ done, result }: Progress, { id, node }: Step): Progress {
  return { done: [...done, id], result: digest(`${result}\n${toJson(node)}`) }
}

function isProgress(value: unknown): value is Progress {
  return typeof value === 'object' && value !== null && 'done' in value && 'result' in value
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
