import { type FilePlace, readFileUri, readSqliteFile } from './file.ts'
import { UrlFault } from './fault.ts'
import { readBinding, readDatabaseId } from './binding.ts'
import { readHyperdrive } from './hyperdrive.ts'
import { readLibsql } from './libsql.ts'
import type { OptionName } from './option-names.ts'
import type { GivenOptions } from './parts.ts'
import { longestUrl } from './redact.ts'
import { readScheme, type Scheme, type UrlKind } from './scheme.ts'
import { readServer } from './server.ts'
import type { Target, UrlEnvironment } from './target.ts'

export interface ReadTarget {
  readonly target: Target
  readonly notices: readonly string[]
}

/** Each kind of URL's reader. */
const readers: Readonly<Record<UrlKind, (source: string, scheme: Scheme, env: UrlEnvironment) => ReadTarget>> = {
  sqlite: (source, { bodyStart }) => fileTarget(readSqliteFile(source, bodyStart)),
  file: (source, { bodyStart }) => fileTarget(readFileUri(source, bodyStart)),
  libsql: libsqlTarget,
  https: libsqlTarget,
  http: libsqlTarget,
  postgres: postgresTarget,
  mysql: mysqlTarget,
  d1: d1Target,
  hyperdrive: hyperdriveTarget,
}

export function readTarget(source: string, env: UrlEnvironment): ReadTarget {
  if (source.length > longestUrl) throw tooLong(source)
  const scheme = readScheme(source)
  return readers[scheme.kind](source, scheme, env)
}

function tooLong(source: string): UrlFault {
  const whole = { start: 0, end: source.length }
  const reason = `It has more than ${longestUrl} characters.`
  return new UrlFault(whole, 'DATABASE_URL is too long', reason, 'Check what was put into it.')
}

function fileTarget({ path, options, given }: FilePlace): ReadTarget {
  refuseStray(given, ['driver', 'authToken', 'id'], 'a SQLite file')
  const target: Target = { dialect: 'sqlite', via: 'file', path, options }
  return { target, notices: ignoredNotice(given, [...tlsOptions, 'charset'], 'a SQLite file') }
}

function libsqlTarget(source: string, scheme: Scheme, env: UrlEnvironment): ReadTarget {
  const place = readLibsql(source, scheme, env)
  const { url, authToken, options, given } = place
  refuseStray(given, ['driver', 'id'], 'libSQL')
  const notices = ignoredNotice(given, [...tlsOptions, 'charset'], 'libSQL over HTTP')
  const target: Target = { dialect: 'sqlite', via: 'libsql', url, authToken, options }
  return { target, notices: place.isTokenInClear ? [...notices, clearTokenNotice] : notices }
}

const clearTokenNotice =
  'DATABASE_URL sends its token unencrypted beyond this machine: write libsql:// once the server speaks TLS.'

function postgresTarget(source: string, scheme: Scheme): ReadTarget {
  const example = 'postgresql://USER:PASSWORD@HOST:5432/DATABASE'
  const server = readServer(source, scheme.bodyStart, { defaultPort: 5432, example })
  const { address, given } = server
  refuseStray(given, ['authToken', 'id'], 'PostgreSQL')
  refuseOtherDriver(given, 'neon')
  const via = given.has('driver') || address.host.endsWith('.neon.tech') ? 'neon' : 'gateway'
  const target: Target = { dialect: 'postgres', via, ...address }
  return { target, notices: ignoredNotice(given, ['charset'], 'PostgreSQL') }
}

function mysqlTarget(source: string, scheme: Scheme): ReadTarget {
  const example = 'mysql://USER:PASSWORD@HOST:3306/DATABASE'
  const server = readServer(source, scheme.bodyStart, { defaultPort: 3306, example })
  const { address, given } = server
  refuseStray(given, ['authToken', 'id'], 'MySQL')
  refuseOtherDriver(given, 'planetscale')
  const via = given.has('driver') || address.host.endsWith('.psdb.cloud') ? 'planetscale' : 'gateway'
  const target: Target = { dialect: 'mysql', via, ...address }
  return { target, notices: ignoredNotice(given, [], 'MySQL') }
}

function d1Target(source: string, { bodyStart }: Scheme): ReadTarget {
  const place = readBinding(source, bodyStart, 'd1://BINDING, such as d1://DB')
  const { binding, options, given } = place
  refuseStray(given, ['driver', 'authToken'], 'D1')
  const databaseId = readDatabaseId(given)
  const target: Target = { dialect: 'sqlite', via: 'd1', binding, databaseId, options }
  return { target, notices: ignoredNotice(given, [...tlsOptions, ...poolOptions, 'charset'], 'D1') }
}

function hyperdriveTarget(source: string, { bodyStart }: Scheme, env: UrlEnvironment): ReadTarget {
  const place = readHyperdrive(source, bodyStart, env)
  const { dialect, binding, address, given } = place
  refuseStray(given, ['driver', 'authToken', 'id'], 'Hyperdrive')
  const server = { via: 'hyperdrive', binding, ...address } as const
  const target: Target = dialect === 'postgres' ? { dialect, ...server } : { dialect, ...server }
  return { target, notices: ignoredNotice(given, [...tlsOptions, 'charset'], 'Hyperdrive') }
}

const poolOptions: readonly OptionName[] = [
  'pool_size',
  'max_overflow',
  'pool_timeout',
  'pool_recycle',
  'pool_pre_ping',
  'connect_timeout',
]
const tlsOptions: readonly OptionName[] = ['ssl', 'sslmode', 'sslaccept', 'ssl_ca', 'sslrootcert']
const ignoredOptions: readonly OptionName[] = ['channel_binding', 'application_name', 'options']

/** One sentence on all options that are taken and have no effect. */
function ignoredNotice(given: GivenOptions, withoutEffect: readonly OptionName[], database: string): readonly string[] {
  const ignored = [...given.keys()].filter((name) => ignoredOptions.includes(name) || withoutEffect.includes(name))
  return ignored.length === 0 ? [] : [`Without effect for ${database} in DATABASE_URL: ${ignored.join(', ')}.`]
}

const leadingOptions = {
  driver: 'It chooses Neon or PlanetScale over HTTP.',
  authToken: 'It is the token of libSQL over HTTP.',
  id: 'It is the id of a deployed D1 database.',
} satisfies Partial<Record<OptionName, string>>

/** An option that would change where the URL leads is never ignored. */
function refuseStray(given: GivenOptions, names: readonly (keyof typeof leadingOptions)[], database: string): void {
  for (const name of names) {
    const option = given.get(name)
    if (option === undefined) continue
    throw new UrlFault(
      option.part.span,
      `DATABASE_URL has the option ${name} for ${database}`,
      leadingOptions[name],
      'Leave it out.',
    )
  }
}

function refuseOtherDriver(given: GivenOptions, driver: 'neon' | 'planetscale'): void {
  const option = given.get('driver')
  if (option === undefined || option.value.toLowerCase() === driver) return
  throw new UrlFault(
    option.part.valueSpan,
    "DATABASE_URL's option driver has no value that it can have",
    `Here it is ${driver}; without it any other server is reached through the gateway.`,
    `Write driver=${driver} or leave it out.`,
  )
}
