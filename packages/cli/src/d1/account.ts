import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'

/** What opens Cloudflare's API; wrangler reads the same variables. */
export interface Account {
  readonly accountId: string
  readonly apiToken: string
  readonly apiUrl: string | undefined
}

/** @throws Failure where a variable is missing */
export function readAccount(context: Context): Account {
  const environment = { ...process.env, ...context.environment() }
  const accountId = environment['CLOUDFLARE_ACCOUNT_ID']
  const apiToken = environment['CLOUDFLARE_API_TOKEN']
  const missing = [accountId ? '' : 'CLOUDFLARE_ACCOUNT_ID', apiToken ? '' : 'CLOUDFLARE_API_TOKEN'].filter(Boolean)
  if (accountId && apiToken) return { accountId, apiToken, apiUrl: environment['CLOUDFLARE_API_BASE_URL'] || undefined }
  throw new Failure('settings_invalid', {
    what: 'A deployed D1 database is reached by the API of Cloudflare, which needs an account and a token.',
    why: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`,
    fix: 'Set CLOUDFLARE_ACCOUNT_ID (`wrangler whoami` shows it) and CLOUDFLARE_API_TOKEN, a token with the permission D1 Edit.',
  })
}
