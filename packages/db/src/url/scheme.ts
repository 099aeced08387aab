import { type Span, UrlFault } from './fault.ts'
import { nearestOf } from './nearest.ts'

export type UrlKind = 'sqlite' | 'file' | 'libsql' | 'https' | 'http' | 'postgres' | 'mysql' | 'd1' | 'hyperdrive'

interface SchemeRule {
  readonly kind: UrlKind
  readonly drivers: readonly string[]
}

const postgresDrivers = ['asyncpg', 'psycopg', 'psycopg_async', 'psycopg2', 'psycopg2cffi', 'pg8000']
const mysqlDrivers = [
  'aiomysql',
  'asyncmy',
  'pymysql',
  'mysqldb',
  'mysqlconnector',
  'mariadbconnector',
  'cymysql',
  'pyodbc',
]

/** The drivers are SQLAlchemy's for each dialect; libSQL's name its transport. */
const schemeRules: ReadonlyMap<string, SchemeRule> = new Map<string, SchemeRule>([
  ['sqlite', { kind: 'sqlite', drivers: ['aiosqlite', 'pysqlite'] }],
  ['file', { kind: 'file', drivers: [] }],
  ['libsql', { kind: 'libsql', drivers: ['https', 'http'] }],
  ['https', { kind: 'https', drivers: [] }],
  ['http', { kind: 'http', drivers: [] }],
  ['postgresql', { kind: 'postgres', drivers: postgresDrivers }],
  ['postgres', { kind: 'postgres', drivers: postgresDrivers }],
  ['mysql', { kind: 'mysql', drivers: mysqlDrivers }],
  ['mariadb', { kind: 'mysql', drivers: mysqlDrivers }],
  ['d1', { kind: 'd1', drivers: [] }],
  ['hyperdrive', { kind: 'hyperdrive', drivers: [] }],
])

const knownForms =
  'Write sqlite:///./workflows.db, libsql://HOST, postgresql://USER:PASSWORD@HOST/DATABASE, mysql://USER:PASSWORD@HOST/DATABASE, d1://BINDING or hyperdrive://BINDING.'

const mostEditsOfATypo = 3

export interface Scheme {
  readonly kind: UrlKind
  readonly driver: string | undefined
  readonly span: Span
  /** Where the text after `scheme://` begins; after `file:` for files. */
  readonly bodyStart: number
}

/** Reads `scheme[+driver]://`, in any case. */
export function readScheme(source: string): Scheme {
  const written = /^([a-z][\w.-]*)(?:\+([\w.+-]*))?:/i.exec(source)
  if (written === null) {
    const whole = { start: 0, end: source.length }
    throw new UrlFault(whole, 'DATABASE_URL is not a URL', 'It does not begin with a scheme and a colon.', knownForms)
  }
  const [{ length }, name = '', driver] = written
  const rule = schemeRules.get(name.toLowerCase())
  if (rule === undefined) throw unknownScheme(name)
  if (driver !== undefined && !rule.drivers.includes(driver.toLowerCase())) throw unknownDriver(name, driver, rule)

  const span = { start: 0, end: length - 1 }
  const scheme = { kind: rule.kind, driver: driver?.toLowerCase(), span }
  if (rule.kind === 'file') return { ...scheme, bodyStart: length }
  if (source.startsWith('//', length)) return { ...scheme, bodyStart: length + 2 }
  throw new UrlFault(
    { start: length - 1, end: length },
    'DATABASE_URL lacks the two slashes after its scheme',
    'The scheme is followed by ://.',
    knownForms,
  )
}

/** The same, undefined for what is wrong. */
export function schemeIn(source: string): Scheme | undefined {
  try {
    return readScheme(source)
  } catch (thrown) {
    if (thrown instanceof UrlFault) return undefined
    throw thrown
  }
}

function unknownScheme(name: string): UrlFault {
  const { name: nearest, edits } = nearestOf(name, [...schemeRules.keys()])
  const guess = edits <= mostEditsOfATypo ? `Did you mean ${nearest}? ` : ''
  return new UrlFault(
    { start: 0, end: name.length },
    'DATABASE_URL has a scheme that is not known',
    'Databases reached are SQLite, libSQL, Cloudflare D1, PostgreSQL and MySQL or MariaDB.',
    guess + knownForms,
  )
}

function unknownDriver(name: string, driver: string, rule: SchemeRule): UrlFault {
  const start = name.length + 1
  const known = rule.drivers.map((each) => `+${each}`).join(', ')
  return new UrlFault(
    { start: driver === '' ? start - 1 : start, end: start + driver.length },
    'DATABASE_URL names a driver that is not known',
    known === '' ? 'This scheme takes no driver.' : `Accepted, and not needed, are ${known}.`,
    'Leave out the + and the driver after it.',
  )
}
