import { expect } from 'vitest'
import { hearBody } from '../last-answers.ts'
import { recordTrips } from '../recording.ts'

/** An answer, read once. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when there is none. */
  readonly json: unknown
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  hearBody(response.headers, text)
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '') && text !== ''
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

const statuses: Readonly<Record<string, number>> = {
  malformed_json: 400,
  unauthenticated: 401,
  invalid_credentials: 401,
  token_expired: 401,
  token_reused: 401,
  forbidden: 403,
  scope_missing: 403,
  registration_closed: 403,
  account_disabled: 403,
  not_found: 404,
  method_not_allowed: 405,
  username_taken: 409,
  email_taken: 409,
  execution_active: 409,
  account_in_use: 409,
  fence_stale: 409,
  step_recorded: 409,
  invalid_transition: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  invalid_json_document: 422,
  invalid_cursor: 422,
  idempotency_key_reused: 422,
  precondition_required: 428,
  rate_limited: 429,
  internal: 500,
  database_unreachable: 503,
  database_auth_failed: 503,
  database_missing: 503,
  database_schema_outdated: 503,
  database_busy: 503,
  database_timeout: 503,
  restore_in_progress: 503,
}

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const forbiddenInProblems =
  /select |insert |update |drizzle|node_modules|\bat .*:\d+|127\.0\.0\.1|localhost|\/tmp\/|\/dev\/shm\/|workflow_shares/i

/** What docs/contract/api.md says of every answer there is. */
export function expectConventions(
  answer: Answer,
  request: { method: string; path: string; isAnonymous: boolean },
): void {
  const { headers, status } = answer
  expect(headers.get('X-Request-Id')).toMatch(/^[A-Za-z0-9._-]{1,64}$/)
  expect(headers.get('Server-Timing')).toMatch(
    /^db;dur=\d+(\.\d+)?;desc="(1 trip|(0|[2-9]|\d\d+) trips)", app;dur=\d+(\.\d+)?$/,
  )
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const isShareable = isRead && request.isAnonymous && (status === 200 || status === 304)
  if (request.path.startsWith('/v1/')) {
    expect(headers.get('Vary')).toMatch(/\bAuthorization\b/)
    expect(headers.get('Cache-Control')).toBe(isShareable ? 'no-cache' : 'no-store')
  }
  if (status >= 400 && request.method !== 'HEAD') expectProblem(answer)
  if (status === 204 || status === 304 || request.method === 'HEAD') expect(answer.text).toBe('')
}

function expectProblem({ status, headers, json, text }: Answer): void {
  expect(headers.get('Content-Type')).toBe('application/problem+json')
  const problem = asRecord(json)
  expect(Object.keys(problem).filter((name) => name !== 'errors')).toEqual([
    'type',
    'title',
    'status',
    'code',
    'detail',
    'requestId',
  ])
  expect(problem['status']).toBe(status)
  expect(statuses[String(problem['code'])]).toBe(status)
  expect(problem['requestId']).toBe(headers.get('X-Request-Id'))
  expect(text).not.toMatch(forbiddenInProblems)
  if (status === 401) expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer\b/)
  if (status === 405) expect(headers.get('Allow')).not.toBeNull()
  if (status === 503 && problem['code'] === 'restore_in_progress') expect(headers.get('Retry-After')).toMatch(/^\d+$/)
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${JSON.stringify(value)}`)
  return { ...value }
}

export function itemsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const { items } = asRecord(value)
  if (!Array.isArray(items)) throw new Error(`no items: ${JSON.stringify(value)}`)
  return items.map(asRecord)
}

/** The cursor to a list's next page; undefined at its end. */
export function nextCursorOf(value: unknown): string | undefined {
  const { nextCursor } = asRecord(value)
  if (nextCursor === null) return undefined
  if (typeof nextCursor !== 'string') throw new Error(`no cursor: ${JSON.stringify(value)}`)
  return nextCursor
}

/** Where something is wrong, by a problem's `errors`. */
export function placesOf(json: unknown): readonly string[] {
  const { errors } = asRecord(json)
  if (!Array.isArray(errors)) return []
  return errors.map((error) => {
    const { pointer, parameter, message } = asRecord(error)
    expect(String(message)).not.toBe('')
    return String(pointer ?? parameter)
  })
}

export function isUuid7(value: unknown): boolean {
  return typeof value === 'string' && uuid7.test(value)
}

export function wholeNumberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return Number(value)
  throw new Error(`no number: ${String(value)}`)
}

/** How many round trips to the database an answer says it took. */
export function tripsOf({ headers }: Answer): number {
  recordTrips(headers)
  return Number(/desc="(\d+) trips?"/.exec(headers.get('Server-Timing') ?? '')?.[1])
}
