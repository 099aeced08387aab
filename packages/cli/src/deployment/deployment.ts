import { setTimeout as delay } from 'node:timers/promises'
import { errorCodes, type ErrorCode } from '@millrace/api/errors'
import { isLoopback } from '@millrace/db/url/address'
import { pointAt } from '@millrace/db/url/redact'
import type { Context } from '../context.ts'
import { Failure, type FailureWords } from '../failure.ts'
import { membersIn } from '../json.ts'
import { printable } from '../printable.ts'

/** A deployment that is asked over its HTTP API, with the key in MILLRACE_API_KEY. */
export interface Deployment {
  /** `host[:port]`, for people. */
  readonly host: string
  /** @throws Failure for an answer that is not 2xx, or none */
  readonly ask: (request: DeploymentRequest) => Promise<Response>
}

export interface DeploymentRequest {
  readonly path: string
  /** In place of the API key. */
  readonly token?: string
  /** A GET when absent. */
  readonly post?: {
    /** JSON. */
    readonly body: string
    /** Makes it safe to send the same again after an answer was lost. */
    readonly idempotencyKey: string
  }
}

const attempts = 3
const pauseMilliseconds = 500
/** Beyond this a `Retry-After` is told instead of waited for. */
const longestWaitSeconds = 10

/** @throws Failure for a URL or a key that can't be one, before anything is asked */
export function openDeployment(context: Context, urlOption: string): Deployment {
  const url = deploymentUrl(urlOption)
  const key = readKey(context)
  return { host: url.host, ask: (request) => askPatiently(context, url, key, request) }
}

/** Checked here: the runtime's own refusal of a header quotes it, key and all. */
function readKey(context: Context): string {
  const key = (context.environment()['MILLRACE_API_KEY'] ?? '').trim()
  if (key === '') {
    throw new Failure('settings_invalid', {
      what: 'MILLRACE_API_KEY is not set.',
      why: 'A deployment answers only to an API key.',
      fix: 'Set it to an API key of the deployment (`millrace api-key new`, or POST /v1/api-keys).',
    })
  }
  if (/^[!-~]+$/.test(key)) return key
  throw new Failure('settings_invalid', {
    what: 'MILLRACE_API_KEY is not an API key.',
    why: 'It contains a space, a line break or a character outside ASCII, which no key does.',
    fix: 'Set it to the whole `mr_…` text, and nothing else.',
  })
}

function deploymentUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0] ?? ''
  if (url === undefined) {
    throw urlFailure(text, { start: 0, end: text.length }, 'It is not a URL.')
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw urlFailure(text, { start: 0, end: scheme.length }, 'It must begin with https://.')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    const why = 'Over http:// the API key would cross the network in clear; it is allowed on this machine only.'
    throw urlFailure(text, { start: 0, end: scheme.length }, why)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.pathname !== '/') {
    const start = text.indexOf('//') + 2
    throw urlFailure(text, { start, end: text.length }, 'Only the host and port of the deployment belong into it.')
  }
  return url
}

function urlFailure(text: string, span: { readonly start: number; readonly end: number }, why: string): Failure {
  return new Failure('url_invalid', {
    what: '--url is not the address of a deployment.',
    why: `${why}\n${pointAt(text, span)}`,
    fix: 'Use the URL that `millrace deploy` printed, such as https://millrace.example.workers.dev.',
  })
}

async function askPatiently(context: Context, url: URL, key: string, request: DeploymentRequest): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(context, url, key, request)
    } catch (error) {
      const wait = error instanceof Unanswered ? error.waitSeconds : undefined
      if (!(error instanceof Unanswered)) throw error
      if (attempt === attempts || wait === undefined) throw error.failure
      const { interruption } = context.lifetime
      await delay(wait * 1000, undefined, { signal: interruption }).catch(() => interruption.throwIfAborted())
    }
  }
}

