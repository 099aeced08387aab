import { ConnectionError, DeadlineError, ProblemError, UnexpectedAnswerError } from '../errors.ts'
import type { Credentials } from './credentials.ts'
import { refuseProblems, type Reply } from './reply.ts'
import { createRetryBudget, delayBefore, type RetryPolicy } from './retry.ts'
import { abortable, pause, within } from './waiting.ts'

export interface Call {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Whether doing it twice is doing it once, so that it may be sent again when an answer was lost. */
  readonly isRepeatable: boolean
  /** Undefined where the route looks at no token. */
  readonly credentials: Credentials | undefined
  readonly signal?: AbortSignal | undefined
  readonly deadlineMilliseconds?: number | undefined
  readonly onRetry?: ((failure: unknown) => void) | undefined
}

export interface ExchangeOptions {
  readonly url: string
  readonly fetch: typeof fetch
  readonly policy: RetryPolicy
}

/**
 * Sends calls, again where that is safe and may help. Rejects with a ProblemError, UnexpectedAnswerError,
 * ConnectionError or DeadlineError; with the signal's reason when that is aborted.
 */
export type Exchange = (call: Call) => Promise<Reply>

export function createExchange({ url, fetch: send, policy }: ExchangeOptions): Exchange {
  const budget = createRetryBudget(policy.budget)
  return async (call) => {
    const startedAt = Date.now()
    const deadlineMilliseconds = call.deadlineMilliseconds ?? policy.deadlineMilliseconds
    const left = (): number => deadlineMilliseconds - (Date.now() - startedAt)
    for (let tried = 1; ; tried += 1) {
      try {
        const reply = await authorized(call, (token) => attempt(call, token, left()))
        budget.earn()
        return reply
      } catch (failure) {
        const delay = delayBefore(failure, tried, { policy, isRepeatable: call.isRepeatable })
        if (delay === undefined || !budget.spend()) throw failure
        if (delay >= left()) throw tooLate(failure, deadlineMilliseconds)
        await pause(delay, call.signal)
        call.onRetry?.(failure)
      }
    }
  }

  /** One request and its answer. Nothing is passed on of a body that broke off. */
  async function attempt(call: Call, token: string | undefined, leftMilliseconds: number): Promise<Reply> {
    const milliseconds = Math.max(0, Math.min(policy.attemptMilliseconds, leftMilliseconds))
    const late = new ConnectionError(`${call.method} ${call.path} had no answer within ${milliseconds} ms.`)
    const { method, headers, body } = call
    const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const init = { method, headers: { ...headers, ...authorization }, ...(body === undefined ? {} : { body }) }
    try {
      return await within(milliseconds, { signal: call.signal, late }, async (signal) => {
        const response = await send(`${url}${call.path}`, { ...init, signal })
        const text = await response.text()
        return refuseProblems({ status: response.status, headers: response.headers, text })
      })
    } catch (error) {
      call.signal?.throwIfAborted()
      if (error instanceof ProblemError || error instanceof UnexpectedAnswerError) throw error
      if (error instanceof ConnectionError) throw error
      throw new ConnectionError(`${method} ${call.path} had no answer from ${url}.`, { cause: error })
    }
  }
}

/** Sends with the caller's token, and once more with a new one where that had run out. */
export async function authorized<Given>(
  { credentials, signal }: Pick<Call, 'credentials' | 'signal'>,
  send: (token: string | undefined) => Promise<Given>,
): Promise<Given> {
  const token = await credentials?.current()
  try {
    return await send(token)
  } catch (error) {
    if (credentials === undefined || token === undefined || !isAboutToken(error)) throw error
    if (!(await abortable(credentials.renew(token), signal))) throw error
    return send(await credentials.current())
  }
}

/** The token was refused, before anything was done: not a password beside it, and not a refresh token. */
function isAboutToken(error: unknown): boolean {
  return error instanceof ProblemError && (error.code === 'token_expired' || error.code === 'unauthenticated')
}

/** The last refusal says more than the time that ran out. */
function tooLate(failure: unknown, deadlineMilliseconds: number): unknown {
  if (failure instanceof ProblemError) return failure
  return new DeadlineError(`No answer within ${deadlineMilliseconds} ms.`, { cause: failure })
}
