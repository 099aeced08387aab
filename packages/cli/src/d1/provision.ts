import { askCloudflare } from '../cloudflare-api.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { readAccount } from './account.ts'

/** The id of the account's D1 database of this name; undefined where there is none. */
export async function findD1(context: Context, name: string): Promise<string | undefined> {
  const found = await ask(context, `?name=${encodeURIComponent(name)}&per_page=100`)
  const databases = Array.isArray(found) ? found.filter(isRecord) : []
  return databases.map((database) => (database['name'] === name ? idOf(database) : undefined)).find(Boolean)
}

/** Creates a D1 database. Gives its id. */
export async function createD1(context: Context, name: string): Promise<string> {
  const created = await ask(context, '', { name })
  const id = isRecord(created) ? idOf(created) : undefined
  if (id !== undefined) return id
  throw refused(`It answered without the id of the new database ${name}.`)
}

function idOf({ uuid }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof uuid === 'string' ? uuid : undefined
}

/** https://developers.cloudflare.com/api/resources/d1/subresources/database/ */
async function ask(context: Context, query: string, body?: object): Promise<unknown> {
  const answer = await askCloudflare(readAccount(context), { path: `d1/database${query}`, ...(body && { body }) })
  if (answer.isGood) return answer.result
  throw refused(answer.message)
}

function refused(why: string): Failure {
  return new Failure('database_unreachable', {
    what: 'The API of Cloudflare did not give the D1 database.',
    why,
    fix: 'Check CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN (permission D1 Edit), and run this again.',
  })
}
