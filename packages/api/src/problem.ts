import { errorKind } from './errors.ts'
import { writeJson } from './json.ts'
import type { Refused } from './result.ts'

export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface ProblemOptions {
  readonly requestId: string
  /** The methods that the path takes, for 405. */
  readonly allow?: string | undefined
  /** Whether the caller sent a token, which RFC 6750 wants told apart. */
  readonly hasToken?: boolean | undefined
}

/** So many are named, and an answer stays small. */
const mostErrors = 20

/** What a refusal looks like over HTTP: `application/problem+json` of RFC 9457. */
export function problemOf(refused: Refused, options: ProblemOptions): Problem {
  const { status, title, detail } = errorKind(refused.refusal)
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  if (status === 401) headers['WWW-Authenticate'] = challenge(refused, options.hasToken === true)
  if (options.allow !== undefined) headers['Allow'] = options.allow
  if (refused.retryAfterSeconds !== undefined) headers['Retry-After'] = String(refused.retryAfterSeconds)
  const body = writeJson({
    type: `urn:millrace:problem:${refused.refusal}`,
    title,
    status,
    code: refused.refusal,
    detail: refused.detail ?? detail,
    requestId: options.requestId,
    errors: refused.errors?.slice(0, mostErrors).map((error) => ({ ...error })),
  })
  return { status, headers, body }
}

function challenge({ refusal: code }: Refused, hasToken: boolean): string {
  const isAboutToken = hasToken && (code === 'unauthenticated' || code === 'token_expired')
  return isAboutToken ? 'Bearer error="invalid_token"' : 'Bearer'
}
