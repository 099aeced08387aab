import { parseDatabaseUrl, type Target } from '@millrace/db/url'

export function targetOf(url: string): Target {
  const parsed = parseDatabaseUrl(url)
  if (!parsed.ok) throw new Error(`${parsed.error.what} ${parsed.error.why}`)
  return parsed.target
}
