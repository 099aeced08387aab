import type { Span } from './fault.ts'
import { isOptionName, type OptionName } from './option-names.ts'

export interface OptionPart {
  readonly source: string
  readonly name: string
  readonly nameSpan: Span
  readonly valueSpan: Span
  readonly span: Span
}

/** A value, decoded, and where it stands. */
export interface GivenOption {
  readonly value: string
  readonly part: OptionPart
}

export type GivenOptions = ReadonlyMap<OptionName, GivenOption>

export interface UrlParts {
  readonly user: Span | undefined
  readonly password: Span | undefined
  /** What stands between credentials and path: `host:port`. */
  readonly address: Span
  /** Without its leading slash; undefined when there is no slash. */
  readonly path: Span | undefined
  readonly options: readonly OptionPart[]
}

/**
 * Splits what follows `scheme://` as SQLAlchemy's `make_url` does, with its older rule that the last `@` ends the
 * credentials, so that a password may hold `@ : / # ?` as they are. An `@` in an option is told from one in a password
 * by the complete address, path and known option name before it.
 */
export function splitServerUrl(source: string, bodyStart: number): UrlParts {
  const at = credentialsEnd(source, bodyStart)
  const addressStart = at === undefined ? bodyStart : at + 1
  const queryStart = indexOrEnd(source, '?', addressStart)
  const slash = source.indexOf('/', addressStart)
  const hasPath = slash !== -1 && slash < queryStart
  const colon = at === undefined ? -1 : source.slice(bodyStart, at).indexOf(':')
  return {
    user: at === undefined ? undefined : { start: bodyStart, end: colon === -1 ? at : bodyStart + colon },
    password: at === undefined || colon === -1 ? undefined : { start: bodyStart + colon + 1, end: at },
    address: { start: addressStart, end: hasPath ? slash : queryStart },
    path: hasPath ? { start: slash + 1, end: queryStart } : undefined,
    options: splitOptions(source, queryStart + 1),
  }
}

/** Splits what follows `sqlite://` or `file:`, where no credentials are: a path and options. */
export function splitFileUrl(source: string, bodyStart: number): { path: Span; options: readonly OptionPart[] } {
  const queryStart = indexOrEnd(source, '?', bodyStart)
  return { path: { start: bodyStart, end: queryStart }, options: splitOptions(source, queryStart + 1) }
}

/** The index of the `@` that ends the credentials. */
function credentialsEnd(source: string, bodyStart: number): number | undefined {
  const body = source.slice(bodyStart)
  const last = body.lastIndexOf('@')
  if (last === -1) return undefined
  for (let query = body.indexOf('?'); query !== -1 && query < last; query = body.indexOf('?', query + 1)) {
    const name = /^\w+(?==)/.exec(body.slice(query + 1))
    if (name === null || !isOptionName(name[0])) continue
    const before = body.slice(0, query)
    const at = before.lastIndexOf('@')
    if (!/^(?:\[[^\]/]+\]|[\w.-]+)(?::\d{1,5})?\/[^/]*$/.test(before.slice(at + 1))) continue
    return at === -1 ? undefined : bodyStart + at
  }
  return bodyStart + last
}

export function splitOptions(source: string, start: number): readonly OptionPart[] {
  const options: OptionPart[] = []
  for (let begin = start; begin < source.length;) {
    const end = indexOrEnd(source, '&', begin)
    if (end > begin) options.push(optionPart(source, begin, end))
    begin = end + 1
  }
  return options
}

function optionPart(source: string, start: number, end: number): OptionPart {
  const equals = indexOrEnd(source, '=', start)
  const nameEnd = Math.min(equals, end)
  return {
    source,
    name: source.slice(start, nameEnd),
    nameSpan: { start, end: nameEnd },
    valueSpan: { start: Math.min(nameEnd + 1, end), end },
    span: { start, end },
  }
}

function indexOrEnd(source: string, character: string, from: number): number {
  const index = source.indexOf(character, from)
  return index === -1 ? source.length : index
}
