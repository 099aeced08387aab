import { type Span, UrlFault } from './fault.ts'
import { readConnectionOptions, readOptions } from './options.ts'
import { splitServerUrl, type UrlParts, type GivenOptions } from './parts.ts'
import { decodePart } from './percent.ts'
import type { ServerAddress } from './target.ts'
import { isLoopback, readAddress } from './address.ts'

interface ServerRule {
  readonly defaultPort: number
  readonly example: string
}

/** PostgreSQL's and MySQL's URLs: `user:password@host:port/database?options`. Only the password may be missing. */
export function readServer(
  source: string,
  bodyStart: number,
  rule: ServerRule,
): { address: ServerAddress; given: GivenOptions } {
  const parts = splitServerUrl(source, bodyStart)
  const user = readUser(source, parts, bodyStart, rule)
  const password = parts.password === undefined ? '' : decodePart(source, parts.password, 'password')
  const place = readAddress(source, parts.address, rule.example)
  const database = readDatabase(source, parts, rule)
  const given = readOptions(parts.options)
  const options = readConnectionOptions(given, isLoopback(place.host) ? 'prefer' : 'require')
  const address = { host: place.host, port: place.port ?? rule.defaultPort, database, user, password, options }
  return { address, given }
}

function readUser(source: string, parts: UrlParts, bodyStart: number, rule: ServerRule): string {
  const span = parts.user ?? { start: bodyStart, end: bodyStart }
  if (span.start === span.end) throw missing(span, 'user', rule)
  return decodePart(source, span, 'user')
}

function readDatabase(source: string, parts: UrlParts, rule: ServerRule): string {
  const span = parts.path ?? { start: parts.address.end, end: parts.address.end }
  if (span.start === span.end) throw missing(span, 'database', rule)
  const slash = source.slice(span.start, span.end).indexOf('/')
  if (slash === -1) return decodePart(source, span, 'database')
  throw new UrlFault(
    { start: span.start + slash, end: span.start + slash + 1 },
    "DATABASE_URL's database name has a slash",
    'One name follows the host, without a slash behind it.',
    'Leave the slash out; one that belongs to the name is written %2F.',
  )
}

function missing(at: Span, part: 'user' | 'database', { example }: ServerRule): UrlFault {
  const reason =
    part === 'user' ? 'A server is logged in to by name, in front of an @.' : 'Its name follows the host after a slash.'
  return new UrlFault(at, `DATABASE_URL names no ${part}`, reason, `Write ${example}.`)
}
