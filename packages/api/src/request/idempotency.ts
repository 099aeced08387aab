import type { Kept } from '@millrace/db/store/idempotency'
import type { Answer } from '../answer.ts'
import { sha256HexOf } from '../digest.ts'
import type { FieldError } from '../errors.ts'
import { refuse, type Refused } from '../result.ts'

/** A key of the caller's, and what the request was, so that another one under the same key is noticed. */
export interface IdempotencyKey {
  readonly key: string
  /** SHA-256 of method, path and body bytes. */
  readonly fingerprint: string
}

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

/** What the key says: the first answer again, or that the key was another request's. */
export function keptAnswer(kept: Kept): Answer | Refused {
  if (kept.refusal === 'idempotency_key_reused') return refuse('idempotency_key_reused')
  const { status, headers, body } = kept.answer
  return { ok: true, status, headers: { ...headers, 'Idempotency-Replayed': 'true' }, body }
}
