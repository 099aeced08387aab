import { membersIn } from './json.ts'

/** wrangler's own line of a request: its path and status; the functions' line says more. */
const wranglersRequest = /^\[wrangler:\w+\] [A-Z]+ (\S+) (\d{3}) /
const indent = ' '.repeat(9)

/**
 * A line of the functions or of wrangler as people read it: an entry of JSON in words, anything else as it is; undefined
 * for what another line says already.
 */
export function readableLine(line: string, at: Date): string | undefined {
  const [isWranglers, path, status] = wranglersRequest.exec(line) ?? []
  // Of what is not there the functions' line has the route's pattern alone, or none.
  if (isWranglers !== undefined) return status === '404' ? indented(`path ${path ?? ''}`) : undefined
  const entry = entryOf(line)
  return entry === undefined ? line : readableEntry(entry, at)
}

/** An entry of the functions' log or the gateway's in words, the time of day first. */
export function readableEntry(entry: Readonly<Record<string, unknown>>, at: Date): string {
  const { level, event, cause, cure, ...rest } = entry
  const [first, ...more] = wordsOf(String(event), String(level), rest)
  const reasons = [
    cause === undefined ? [] : [`cause: ${text(cause)}`],
    cure === undefined ? [] : [`fix: ${text(cure)}`],
  ]
  const lines = [
    `${timeOf(at)} ${(first ?? '').replaceAll('\n', `\n${indent}`)}`,
    ...[...more, ...reasons.flat()].map(indented),
  ]
  return lines.join('\n')
}

function entryOf(line: string): Readonly<Record<string, unknown>> | undefined {
  return line.startsWith('{"level":') ? membersIn(line) : undefined
}

/** The first line, and what stands below it. */
function wordsOf(event: string, level: string, entry: Readonly<Record<string, unknown>>): readonly string[] {
  const { milliseconds, requestId, statement, parameters, message } = entry
  switch (event) {
    case 'request':
      return 'route' in entry && 'trips' in entry ? [requestWords(entry, level)] : [`${level}: ${text(message)}`]
    case 'trip':
      return [`  sql ${text(milliseconds)} ms  ${statementWords(statement, parameters)}`]
    case 'slow_query':
      return [
        `SLOW QUERY ${text(milliseconds)} ms  (request ${text(requestId)})`,
        statementWords(statement, parameters),
      ]
    default:
      if (message !== undefined) return [`${level}: ${text(message)}`]
      return [`${level}: ${event.replaceAll('_', ' ')}${membersOf(entry)}`]
  }
}

function requestWords(entry: Readonly<Record<string, unknown>>, level: string): string {
  const { method, route, status, milliseconds, databaseMilliseconds, trips, code, requestId } = entry
  const what = `${text(method).padEnd(6)} ${text(route)}  ${text(status)}${code === undefined ? '' : ` ${text(code)}`}`
  const tripWords = trips === 1 ? '1 round trip' : `${text(trips)} round trips`
  const database = trips === 0 ? '' : ` of ${text(databaseMilliseconds)} ms`
  const which = level === 'info' ? '' : `  (request ${text(requestId)})`
  return `${what}  ${text(milliseconds)} ms, ${tripWords}${database}${which}`
}

function statementWords(statement: unknown, parameters: unknown): string {
  const types = Array.isArray(parameters) && parameters.length > 0 ? `  [${parameters.join(', ')}]` : ''
  return `${text(statement)}${types}`
}

function membersOf(entry: Readonly<Record<string, unknown>>): string {
  return Object.entries(entry)
    .map(([name, value]) => `, ${name} ${text(value)}`)
    .join('')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function indented(words: string): string {
  return `${indent}${words.replaceAll('\n', `\n${indent}`)}`
}

function timeOf(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}
