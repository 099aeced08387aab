import { type Span, UrlFault } from './fault.ts'
import { readConnectionOptions, readOptions } from './options.ts'
import { splitFileUrl, type GivenOptions } from './parts.ts'
import type { ConnectionOptions } from './target.ts'

export interface BindingPlace {
  /** As wrangler's configuration names it. */
  readonly binding: string
  readonly span: Span
  readonly options: ConnectionOptions
  readonly given: GivenOptions
}

/** `d1://BINDING` and `hyperdrive://BINDING`: what wrangler's configuration calls the binding, and options. */
export function readBinding(source: string, bodyStart: number, example: string): BindingPlace {
  const { path: span, options: parts } = splitFileUrl(source, bodyStart)
  const binding = source.slice(span.start, span.end)
  if (!/^[A-Za-z_$][\w$]{0,127}$/.test(binding)) throw noBinding(binding, span, example)
  const given = readOptions(parts)
  const options = readConnectionOptions(given, 'disable')
  return { binding, span, given, options: { ...options, tlsMode: 'disable', tlsCaFile: undefined } }
}

function noBinding(binding: string, span: Span, example: string): UrlFault {
  return new UrlFault(
    span,
    binding === '' ? 'DATABASE_URL names no binding' : "DATABASE_URL's binding is not a name that a binding can have",
    'A binding is named by letters, digits and underscores, in the case that wrangler.toml has.',
    `Write ${example}.`,
  )
}

/** The id of a deployed D1 database, as `wrangler d1 list` shows it. */
export function readDatabaseId(given: GivenOptions): string | undefined {
  const option = given.get('id')
  if (option === undefined) return undefined
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(option.value)) return option.value.toLowerCase()
  throw new UrlFault(
    option.part.valueSpan,
    "DATABASE_URL's option id is not the id of a D1 database",
    'An id is a UUID: 32 hexadecimal digits with hyphens between.',
    'Copy it from `wrangler d1 list` or from database_id in wrangler.toml.',
  )
}
