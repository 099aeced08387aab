import { setTimeout as delay } from 'node:timers/promises'
import { membersIn } from '../json.ts'

/** How a deployment answered `/readyz` in the end. */
export type Readiness =
  | { readonly isReady: true; readonly dialect: string; readonly schema: number }
  | { readonly isReady: false; readonly code: string | undefined; readonly why: string }

export interface Question {
  readonly url: string
  /** The version whose answer counts: until it has spread, the one before answers too. */
  readonly version: string | null
  readonly waitSeconds: number
  readonly interruption: AbortSignal
}

const pollMilliseconds = 500

/** Asks until that version is ready, and at most for the time given; then with the last reason why it is not. */
export async function awaitReadiness({ url, version, waitSeconds, interruption }: Question): Promise<Readiness> {
  const deadline = Date.now() + waitSeconds * 1000
  for (;;) {
    interruption.throwIfAborted()
    const readiness = await ask(`${url}/readyz`, version, interruption)
    if (readiness.isReady || Date.now() >= deadline) return readiness
    await delay(pollMilliseconds, undefined, { signal: interruption }).catch(() => interruption.throwIfAborted())
  }
}

async function ask(url: string, version: string | null, interruption: AbortSignal): Promise<Readiness> {
  let response: Response
  let text: string
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(10_000), interruption])
    response = await fetch(url, { redirect: 'manual', signal })
    text = await response.text()
  } catch (error) {
    return { isReady: false, code: undefined, why: `${url}: ${reasonOf(error)}` }
  }
  const answering = response.headers.get('X-Millrace-Deployment')
  if (version !== null && answering !== version) {
    const which = answering === null ? 'something that names no version' : `version ${answering}`
    return { isReady: false, code: undefined, why: `${url} is answered by ${which} with status ${response.status}.` }
  }
  return judge(url, response.status, text)
}

function judge(url: string, status: number, text: string): Readiness {
  const body = membersIn(text)
  if (status === 200 && body?.['status'] === 'ready') {
    return { isReady: true, dialect: String(body['dialect']), schema: Number(body['schema']) }
  }
  const code = typeof body?.['code'] === 'string' ? body['code'] : undefined
  const detail = typeof body?.['detail'] === 'string' ? `: ${body['detail']}` : ''
  return { isReady: false, code, why: `${url} answers ${status} ${code ?? ''}${detail}`.trim() }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
