import { keepRefusal as keep } from '@millrace/db/store/kept-refusals'
import type { Answer } from '../answer.ts'
import { errorKind, type ErrorStatus } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { Refused } from '../result.ts'
import type { Context } from '../services/context.ts'
import { keptAnswer, type IdempotencyKey } from './idempotency.ts'

/** Refusals that stay what they were for 24 hours; others release their key. */
const keptStatuses: ReadonlySet<ErrorStatus> = new Set([404, 409, 412])

/** Keeps a refusal under the request's Idempotency-Key, where it is one to keep. What was done was kept with it. */
export async function keepRefusal(
  { store, caller, clock, requestId }: Context,
  key: IdempotencyKey | undefined,
  answer: Answer | Refused,
): Promise<Answer | Refused> {
  if (key === undefined || caller.kind === 'anonymous' || answer.ok) return answer
  const { code } = answer.refusal
  if (!keptStatuses.has(errorKind(code).status) || code === 'idempotency_in_progress') return answer
  const stored = problemOf(answer.refusal, { requestId, hasToken: true })
  const kept = await keep(store, caller, { ...key, answer: stored, at: clock() })
  return kept === undefined ? answer : keptAnswer(kept)
}
