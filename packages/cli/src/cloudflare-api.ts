import { isRecord } from './json.ts'

/** What opens Cloudflare's API; wrangler reads the same variables. */
export interface Account {
  readonly accountId: string
  readonly apiToken: string
  readonly apiUrl: string | undefined
}

/** What the API answered, or did not. */
export type CloudflareAnswer =
  | { readonly isGood: true; readonly result: unknown }
  | { readonly isGood: false; readonly code: number | undefined; readonly message: string }

const timeoutMilliseconds = 30_000

export interface CloudflareRequest {
  /** Below the account, such as `d1/database?name=workflows`. */
  readonly path: string
  /** With one the method is POST, without one GET. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks Cloudflare's API of an account. Never throws: https://developers.cloudflare.com/api/ */
export async function askCloudflare(
  { accountId, apiToken, apiUrl = 'https://api.cloudflare.com/client/v4' }: Account,
  { path, body, headers = {} }: CloudflareRequest,
): Promise<CloudflareAnswer> {
  const response = await fetch(`${apiUrl}/accounts/${encodeURIComponent(accountId)}/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...headers, Authorization: `Bearer ${apiToken}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMilliseconds),
  }).catch(() => undefined)
  if (response === undefined) return { isGood: false, code: undefined, message: 'It did not answer.' }
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && isRecord(answer) && answer['success'] === true) return { isGood: true, result: answer['result'] }
  const { code, message } = errorIn(answer)
  return { isGood: false, code, message: `It answered ${response.status}: ${message}` }
}

function errorIn(answer: unknown): { readonly code: number | undefined; readonly message: string } {
  const errors = isRecord(answer) ? answer['errors'] : undefined
  const first: unknown = Array.isArray(errors) ? errors.at(0) : undefined
  const { code, message } = isRecord(first) ? first : {}
  return {
    code: typeof code === 'number' ? code : undefined,
    message: typeof message === 'string' ? message : 'nothing that can be read',
  }
}