/** Not answered, or not now: asked again after `waitSeconds`, where that is worth it. */
class Unanswered extends Error {
  readonly failure: Failure
  readonly waitSeconds: number | undefined

  constructor(failure: Failure, waitSeconds: number | undefined) {
    super(failure.message)
    this.failure = failure
    this.waitSeconds = waitSeconds
  }
}

async function askOnce({ lifetime }: Context, url: URL, key: string, request: DeploymentRequest): Promise<Response> {
  const { post } = request
  const headers = {
    Authorization: `Bearer ${request.token ?? key}`,
    ...(post && { 'Content-Type': 'application/json', 'Idempotency-Key': post.idempotencyKey }),
  }
  let answer: Response
  try {
    answer = await fetch(new URL(request.path, url), {
      method: post === undefined ? 'GET' : 'POST',
      ...(post && { body: post.body }),
      headers,
      // A redirection would take the key elsewhere.
      redirect: 'error',
      signal: lifetime.interruption,
    })
  } catch (error) {
    lifetime.interruption.throwIfAborted()
    throw new Unanswered(unreachable(url, error), pauseMilliseconds / 1000)
  }
  if (answer.ok) return answer
  const failure = refusal(url, answer.status, await problemOf(answer))
  if (answer.status !== 429 && answer.status !== 503) throw failure
  const seconds = Number(answer.headers.get('Retry-After') ?? Number.NaN)
  throw new Unanswered(failure, seconds <= longestWaitSeconds ? seconds : undefined)
}

interface Problem {
  readonly code: ErrorCode | undefined
  readonly detail: string | undefined
}

async function problemOf(answer: Response): Promise<Problem> {
  // Whatever keeps the body from being read, the status has said enough.
  const { code, detail } = membersIn(await answer.text().catch(() => '')) ?? {}
  return {
    code: errorCodes.find((known) => known === code),
    detail: typeof detail === 'string' ? printable(detail) : undefined,
  }
}

/** What to do about a status; its code stands where the answer is not the API's own problem document. */
const statuses: Readonly<Record<number, { readonly code: ErrorCode; readonly fix: string }>> = {
  401: {
    code: 'unauthenticated',
    fix: 'Check MILLRACE_API_KEY: the key is unknown, expired, or belongs to another deployment.',
  },
  403: {
    code: 'forbidden',
    fix: 'Use an API key with the scope that this needs; what only administrators may do needs the scope `admin` and the role.',
  },
  404: { code: 'not_found', fix: 'Check the name or id, and that the key may see it.' },
  413: { code: 'payload_too_large', fix: 'Raise MAX_BODY_BYTES of the deployment, or leave out what is that large.' },
  429: { code: 'rate_limited', fix: 'Wait, and run the command again.' },
  503: { code: 'database_unreachable', fix: 'Look at /readyz of the deployment, wait, and run the command again.' },
}

function refusal(url: URL, status: number, { code, detail }: Problem): Failure {
  const words: FailureWords = {
    what: `${url.host} refused the request.`,
    why: `It answered ${status}${code === undefined ? '' : ` ${code}`}${detail === undefined ? '.' : `: ${detail}`}`,
    fix: statuses[status]?.fix ?? 'Look at the log of the deployment.',
  }
  return new Failure(code ?? statuses[status]?.code ?? 'internal', words)
}

function unreachable(url: URL, error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new Failure('internal', {
    what: `${url.host} cannot be reached.`,
    why: printable(cause instanceof Error ? cause.message : String(cause)),
    fix: 'Check --url and the network.',
  })
}

/** The members of a response's JSON object. */
export async function membersOfResponse(response: Response, host: string): Promise<Readonly<Record<string, unknown>>> {
  const members = membersIn(await response.text())
  if (members !== undefined) return members
  throw new Failure('internal', {
    what: `${host} did not answer as millrace does.`,
    why: 'Its answer is not a JSON object.',
    fix: 'Check --url: it must be the address of a deployment, without a log-in page before it.',
  })
}
