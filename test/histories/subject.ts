import type { Output, If } from './models.ts'
import type { Recorded } from './recorder.ts'
import type { Answered, Sent } from './system.ts'

/** Numbers from 0 to 1; the same ones give the same choices, but for what was seen meanwhile. */
export type Random = () => number

/** An object with the operations of its clients. */
export interface Subject {
  readonly recorded: Recorded
  /** What clients do with it, each as often as its weight says. */
  readonly acts: readonly Act[]
  /** Reads what it has become, when nothing is lost any more. */
  readonly readAtLast: () => Promise<void>
}

export interface Act {
  readonly weight: number
  readonly run: (random: Random) => Promise<unknown>
}

/** Two users with an API key each: a run may outlast access tokens. */
export interface People {
  readonly aliceKey: string
  readonly bobKey: string
  readonly bobId: string
}

export function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

export function pickAct(acts: readonly Act[], random: Random): Act {
  let left = random() * acts.reduce((sum, { weight }) => sum + weight, 0)
  for (const act of acts) {
    left -= act.weight
    if (left < 0) return act
  }
  return pick(acts, random)
}

interface RequestParts {
  readonly body?: object
  readonly ifMatch?: If | undefined
  readonly idempotencyKey?: string
}

/** A request with an API key. */
export function as(key: string, method: string, path: string, parts: RequestParts = {}): Sent {
  const { body, ifMatch, idempotencyKey } = parts
  return {
    method,
    path,
    headers: {
      Authorization: `Bearer ${key}`,
      ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    },
    ...(body === undefined ? {} : { body }),
  }
}

export type Json = Readonly<Record<string, unknown>>

export function jsonOf({ text }: Answered): Json {
  return JSON.parse(text) as Json
}

export function itemsOf(answer: Answered): readonly Json[] {
  return jsonOf(answer)['items'] as readonly Json[]
}

/** The answer to what has to succeed, before anything is lost. */
export function made(answer: Answered): Json {
  if (answer.status !== 201) throw new Error(`the preparation was answered ${answer.status}: ${answer.text}`)
  return jsonOf(answer)
}

export const statusAlone = ({ status }: Answered): Output => ({ status })
