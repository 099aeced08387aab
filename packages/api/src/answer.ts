import type { StoredAnswer } from '@millrace/db/store/idempotency'
import { writeJson, type Json } from './json.ts'
import { entityTag } from './request/preconditions.ts'

/** What a route answers when it did what was asked. */
export interface Answer {
  readonly ok: true
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ReadableStream | null
}

/** An answer that can be kept. */
export interface TextAnswer extends Answer {
  readonly body: string | null
}

export function jsonAnswer(
  status: 200 | 201 | 202,
  value: Json,
  headers: Readonly<Record<string, string>> = {},
): TextAnswer {
  return { ok: true, status, headers: { 'Content-Type': 'application/json', ...headers }, body: writeJson(value) }
}

/** A resource that has a revision, with its `ETag`. */
export function revisionAnswer(
  status: 200 | 201,
  value: { readonly [name: string]: Json | undefined; readonly revision: number },
  headers: Readonly<Record<string, string>> = {},
): TextAnswer {
  return jsonAnswer(status, value, { ETag: entityTag(value.revision), ...headers })
}

export function emptyAnswer(status: 202 | 204 = 204): Answer {
  return { ok: true, status, headers: {}, body: null }
}

/** The answer as it is kept under an Idempotency-Key. */
export function storedAnswer({ status, headers, body }: TextAnswer): StoredAnswer {
  return { status, headers, body: body ?? '' }
}
