import { storeResponseAlone } from '@millrace/db/store/stored-responses'
import type { RouteResponse } from '../response.ts'
import { errorKind, type ErrorStatus } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { Refused } from '../result.ts'
import type { Context } from '../services/context.ts'
import type { IdempotencyKey } from '../services/idempotency.ts'
import { replayOrRefusal } from './idempotency.ts'

/** Refusals that are repeated for 24 hours; others leave their key free. */
const storedStatuses: ReadonlySet<ErrorStatus> = new Set([404, 409, 412])

/** Stores a refusal under the request's Idempotency-Key, where it is one to repeat; a success was stored with what it did. */
export async function storeRefusal(
  { store, caller, clock, origin }: Context,
  key: IdempotencyKey | undefined,
  answer: RouteResponse | Refused,
): Promise<RouteResponse | Refused> {
  if (key === undefined || caller.kind === 'anonymous' || answer.ok) return answer
  const { refusal: code } = answer
  if (!storedStatuses.has(errorKind(code).status) || code === 'idempotency_in_progress') return answer
  const stored = problemOf(answer, { requestId: origin.requestId, hasToken: true })
  const earlier = await storeResponseAlone(store, caller, { ...key, answer: stored, at: clock() })
  return earlier === undefined ? answer : replayOrRefusal(earlier)
}
