import { writeJson } from '../json.ts'
import type { Log } from '../log.ts'
import type { MailWebhook } from '../settings.ts'
import { signWebhook } from './standard-webhook.ts'

/** What whoever sends the mail needs to know. */
export interface PasswordRecovery {
  readonly id: string
  readonly email: string
  readonly username: string
  readonly token: string
  readonly requestId: string
  readonly at: Date
}

/** Before each attempt, all within what a function may do after its answer. */
const waitsMilliseconds = [0, 1000, 4000]
const timeoutMilliseconds = 8000

/**
 * Hands a token to the webhook. It is tried three times; what becomes of it is logged, without address and token, and
 * changes no answer: that is sent before.
 */
export async function sendPasswordRecovery(
  { url, secret }: MailWebhook,
  { id, email, username, token, requestId, at }: PasswordRecovery,
  log: Log,
): Promise<void> {
  const data = { email, username, token }
  const body = writeJson({ type: 'password.recover', timestamp: at.toISOString(), data })
  let cause = ''
  for (const waitMilliseconds of waitsMilliseconds) {
    await new Promise((resolve) => {
      setTimeout(resolve, waitMilliseconds)
    })
    // Signed anew: receivers refuse a timestamp that is some minutes old.
    const signed = await signWebhook(secret, { id, body, at: new Date(at.getTime() + waitMilliseconds) })
    const failure = await post(url, signed)
    if (failure === undefined) return
    cause = failure
  }
  const fix =
    'See that MAIL_WEBHOOK_URL answers with a 2xx status within 8 seconds, and that it knows MAIL_WEBHOOK_SECRET.'
  log({ level: 'error', event: 'mail_webhook_failed', requestId, cause, cure: fix })
}

/** Why it was not taken; undefined when it was. */
async function post(
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    // A redirection would carry the token to an address that nobody configured.
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await response.body?.cancel()
    return response.ok ? undefined : `the mail webhook answered ${response.status}`
  } catch (thrown) {
    const isLate = thrown instanceof Error && thrown.name === 'TimeoutError'
    return isLate
      ? `the mail webhook did not answer within ${timeoutMilliseconds} ms`
      : 'the mail webhook cannot be reached'
  }
}
