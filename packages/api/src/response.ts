import type { StoredResponse } from '@millrace/db/store/idempotency'
import { writeJson, type Json } from './json.ts'
import { entityTag } from './request/preconditions.ts'

/** What a route answers when it did what was asked. */
export interface RouteResponse {
  readonly ok: true
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ReadableStream | null
}

/** An answer that can be kept. */
export interface TextResponse extends RouteResponse {
  readonly body: string | null
}

export function jsonResponse(
  status: 200 | 201 | 202,
  value: Json,
  headers: Readonly<Record<string, string>> = {},
): TextResponse {
  return { ok: true, status, headers: { 'Content-Type': 'application/json', ...headers }, body: writeJson(value) }
}

/** A resource that has a revision, with its `ETag`. */
export function revisionResponse(
  status: 200 | 201,
  value: { readonly [name: string]: Json | undefined; readonly revision: number },
  headers: Readonly<Record<string, string>> = {},
): TextResponse {
  return jsonResponse(status, value, { ETag: entityTag(value.revision), ...headers })
}

export function emptyResponse(status: 202 | 204 = 204): RouteResponse {
  return { ok: true, status, headers: {}, body: null }
}

/** The answer as it is kept under an Idempotency-Key. */
export function storedResponse({ status, headers, body }: TextResponse): StoredResponse {
  return { status, headers, body: body ?? '' }
}
