import { type Span, UrlFault } from './fault.ts'

export interface Address {
  /** In lower case; an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number | undefined
}

/** Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`. An empty port is the default one, as for SQLAlchemy. */
export function readAddress(source: string, span: Span, example: string): Address {
  const text = source.slice(span.start, span.end)
  const [, bracketed, name = '', , port] = /^(?:\[([^\]]*)\]|([^:]*))(:(.*))?$/s.exec(text) ?? []
  if ((name === '' || name.includes('[')) && bracketed === undefined) throw unreadableHost(text, span, example)
  const host = (bracketed ?? name).toLowerCase()
  const hostSpan = { start: span.start, end: span.start + host.length + (bracketed === undefined ? 0 : 2) }
  if (!(bracketed === undefined ? isHostName(host) : isIpv6(host))) throw invalidHost(hostSpan, host, example)
  if (port === undefined || port === '') return { host, port: undefined }
  const number = Number(port)
  if (/^\d{1,5}$/.test(port) && number >= 1 && number <= 65_535) return { host, port: number }
  throw invalidPort(port, { start: hostSpan.end + 1, end: span.end })
}

function unreadableHost(text: string, span: Span, example: string): UrlFault {
  if (text === '' || /^:[^:]*$/.test(text)) {
    const start = { start: span.start, end: span.start }
    return new UrlFault(
      start,
      'DATABASE_URL names no host',
      'Databases are reached over the network only.',
      `Write ${example}.`,
    )
  }
  return invalidHost(span, text, example)
}

function invalidHost(span: Span, host: string, example: string): UrlFault {
  if (host.includes(',')) {
    return new UrlFault(span, 'DATABASE_URL names several hosts', 'One database is used.', 'Name the primary alone.')
  }
  return new UrlFault(
    span,
    "DATABASE_URL's host is neither a host name nor an IP address",
    'A host name consists of letters, digits, dots, hyphens and underscores; write an IPv6 address in brackets.',
    `Write ${example}, with [::1] for an IPv6 address; percent-encode @ : / ? # in the password.`,
  )
}

function invalidPort(port: string, span: Span): UrlFault {
  return new UrlFault(
    span,
    "DATABASE_URL's port is not a port number",
    `A port is a number from 1 to 65535${/\D/.test(port) ? ', and a password is followed by an @ and the host' : ''}.`,
    'Write the number of the port, or leave it out with its colon for the default one.',
  )
}

function isHostName(host: string): boolean {
  return (
    host.length <= 253 && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/.test(host)
  )
}

function isIpv6(host: string): boolean {
  return URL.canParse(`http://[${host.replace(/%(?:25)?[\w.-]+$/, '')}]/`)
}

/** Whether a host, in a URL's brackets or without, is this machine: `localhost`, a name under it, 127.0.0.0/8 or ::1. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (/^(?:.+\.)?localhost\.?$/.test(host) || /^127(?:\.\d{1,3}){3}$/.test(host)) return true
  if (!host.includes(':') || !URL.canParse(`http://[${host}]/`)) return false
  const { hostname: shortest } = new URL(`http://[${host}]/`)
  return shortest === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:/.test(shortest)
}
