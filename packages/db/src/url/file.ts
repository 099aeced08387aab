import { type Span, UrlFault } from './fault.ts'
import { readConnectionOptions, readOptions } from './options.ts'
import { splitFileUrl, type GivenOptions } from './parts.ts'
import { decodePart } from './percent.ts'
import type { ConnectionOptions } from './target.ts'

const example =
  'Write sqlite:///./workflows.db for a file beside you, sqlite:////srv/workflows.db for an absolute path.'

export interface FilePlace {
  readonly path: string
  readonly options: ConnectionOptions
  readonly given: GivenOptions
}

/** `sqlite:///relative` and `sqlite:////absolute`: the path is what follows the third slash. */
export function readSqliteFile(source: string, bodyStart: number): FilePlace {
  const { path } = splitFileUrl(source, bodyStart)
  const body = source.slice(path.start, path.end)
  if (body === '' || /^\/?(?::|%3a)memory(?::|%3a)$/i.test(body) || body === '/') throw inMemory(path)
  if (body.startsWith('/')) return readPath(source, { start: path.start + 1, end: path.end })
  throw new UrlFault(
    { start: path.start, end: path.end },
    'DATABASE_URL names a host for a SQLite file',
    'Two slashes are followed by a host, and a file has none: three slashes make a relative path, four an absolute one.',
    example,
  )
}

/** `file:relative`, `file:/absolute`, `file:///absolute` or `file://localhost/absolute`, as SQLite's own URIs are. */
export function readFileUri(source: string, bodyStart: number): FilePlace {
  const { path } = splitFileUrl(source, bodyStart)
  const body = source.slice(path.start, path.end)
  const authority = /^\/\/([^/]*)/.exec(body)?.[1]
  if (authority === undefined) return readPath(source, path)
  if (authority !== '' && authority.toLowerCase() !== 'localhost') {
    const start = path.start + 2
    throw new UrlFault(
      { start, end: start + authority.length },
      'DATABASE_URL names a host for a file',
      'A file has no host: file:///srv/x.db is absolute, file:x.db relative.',
      example,
    )
  }
  const lead = /^\/\/[^/]*\/*(?=\/|$)/.exec(body)?.[0].length ?? 0
  return readPath(source, { start: path.start + lead, end: path.end })
}

function readPath(source: string, span: Span): FilePlace {
  const path = decodePart(source, span, 'path')
  if (path === '' || path.toLowerCase() === ':memory:') throw inMemory(span)
  if (/(?:^|\/)\.{0,2}$/.test(path)) throw directory(span)
  const parts = splitFileUrl(source, span.start).options
  const memoryMode = parts.find(
    (part) => part.name === 'mode' && source.slice(part.valueSpan.start, part.valueSpan.end) === 'memory',
  )
  if (memoryMode !== undefined) throw inMemory(memoryMode.span)
  const given = readOptions(parts)
  const options = readConnectionOptions(given, 'disable')
  return { path, given, options: { ...options, tlsMode: 'disable', tlsCaFile: undefined } }
}

function inMemory(span: Span): UrlFault {
  return new UrlFault(
    span,
    'DATABASE_URL asks for a SQLite database in memory',
    'Such a database belongs to one connection and ends with it: every connection of the pool would see another, empty one.',
    example,
  )
}

function directory(span: Span): UrlFault {
  return new UrlFault(span, 'DATABASE_URL names a directory', 'A SQLite database is a file.', example)
}
