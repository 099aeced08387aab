import type { StoredOutcome, StoredResponse } from '@millrace/db/store/idempotency'
import { storedResponse, type RouteResponse, type TextResponse } from '../response.ts'
import { sha256HexOf } from '../digest.ts'
import type { FieldError } from '../errors.ts'
import type { Refused } from '../result.ts'
import type { IdempotencyKey, Idempotent, IdempotentHead } from '../services/idempotency.ts'

export type ReadKey =
  | { readonly ok: true; readonly key: string | undefined }
  | { readonly ok: false; readonly error: FieldError }

export function readIdempotencyKey(headers: Headers): ReadKey {
  const key = headers.get('Idempotency-Key')
  if (key === null) return { ok: true, key: undefined }
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return { ok: true, key }
  const error = { parameter: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }
  return { ok: false, error }
}

export function fingerprintOf(method: string, pathname: string, body: Uint8Array): Promise<string> {
  return sha256HexOf(`${method} ${pathname}\n`, body)
}

/** The key with the answer that is stored under it; undefined where the request has none. */
export function answeredWith<Value>(
  key: IdempotencyKey | undefined,
  answer: (value: Value) => TextResponse,
): Idempotent<Value> | undefined {
  return key && { ...key, answerFor: (value) => storedResponse(answer(value)) }
}

/** The same where only the write knows the body: of a response with any. */
export function headedAs(
  key: IdempotencyKey | undefined,
  { status, headers }: TextResponse,
): IdempotentHead | undefined {
  return key && { ...key, head: { status, headers } }
}

/** What the key says: the first answer again, or that the key was another request's. */
export function replayOrRefusal(stored: StoredOutcome): RouteResponse | Refused {
  return stored.refusal === 'replay' ? replayed(stored.answer) : stored
}

/** The first answer under a key, given again. */
export function replayed({ status, headers, body }: StoredResponse): RouteResponse {
  return { ok: true, status, headers: { ...headers, 'Idempotency-Replayed': 'true' }, body }
}
