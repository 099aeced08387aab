import { isLoopback, readAddress } from './address.ts'
import { type Span, UrlFault } from './fault.ts'
import { readConnectionOptions, readOptions } from './options.ts'
import { splitServerUrl, type UrlParts, type GivenOptions } from './parts.ts'
import type { Scheme } from './scheme.ts'
import type { ConnectionOptions, UrlEnvironment } from './target.ts'

const example = 'libsql://HOST?authToken=TOKEN'

export interface LibsqlPlace {
  readonly url: string
  readonly authToken: string | undefined
  readonly options: ConnectionOptions
  readonly given: GivenOptions
  readonly isTokenInClear: boolean
}

/** libSQL over HTTP. The token is the URL's, else the environment's; neither may be part of a header line break. */
export function readLibsql(source: string, scheme: Scheme, env: UrlEnvironment): LibsqlPlace {
  const parts = splitServerUrl(source, scheme.bodyStart)
  refuseParts(parts)
  const address = readAddress(source, parts.address, example)
  const transport = readTransport(scheme, address.host)
  const given = readOptions(parts.options)
  const authToken = readToken(given, env, { start: source.length, end: source.length })
  const tlsMode = transport === 'https' ? 'verify-full' : 'disable'
  const options = readConnectionOptions(given, tlsMode)

  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `${transport}://${host}${address.port === undefined ? '' : `:${address.port}`}`,
    authToken,
    given,
    options: { ...options, tlsMode, tlsCaFile: undefined },
    isTokenInClear: authToken !== undefined && transport === 'http' && !isLoopback(address.host),
  }
}

function refuseParts({ user, password, path }: UrlParts): void {
  if (user !== undefined) {
    const span = { start: user.start, end: password?.end ?? user.end }
    const reason = 'libSQL knows no users: a token opens it.'
    throw new UrlFault(
      span,
      'DATABASE_URL has a user or password for libSQL',
      reason,
      `Write ${example}, or set DATABASE_AUTH_TOKEN.`,
    )
  }
  if (path === undefined || path.start === path.end) return
  const reason = 'The host alone tells which database it is.'
  const fix = `Write ${example}. A file is sqlite:///./workflows.db.`
  throw new UrlFault(path, 'DATABASE_URL has a path for libSQL', reason, fix)
}

function readTransport({ kind, driver, span }: Scheme, host: string): 'https' | 'http' {
  if (kind === 'libsql') return driver === 'http' ? 'http' : 'https'
  if (kind === 'https' && host.endsWith('.turso.io')) return 'https'
  if (kind === 'http' && isLoopback(host)) return 'http'
  throw new UrlFault(
    span,
    'DATABASE_URL is a web address that is not known to be a libSQL server',
    kind === 'https' ? 'https:// alone is taken for hosts under .turso.io.' : 'http:// alone is taken on loopback.',
    `If it is one, write libsql+${kind}:// in place of ${kind}://.`,
  )
}

function readToken(given: GivenOptions, env: UrlEnvironment, end: Span): string | undefined {
  const option = given.get('authToken')
  // Mounted secrets end in a line break.
  const fromUrl = option?.value.trim()
  const token = fromUrl === undefined || fromUrl === '' ? env.DATABASE_AUTH_TOKEN?.trim() : fromUrl
  if (token === undefined || token === '') return undefined
  if (/^[\x21-\x7e]+$/.test(token)) return token
  const isFromUrl = token === fromUrl
  throw new UrlFault(
    isFromUrl && option !== undefined ? option.part.valueSpan : end,
    `${isFromUrl ? "DATABASE_URL's authToken" : 'DATABASE_AUTH_TOKEN'} cannot be sent`,
    'A token goes into an HTTP header and has printable ASCII characters without blanks.',
    'Copy the token again, whole and alone.',
  )
}
