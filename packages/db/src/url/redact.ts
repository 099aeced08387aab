import type { Span } from './fault.ts'
import { isOptionName } from './option-names.ts'
import { type OptionPart, splitOptions } from './parts.ts'
import { schemeIn, type UrlKind } from './scheme.ts'

const mask = '***'
/** Beyond this the whole text is hidden; no URL of a database is that long. */
export const longestUrl = 8192

/**
 * The URL with `***` for its password, its token and whatever may be one. Works on the text, not on a parsed URL, so
 * that it is safe for a URL that has no meaning at all: rather too much is hidden than too little.
 */
export function redact(source: string): string {
  return show(source, secretSpans(source))
}

/** The redacted URL and, on the next line, carets under the part at fault; one caret where something is missing. */
export function pointAt(source: string, at: Span): string {
  const secrets = secretSpans(source)
  // A caret never stands inside a `***`: it would tell where in the password the fault is.
  const touched = secrets.filter(({ start, end }) => start < at.end && at.start < end)
  const start = Math.min(at.start, ...touched.map((span) => span.start))
  const end = Math.max(at.end, ...touched.map((span) => span.end))
  const before = show(
    source.slice(0, start),
    secrets.filter((span) => span.end <= start),
  )
  const until = show(
    source.slice(0, end),
    secrets.filter((span) => span.end <= end),
  )
  const carets = Math.max(1, columns(until) - columns(before))
  return `${show(source, secrets)}\n${' '.repeat(columns(before))}${'^'.repeat(carets)}`
}

function show(source: string, secrets: readonly Span[]): string {
  let shown = ''
  let from = 0
  for (const { start, end } of secrets) {
    shown += source.slice(from, start) + mask
    from = end
  }
  shown += source.slice(from)
  // A line break or a terminal's control code in the URL must not break the message.
  return shown.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
}

function columns(text: string): number {
  return Array.from(text).length
}

function secretSpans(source: string): readonly Span[] {
  if (source === '') return []
  const begin = bodyBegin(source)
  if (begin === undefined || source.length > longestUrl) return [{ start: 0, end: source.length }]
  const { kind, bodyStart } = begin
  const credentials = credentialSpan(source, bodyStart, kind)
  const options = splitOptions(source, optionsStart(source, credentials?.end ?? bodyStart)).flatMap(optionSecrets)
  return credentials === undefined ? options : [credentials, ...options]
}

function optionsStart(source: string, from: number): number {
  // The credentials may have swallowed the question mark, see passwordEnd.
  if (source[from] === '&') return from + 1
  const query = source.indexOf('?', from)
  return query === -1 ? source.length : query + 1
}

/** Where the scheme ends, also one that is not known as long as `//` follows it. */
function bodyBegin(source: string): { kind: UrlKind | undefined; bodyStart: number } | undefined {
  const scheme = schemeIn(source)
  if (scheme !== undefined) return scheme
  const prefix = /^[a-z][\w.+-]*:\/\//i.exec(source)
  return prefix === null ? undefined : { kind: undefined, bodyStart: prefix[0].length }
}

function credentialSpan(source: string, bodyStart: number, kind: UrlKind | undefined): Span | undefined {
  const body = source.slice(bodyStart)
  const isFile = kind === 'sqlite' || kind === 'file'
  const at = body.lastIndexOf('@')
  if (at === -1) return kind === 'file' ? undefined : brokenPort(source, bodyStart)
  const colon = body.slice(0, at).indexOf(':')
  if (colon !== -1) return { start: bodyStart + colon + 1, end: passwordEnd(source, bodyStart + colon, bodyStart + at) }
  // Only a server's user is no secret: a lone word before the `@` of another URL is a token.
  const isUser = kind === 'postgres' || kind === 'mysql' || isFile
  return isUser ? undefined : { start: bodyStart, end: bodyStart + at }
}

/** The last `@` of all, or the end of an option's value that this `@` may belong to. */
function passwordEnd(source: string, start: number, at: number): number {
  if (!/\?[\w.-]+=/.test(source.slice(start, at))) return at
  const ampersand = source.indexOf('&', at)
  return ampersand === -1 ? source.length : ampersand
}

/** `scheme://user:password` without a host: what stands for a port, and is none, may be a password. */
function brokenPort(source: string, bodyStart: number): Span | undefined {
  const body = source.slice(bodyStart)
  const host = /^(?:\[[^\]/?#]*\])?[^:/?]*/.exec(body)?.[0] ?? ''
  const rest = body.slice(host.length)
  if (!rest.startsWith(':') || rest.startsWith(':memory:')) return undefined
  const port = /^:(\d{0,5})(?=[/?]|$)/.exec(rest)
  if (port !== null && Number(port[1]) <= 65_535) return undefined
  return { start: bodyStart + host.length + 1, end: source.length }
}

function optionSecrets({ name, nameSpan, valueSpan, span, source }: OptionPart): readonly Span[] {
  if (!/^\w[\w.-]{0,40}$/.test(name)) return [span]
  const hasValue = valueSpan.start > nameSpan.end
  if (!isOptionName(name)) return [hasValue ? valueSpan : span]
  return hasValue && isSecretValue(name, source.slice(valueSpan.start, valueSpan.end)) ? [valueSpan] : []
}

function isSecretValue(name: string, value: string): boolean {
  if (name === 'authToken') return true
  // A TLS object may carry a private key or its passphrase.
  return (
    name === 'ssl' &&
    !/^(?:[\w-]*|[^\w]*(?:%7B)?(?:"|%22)rejectUnauthorized(?:"|%22)(?::|%3A)\w*(?:\}|%7D))$/i.test(value)
  )
}
