import type { Account } from '../cloudflare-api.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'

/** @throws Failure where a variable is missing */
export function readAccount(context: Context): Account {
  const account = accountIfSet(context)
  if (!('missing' in account)) return account
  const { missing } = account
  throw new Failure('settings_invalid', {
    what: 'A deployed D1 database is reached by the API of Cloudflare, which needs an account and a token.',
    why: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`,
    fix: 'Set CLOUDFLARE_ACCOUNT_ID (`wrangler whoami` shows it) and CLOUDFLARE_API_TOKEN, a token with the permission D1 Edit.',
  })
}

/** The account of the variables, or which of them are not set. */
export function accountIfSet(context: Context): Account | { readonly missing: readonly string[] } {
  const environment = { ...process.env, ...context.environment() }
  const accountId = environment['CLOUDFLARE_ACCOUNT_ID']
  const apiToken = environment['CLOUDFLARE_API_TOKEN']
  if (accountId && apiToken) return { accountId, apiToken, apiUrl: environment['CLOUDFLARE_API_BASE_URL'] || undefined }
  return {
    missing: [accountId ? '' : 'CLOUDFLARE_ACCOUNT_ID', apiToken ? '' : 'CLOUDFLARE_API_TOKEN'].filter(Boolean),
  }
}
