import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { readAccount, type Account } from './account.ts'

const timeoutMilliseconds = 30_000

/** The id of the account's D1 database of this name; undefined where there is none. */
export async function findD1(context: Context, name: string): Promise<string | undefined> {
  const account = readAccount(context)
  const found = await ask(account, `?name=${encodeURIComponent(name)}&per_page=100`)
  const databases = Array.isArray(found) ? found.filter(isRecord) : []
  return databases.map((database) => (database['name'] === name ? idOf(database) : undefined)).find(Boolean)
}

/** Creates a D1 database. Gives its id. */
export async function createD1(context: Context, name: string): Promise<string> {
  const created = await ask(readAccount(context), '', { name })
  const id = isRecord(created) ? idOf(created) : undefined
  if (id !== undefined) return id
  throw refused(`It answered without the id of the new database ${name}.`)
}

function idOf({ uuid }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof uuid === 'string' ? uuid : undefined
}

/** https://developers.cloudflare.com/api/resources/d1/subresources/database/ */
async function ask({ accountId, apiToken, apiUrl }: Account, query: string, body?: object): Promise<unknown> {
  const base = apiUrl ?? 'https://api.cloudflare.com/client/v4'
  const response = await fetch(`${base}/accounts/${encodeURIComponent(accountId)}/d1/database${query}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: `Bearer ${apiToken}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMilliseconds),
  }).catch(() => undefined)
  if (response === undefined) throw refused('It did not answer.')
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && isRecord(answer) && answer['success'] === true) return answer['result']
  throw refused(`It answered ${response.status}: ${messageIn(answer)}`)
}

function messageIn(answer: unknown): string {
  const errors = isRecord(answer) ? answer['errors'] : undefined
  const first: unknown = Array.isArray(errors) ? errors.at(0) : undefined
  return isRecord(first) && typeof first['message'] === 'string' ? first['message'] : 'nothing that can be read'
}

function refused(why: string): Failure {
  return new Failure('database_unreachable', {
    what: 'The API of Cloudflare did not give the D1 database.',
    why,
    fix: 'Check CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN (permission D1 Edit), and run this again.',
  })
}
