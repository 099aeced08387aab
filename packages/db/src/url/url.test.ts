import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type ConnectionOptions,
  parseDatabaseUrl,
  redactUrl,
  type ServerAddress,
  type HyperdriveBinding,
  type UrlEnvironment,
} from './index.ts'

const defaults: ConnectionOptions = {
  poolSize: 5,
  maxOverflow: 10,
  poolTimeoutSeconds: 30,
  poolRecycleSeconds: 3600,
  poolPrePing: false,
  connectTimeoutSeconds: 10,
  tlsMode: 'require',
  tlsCaFile: undefined,
}

type Given = Partial<Omit<ServerAddress, 'options'>> & { options?: Partial<ConnectionOptions>; via?: string }

function server(dialect: string, port: number, { options, ...given }: Given) {
  const address = { host: 'h', port, database: 'db', user: 'u', password: 'p' }
  return { dialect, via: 'gateway', ...address, ...given, options: { ...defaults, ...options } }
}

const postgres = (given: Given = {}) => server('postgres', 5432, given)
const mysql = (given: Given = {}) => server('mysql', 3306, given)
const file = (path: string, options: Partial<ConnectionOptions> = {}) => ({
  dialect: 'sqlite',
  via: 'file',
  path,
  options: { ...defaults, tlsMode: 'disable', ...options },
})
const libsql = (url: string, authToken?: string, options: Partial<ConnectionOptions> = {}) => ({
  dialect: 'sqlite',
  via: 'libsql',
  url,
  authToken,
  options: { ...defaults, tlsMode: url.startsWith('https') ? 'verify-full' : 'disable', ...options },
})

type Good = readonly [url: string, target: unknown, notices?: readonly string[], env?: UrlEnvironment]

const files: readonly Good[] = [
  ['sqlite:///./workflows.db', file('./workflows.db')],
  ['sqlite:///workflows.db', file('workflows.db')],
  ['sqlite+aiosqlite:///./workflows.db', file('./workflows.db')],
  ['sqlite+pysqlite:///data/workflows.db', file('data/workflows.db')],
  ['SQLite+AioSQLite:///W.db', file('W.db')],
  ['  sqlite:///./workflows.db\n', file('./workflows.db')],
  ['sqlite:////srv/millrace/workflows.db', file('/srv/millrace/workflows.db')],
  ['sqlite:///../w%20x%3F%25.db', file('../w x?%.db')],
  ['sqlite:///C:\\data\\w.db', file('C:\\data\\w.db')],
  ['sqlite:///a@b:c#d.db', file('a@b:c#d.db')],
  ['sqlite:///%E2%82%AC.db', file('€.db')],
  ['sqlite:///memory.db', file('memory.db')],
  ['sqlite:///w.db?pool_size=2&pool_timeout=1.5', file('w.db', { poolSize: 2, poolTimeoutSeconds: 1.5 })],
  ['sqlite:///w.db?', file('w.db')],
  ['file:workflows.db', file('workflows.db')],
  ['file:./workflows.db', file('./workflows.db')],
  ['file:/srv/w.db', file('/srv/w.db')],
  ['file:///srv/w.db', file('/srv/w.db')],
  ['file:////srv/w.db', file('/srv/w.db')],
  ['FILE://localhost/srv/w%20x.db', file('/srv/w x.db')],
  ['sqlite:///w.db?charset=utf8mb4', file('w.db'), ['Without effect for a SQLite file in DATABASE_URL: charset.']],
  ['sqlite:///w.db?sslmode=require', file('w.db'), ['Without effect for a SQLite file in DATABASE_URL: sslmode.']],
]

const libsqls: readonly Good[] = [
  ['libsql://db-org.turso.io', libsql('https://db-org.turso.io')],
  ['libsql://DB-Org.Turso.io/', libsql('https://db-org.turso.io')],
  ['libsql://h:8443?authToken=eyJ.a-b_c', libsql('https://h:8443', 'eyJ.a-b_c')],
  ['libsql://h?authToken=a%2Bb+c', libsql('https://h', 'a+b+c')],
  ['libsql+https://h', libsql('https://h')],
  ['libsql+http://127.0.0.1:8080', libsql('http://127.0.0.1:8080')],
  ['libsql+http://sqld:8080', libsql('http://sqld:8080')],
  [
    'libsql+http://sqld:8080?authToken=t',
    libsql('http://sqld:8080', 't'),
    ['DATABASE_URL sends its token unencrypted beyond this machine: write libsql:// once the server speaks TLS.'],
  ],
  ['https://db.turso.io', libsql('https://db.turso.io')],
  ['http://localhost:8080', libsql('http://localhost:8080')],
  ['http://127.0.0.1:8080/?authToken=t', libsql('http://127.0.0.1:8080', 't')],
  ['http://[::1]:8080', libsql('http://[::1]:8080')],
  ['libsql://h', libsql('https://h', 'env'), [], { DATABASE_AUTH_TOKEN: ' env\n' }],
  ['libsql://h?authToken=url', libsql('https://h', 'url'), [], { DATABASE_AUTH_TOKEN: 'env' }],
  ['libsql://h?authToken=', libsql('https://h', 'env'), [], { DATABASE_AUTH_TOKEN: 'env' }],
  ['libsql://h', libsql('https://h'), [], { DATABASE_AUTH_TOKEN: '' }],
  ['libsql://h?pool_size=7', libsql('https://h', undefined, { poolSize: 7 })],
  ['libsql://h?ssl=true', libsql('https://h'), ['Without effect for libSQL over HTTP in DATABASE_URL: ssl.']],
]

const postgresqls: readonly Good[] = [
  ['postgresql://u:p@h/db', postgres()],
  ['postgres://u:p@h/db', postgres()],
  ['POSTGRESQL://u:p@H.Example.COM/db', postgres({ host: 'h.example.com' })],
  ['postgresql+asyncpg://u:p@h:5432/db', postgres()],
  ['postgresql+psycopg://u:p@h/db', postgres()],
  ['postgresql+psycopg2://u:p@h/db', postgres()],
  ['postgresql+pg8000://u:p@h/db', postgres()],
  ['postgres+AsyncPG://u:p@h/db', postgres()],
  ['postgresql://u:p@h:6543/db', postgres({ port: 6543 })],
  ['postgresql://u:p@h:/db', postgres()],
  ['postgresql://u:p@db_1/db', postgres({ host: 'db_1' })],
  ['postgresql://u@h/db', postgres({ password: '' })],
  ['postgresql://u:@h/db', postgres({ password: '' })],
  ['postgresql://u%40x:p%40%3A%2F%3F%23%25@h/d%2Fb', postgres({ user: 'u@x', password: 'p@:/?#%', database: 'd/b' })],
  ['postgresql://u:p@ss@h/db', postgres({ password: 'p@ss' })],
  ['postgresql://u:p:a/s#s?w@h/db', postgres({ password: 'p:a/s#s?w' })],
  ['postgresql://u:p?x=1&y@h/db', postgres({ password: 'p?x=1&y' })],
  ['postgresql://u:p@a/b?c=d@h/db', postgres({ password: 'p@a/b?c=d' })],
  ['postgresql://u:a+b@h/d+b', postgres({ password: 'a+b', database: 'd+b' })],
  ['postgresql://u:p%C3%A4ß@h/d%20b', postgres({ password: 'päß', database: 'd b' })],
  ['postgresql://u:p@localhost/db', postgres({ host: 'localhost', options: { tlsMode: 'prefer' } })],
  ['postgresql://u:p@127.8.9.10/db', postgres({ host: '127.8.9.10', options: { tlsMode: 'prefer' } })],
  ['postgresql://u:p@[::1]/db', postgres({ host: '::1', options: { tlsMode: 'prefer' } })],
  [
    'postgresql://u:p@[0:0:0:0:0:0:0:1]:99/db',
    postgres({ host: '0:0:0:0:0:0:0:1', port: 99, options: { tlsMode: 'prefer' } }),
  ],
  ['postgresql://u:p@[2001:DB8::1]:6000/db', postgres({ host: '2001:db8::1', port: 6000 })],
  ['postgresql://u:p@127.example.com/db', postgres({ host: '127.example.com' })],
  ['postgresql://u:p@ep-x.eu.neon.tech/db', postgres({ host: 'ep-x.eu.neon.tech', via: 'neon' })],
  ['postgresql://u:p@EP.NEON.TECH/db', postgres({ host: 'ep.neon.tech', via: 'neon' })],
  ['postgresql://u:p@neon.tech.example/db', postgres({ host: 'neon.tech.example' })],
  ['postgresql://u:p@xneon.tech/db', postgres({ host: 'xneon.tech' })],
  ['postgresql://u:p@h/db?driver=neon', postgres({ via: 'neon' })],
  [
    'postgresql://u:p@ep.neon.tech/db?sslmode=require&channel_binding=require',
    postgres({ host: 'ep.neon.tech', via: 'neon' }),
    ['Without effect for PostgreSQL in DATABASE_URL: channel_binding.'],
  ],
  [
    'postgresql://u:p@h/db?application_name=a@b&options=-c%20x=y&charset=UTF8MB4',
    postgres(),
    ['Without effect for PostgreSQL in DATABASE_URL: application_name, options, charset.'],
  ],
  [
    'postgresql+asyncpg://user:pass@host:5432/db?pool_size=20&max_overflow=0&pool_timeout=60&pool_recycle=-1&pool_pre_ping=True&connect_timeout=3',
    postgres({
      user: 'user',
      password: 'pass',
      host: 'host',
      options: {
        poolSize: 20,
        maxOverflow: 0,
        poolTimeoutSeconds: 60,
        poolRecycleSeconds: -1,
        poolPrePing: true,
        connectTimeoutSeconds: 3,
      },
    }),
  ],
  ['postgresql://u:p@h/db?pool_pre_ping=0', postgres()],
  ['postgresql://u:p@h/db?&pool_size=1000&', postgres({ options: { poolSize: 1000 } })],
  ['postgresql://u:p@h/db?ssl=require', postgres()],
  ['postgresql://u:p@h/db?sslmode=disable', postgres({ options: { tlsMode: 'disable' } })],
  ['postgresql://u:p@h/db?sslmode=prefer', postgres({ options: { tlsMode: 'prefer' } })],
  ['postgresql://u:p@localhost/db?sslmode=require', postgres({ host: 'localhost' })],
  ['postgresql://u:p@h/db?sslmode=verify-ca', postgres({ options: { tlsMode: 'verify-ca' } })],
  ['postgresql://u:p@h/db?sslmode=Verify-Full', postgres({ options: { tlsMode: 'verify-full' } })],
  ['postgresql://u:p@h/db?ssl=true&sslmode=require', postgres()],
  ['postgresql://u:p@h/db?sslrootcert=/etc/a%20b.pem', postgres({ options: { tlsCaFile: '/etc/a b.pem' } })],
  ['postgresql://u:p@h/db?ssl_ca=/a.pem&sslrootcert=/a.pem', postgres({ options: { tlsCaFile: '/a.pem' } })],
]

const mysqls: readonly Good[] = [
  ['mysql://u:p@h/db', mysql()],
  ['mysql+aiomysql://u:p@h:3306/db?charset=utf8mb4&pool_size=20', mysql({ options: { poolSize: 20 } })],
  ['mysql+asyncmy://u:p@h/db', mysql()],
  ['mysql+pymysql://u:p@h/db', mysql()],
  ['mysql+mysqldb://u:p@h/db', mysql()],
  ['mariadb://u:p@h/db', mysql()],
  ['mariadb+mariadbconnector://u:p@h/db', mysql()],
  ['mariadb+pymysql://u:p@h:3307/db', mysql({ port: 3307 })],
  [
    'mysql://root@localhost/db',
    mysql({ user: 'root', password: '', host: 'localhost', options: { tlsMode: 'prefer' } }),
  ],
  ['mysql://u:p@aws.connect.psdb.cloud/db', mysql({ host: 'aws.connect.psdb.cloud', via: 'planetscale' })],
  ['mysql://u:p@psdb.cloud.example/db', mysql({ host: 'psdb.cloud.example' })],
  ['mysql://u:p@h/db?driver=planetscale', mysql({ via: 'planetscale' })],
  ['mysql://u:p@h/db?sslaccept=strict', mysql({ options: { tlsMode: 'verify-full' } })],
  ['mysql://u:p@h/db?sslaccept=strict&sslmode=require', mysql({ options: { tlsMode: 'verify-full' } })],
  ['mysql://u:p@h/db?sslaccept=accept_invalid_certs', mysql()],
  ['mysql://u:p@h/db?ssl=true', mysql()],
  ['mysql://u:p@localhost/db?ssl=false', mysql({ host: 'localhost', options: { tlsMode: 'disable' } })],
  ['mysql://u:p@h/db?ssl={"rejectUnauthorized":true}', mysql({ options: { tlsMode: 'verify-full' } })],
  ['mysql://u:p@h/db?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D', mysql({ options: { tlsMode: 'verify-full' } })],
  ['mysql://u:p@h/db?ssl={"rejectUnauthorized":false}', mysql()],
  [
    'mysql://u:p@h/db?ssl_ca=/etc/ca.pem&ssl=verify-ca',
    mysql({ options: { tlsMode: 'verify-ca', tlsCaFile: '/etc/ca.pem' } }),
  ],
  ['mysql://u:p@h/db?application_name=x', mysql(), ['Without effect for MySQL in DATABASE_URL: application_name.']],
]

const d1 = (binding: string, databaseId?: string) => ({
  dialect: 'sqlite',
  via: 'd1',
  binding,
  databaseId,
  options: { ...defaults, tlsMode: 'disable' },
})

const id = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'

const d1s: readonly Good[] = [
  ['d1://DB', d1('DB')],
  ['D1://Db_2', d1('Db_2')],
  [`d1://DB?id=${id}`, d1('DB', id)],
  [`d1://DB?id=${id.toUpperCase()}`, d1('DB', id)],
  [
    'd1://DB?charset=utf8mb4&pool_size=9&ssl=true',
    { ...d1('DB'), options: { ...defaults, poolSize: 9, tlsMode: 'disable' } },
    ['Without effect for D1 in DATABASE_URL: charset, pool_size, ssl.'],
  ],
]

/** A Worker with one Hyperdrive binding, `HYPERDRIVE`. */
const bound = (connectionString: string, members: Partial<HyperdriveBinding> = {}): UrlEnvironment => {
  const found = { connectionString, host: 'x', port: 5432, database: 'db', user: 'u', password: 'p', ...members }
  return { hyperdrive: (binding) => (binding === 'HYPERDRIVE' ? found : undefined) }
}
const hyperdrive = (target: object, options: Partial<ConnectionOptions> = {}) => ({
  ...target,
  via: 'hyperdrive',
  binding: 'HYPERDRIVE',
  options: { ...defaults, tlsMode: 'disable', ...options },
})

const hyperdrives: readonly Good[] = [
  [
    'hyperdrive://HYPERDRIVE',
    hyperdrive(postgres({ host: 'x.hyperdrive.local' })),
    [],
    bound('postgresql://u:p@x.hyperdrive.local:5432/db?sslmode=disable', { host: 'x.hyperdrive.local' }),
  ],
  [
    'hyperdrive://HYPERDRIVE?pool_size=3',
    hyperdrive(mysql({ host: '127.0.0.1', port: 33_060, password: 'p?/@x' }), { poolSize: 3 }),
    [],
    // As workerd writes it: nothing is percent-encoded.
    bound('mysql://u:p?/@x@127.0.0.1:33060/db', { host: '127.0.0.1', port: 33_060, password: 'p?/@x' }),
  ],
  [
    'hyperdrive://HYPERDRIVE?sslmode=require',
    hyperdrive(postgres({ host: 'x' })),
    ['Without effect for Hyperdrive in DATABASE_URL: sslmode.'],
    bound('postgres://u:p@x/db'),
  ],
]

describe('a good DATABASE_URL leads to exactly its target', () => {
  for (const [url, target, notices = [], env = {}] of [
    ...files,
    ...libsqls,
    ...postgresqls,
    ...mysqls,
    ...d1s,
    ...hyperdrives,
  ]) {
    test(url, () => {
      expect(parseDatabaseUrl(url, env)).toEqual({ ok: true, target, notices })
    })
  }
})

/** `marked` is the redacted URL with « and » around what the carets point at; nothing between them where a part is missing. */
type Bad = readonly [url: string, what: string, marked: string, fixed: string, env?: UrlEnvironment]

const memory = 'DATABASE_URL asks for a SQLite database in memory'
const unknown = 'DATABASE_URL has an option that is not known'
const slashes = 'DATABASE_URL lacks the two slashes after its scheme'
const badHost = "DATABASE_URL's host is neither a host name nor an IP address"
const badPort = "DATABASE_URL's port is not a port number"
const scheme = 'DATABASE_URL has a scheme that is not known'
const driver = 'DATABASE_URL names a driver that is not known'
const noValue = (name: string) => `DATABASE_URL's option ${name} has no value that it can have`
const stray = (name: string, database: string) => `DATABASE_URL has the option ${name} for ${database}`

const notBinding = "DATABASE_URL's binding is not a name that a binding can have"
const notHere = 'DATABASE_URL leads through a Hyperdrive binding, which only the deployed functions have'
const unreadableBinding = "DATABASE_URL's Hyperdrive binding leads to no database that can be used"

const bads: readonly Bad[] = [
  ['d1://', 'DATABASE_URL names no binding', 'd1://«»', 'd1://DB'],
  ['d1://?id=x', 'DATABASE_URL names no binding', 'd1://«?»id=x', 'd1://DB'],
  ['d1:DB', slashes, '«***»', 'd1://BINDING'],
  ['d2://DB', scheme, '«d2»://DB', 'Did you mean d1?'],
  ['hyperdriv://HYPERDRIVE', scheme, '«hyperdriv»://HYPERDRIVE', 'Did you mean hyperdrive?'],
  ['d1+http://DB', driver, 'd1+«http»://DB', 'Leave out the +'],
  ['d1://DB/', notBinding, 'd1://«DB/»', 'd1://DB'],
  ['d1://my-db', notBinding, 'd1://«my-db»', 'd1://DB'],
  ['d1://u:S3CRET@DB', notBinding, 'd1://«u:***@DB»', 'd1://DB'],
  ['d1://DB?id=', 'DATABASE_URL has the option id without a value', 'd1://DB?«id=»', 'Give it a value'],
  ['d1://DB?id=7', "DATABASE_URL's option id is not the id of a D1 database", 'd1://DB?id=«7»', 'wrangler d1 list'],
  ['d1://DB?ide=7', unknown, 'd1://DB?«ide»=***', 'Write id '],
  ['d1://DB?authToken=S3CRET', stray('authToken', 'D1'), 'd1://DB?«authToken=***»', 'Leave it out'],
  ['sqlite:///w.db?id=7', stray('id', 'a SQLite file'), 'sqlite:///w.db?«id=7»', 'Leave it out'],
  ['hyperdrive://HYPERDRIVE', notHere, 'hyperdrive://«HYPERDRIVE»', "Give the database's own URL"],
  [
    'hyperdrive://OTHER',
    'DATABASE_URL names a Hyperdrive binding that the Worker does not have',
    'hyperdrive://«OTHER»',
    '[[hyperdrive]]',
    bound('postgres://u:S3CRET@h/db'),
  ],
  ...[
    bound('redis://u:S3CRET@h/0'),
    bound('S3CRET'),
    bound(''),
    bound('postgres://u:S3CRET@h/', { database: '' }),
    bound('postgres://:S3CRET@h/db', { user: '' }),
  ].map((env): Bad => [
    'hyperdrive://HYPERDRIVE',
    unreadableBinding,
    'hyperdrive://«HYPERDRIVE»',
    'wrangler hyperdrive get',
    env,
  ]),
  [
    'hyperdrive://HYPERDRIVE?driver=neon',
    stray('driver', 'Hyperdrive'),
    'hyperdrive://HYPERDRIVE?«driver=neon»',
    'Leave it out',
    bound('postgres://u:S3CRET@h/db'),
  ],
  ['', 'DATABASE_URL is not a URL', '«»', 'Write sqlite:///./workflows.db'],
  ['workflows.db', 'DATABASE_URL is not a URL', '«***»', 'Write sqlite:///./workflows.db'],
  ['u:S3CRET@h/db', scheme, '«***»', 'Write sqlite:///'],
  ['//u:S3CRET@h/db', 'DATABASE_URL is not a URL', '«***»', 'Write sqlite:///'],
  ['postgre://u:S3CRET@h/db', scheme, '«postgre»://u:***@h/db', 'Did you mean postgres?'],
  ['mysq+pymysql://u:S3CRET@h/db', scheme, '«mysq»+pymysql://u:***@h/db', 'Did you mean mysql?'],
  ['mongodb://u:S3CRET@h/db', scheme, '«mongodb»://u:***@h/db', 'Write sqlite:///'],
  ['wss://S3CRET@h.turso.io', scheme, '«wss»://***@h.turso.io', 'libsql://HOST'],
  ['postgresql+asyncpgg://u:S3CRET@h/db', driver, 'postgresql+«asyncpgg»://u:***@h/db', 'Leave out the +'],
  ['mysql+://u:S3CRET@h/db', driver, 'mysql«+»://u:***@h/db', 'Leave out the +'],
  ['file+x:w.db', driver, '«***»', 'Leave out the +'],
  ['sqlite+asyncpg:///w.db', driver, 'sqlite+«asyncpg»:///w.db', 'Leave out the +'],
  ['postgresql:/u:S3CRET@h/db', slashes, '«***»', 'postgresql://USER:PASSWORD@HOST/DATABASE'],
  ['sqlite:w.db', slashes, '«***»', 'sqlite:///./workflows.db'],

  ['sqlite://', memory, 'sqlite://«»', 'sqlite:///./workflows.db'],
  ['sqlite:///', memory, 'sqlite://«/»', 'sqlite:///./workflows.db'],
  ['sqlite://?pool_size=1', memory, 'sqlite://«?»pool_size=1', 'sqlite:///./workflows.db'],
  ['sqlite:///:memory:', memory, 'sqlite://«/:memory:»', 'sqlite:///./workflows.db'],
  ['sqlite://:memory:', memory, 'sqlite://«:memory:»', 'sqlite:///./workflows.db'],
  ['sqlite+aiosqlite:///%3Amemory%3A', memory, 'sqlite+aiosqlite://«/%3Amemory%3A»', 'sqlite:///'],
  ['file::memory:', memory, 'file:«:memory:»', 'sqlite:///./workflows.db'],
  ['file:', memory, 'file:«»', 'sqlite:///./workflows.db'],
  ['file:m?mode=memory', memory, 'file:m?«mode=***»', 'sqlite:///./workflows.db'],
  ['sqlite://w.db', 'DATABASE_URL names a host for a SQLite file', 'sqlite://«w.db»', 'sqlite:///./workflows.db'],
  ['sqlite://u:S3CRET@h/db', 'DATABASE_URL names a host for a SQLite file', 'sqlite://«u:***@h/db»', 'sqlite:///'],
  ['file://host/w.db', 'DATABASE_URL names a host for a file', 'file://«host»/w.db', 'sqlite:////srv/workflows.db'],
  ['sqlite:////srv/', 'DATABASE_URL names a directory', 'sqlite:///«/srv/»', 'sqlite:///./workflows.db'],
  ['sqlite:///..', 'DATABASE_URL names a directory', 'sqlite:///«..»', 'sqlite:///./workflows.db'],
  ['sqlite:///w%zz.db', "DATABASE_URL's path has a % that encodes nothing", 'sqlite:///w«%»zz.db', '%25'],
  ['sqlite:///w%00.db', "DATABASE_URL's path does not decode to text", 'sqlite:///«w%00.db»', 'encodeURIComponent'],
  ['sqlite:///w.db?check_same_thread=false', unknown, 'sqlite:///w.db?«check_same_thread»=***', 'leave the option out'],
  ['sqlite:///w.db?driver=neon', stray('driver', 'a SQLite file'), 'sqlite:///w.db?«driver=neon»', 'Leave it out'],
  ['file:w.db?authToken=S3CRET', stray('authToken', 'a SQLite file'), 'file:w.db?«authToken=***»', 'Leave it out'],

  ['libsql://', 'DATABASE_URL names no host', 'libsql://«»', 'libsql://HOST'],
  ['libsql://S3CRET@h', 'DATABASE_URL has a user or password for libSQL', 'libsql://«***»@h', 'DATABASE_AUTH_TOKEN'],
  [
    'libsql://u:S3CRET@h',
    'DATABASE_URL has a user or password for libSQL',
    'libsql://«u:***»@h',
    'DATABASE_AUTH_TOKEN',
  ],
  ['libsql://h/db', 'DATABASE_URL has a path for libSQL', 'libsql://h/«db»', 'libsql://HOST'],
  ['libsql:///w.db', 'DATABASE_URL has a path for libSQL', 'libsql:///«w.db»', 'sqlite:///'],
  ['libsql://h:0', badPort, 'libsql://h:«0»', 'leave it out'],
  ['libsql://h?authtoken=S3CRET', unknown, 'libsql://h?«authtoken»=***', 'Write authToken'],
  [
    'libsql://h?authToken=S3CRET&authToken=x',
    'DATABASE_URL has the option authToken twice',
    'libsql://h?authToken=***&«authToken»=***',
    'Leave out one',
  ],
  [
    'libsql://h?authToken=S3CRET%20x',
    "DATABASE_URL's authToken cannot be sent",
    'libsql://h?authToken=«***»',
    'Copy the token again',
  ],
  [
    'libsql://h?authToken=S3CRET%zz',
    "DATABASE_URL's option authToken has a % that encodes nothing",
    'libsql://h?authToken=«***»',
    '%25',
  ],
  [
    'libsql://h',
    'DATABASE_AUTH_TOKEN cannot be sent',
    'libsql://h«»',
    'Copy the token again',
    { DATABASE_AUTH_TOKEN: 'S3CRET\nx' },
  ],
  ['libsql://h?S3CRET', unknown, 'libsql://h?«***»', 'leave the option out'],
  ['libsql://h?driver=neon', stray('driver', 'libSQL'), 'libsql://h?«driver=neon»', 'Leave it out'],
  [
    'https://example.com',
    'DATABASE_URL is a web address that is not known to be a libSQL server',
    '«https»://example.com',
    'libsql+https://',
  ],
  [
    'https://turso.io.example',
    'DATABASE_URL is a web address that is not known to be a libSQL server',
    '«https»://turso.io.example',
    'libsql+https://',
  ],
  [
    'http://db.turso.io',
    'DATABASE_URL is a web address that is not known to be a libSQL server',
    '«http»://db.turso.io',
    'libsql+http://',
  ],

  ['postgresql://', 'DATABASE_URL names no user', 'postgresql://«»', 'postgresql://USER:PASSWORD@HOST:5432/DATABASE'],
  [
    'postgresql://h/db',
    'DATABASE_URL names no user',
    'postgresql://«h»/db',
    'postgresql://USER:PASSWORD@HOST:5432/DATABASE',
  ],
  [
    'postgresql://u:S3CRET',
    'DATABASE_URL names no user',
    'postgresql://«u»:***',
    'postgresql://USER:PASSWORD@HOST:5432/DATABASE',
  ],
  ['postgresql://:S3CRET@h/db', 'DATABASE_URL names no user', 'postgresql://«:»***@h/db', 'USER:PASSWORD'],
  ['postgresql://u:S3CRET@/db', 'DATABASE_URL names no host', 'postgresql://u:***@«/»db', 'HOST:5432'],
  ['postgresql://u:S3CRET@:5432/db', 'DATABASE_URL names no host', 'postgresql://u:***@«:»5432/db', 'HOST:5432'],
  ['postgresql:///db?host=/run', 'DATABASE_URL names no user', 'postgresql://«/»db?host=***', 'HOST:5432'],
  ['postgresql://u:S3CRET@h', 'DATABASE_URL names no database', 'postgresql://u:***@h«»', '/DATABASE'],
  ['postgresql://u:S3CRET@h/', 'DATABASE_URL names no database', 'postgresql://u:***@h/«»', '/DATABASE'],
  [
    'postgresql://u:S3CRET@h/?pool_size=1',
    'DATABASE_URL names no database',
    'postgresql://u:***@h/«?»pool_size=1',
    '/DATABASE',
  ],
  ['postgresql://u:S3CRET@h/db/x', "DATABASE_URL's database name has a slash", 'postgresql://u:***@h/db«/»x', '%2F'],
  ['postgresql://u:S3CRET@h:54x/db', badPort, 'postgresql://u:***@h:«54x»/db', 'Write the number'],
  ['postgresql://u:S3CRET@h:65536/db', badPort, 'postgresql://u:***@h:«65536»/db', 'Write the number'],
  ['postgresql://u:S3CRET@h:-1/db', badPort, 'postgresql://u:***@h:«-1»/db', 'Write the number'],
  ['postgresql://u:S3CRET@h x/db', badHost, 'postgresql://u:***@«h x»/db', 'percent-encode @'],
  ['postgresql://u:S3CRET@-h/db', badHost, 'postgresql://u:***@«-h»/db', 'HOST'],
  ['postgresql://u:S3CRET@höst/db', badHost, 'postgresql://u:***@«höst»/db', 'HOST'],
  ['postgresql://u:S3CRET@a:1,b:2/db', badPort, 'postgresql://u:***@a:«1,b:2»/db', 'Write the number'],
  ['postgresql://u:S3CRET@a,b/db', 'DATABASE_URL names several hosts', 'postgresql://u:***@«a,b»/db', 'primary'],
  ['postgresql://u:S3CRET@::1/db', badHost, 'postgresql://u:***@«::1»/db', '[::1]'],
  ['postgresql://u:S3CRET@[::g]/db', badHost, 'postgresql://u:***@«[::g]»/db', '[::1]'],
  ['postgresql://u:S3CRET@[::1/db', badHost, 'postgresql://u:***@«[::1»/db', '[::1]'],
  [
    'postgresql://u:S3CRET%@h/db',
    "DATABASE_URL's password has a % that encodes nothing",
    'postgresql://u:«***»@h/db',
    '%25',
  ],
  [
    'postgresql://u:S3CRET%ff@h/db',
    "DATABASE_URL's password does not decode to text",
    'postgresql://u:«***»@h/db',
    'encodeURIComponent',
  ],
  [
    'postgresql://u%:S3CRET@h/db',
    "DATABASE_URL's user has a % that encodes nothing",
    'postgresql://u«%»:***@h/db',
    '%25',
  ],
  [
    'postgresql://u:S3CRET@h/d%b',
    "DATABASE_URL's database has a % that encodes nothing",
    'postgresql://u:***@h/d«%»b',
    '%25',
  ],
  ['postgresql://u:S3CRET@h/db?pool_siz=3', unknown, 'postgresql://u:***@h/db?«pool_siz»=***', 'Write pool_size'],
  ['postgresql://u:S3CRET@h/db?POOL_SIZE=3', unknown, 'postgresql://u:***@h/db?«POOL_SIZE»=***', 'Write pool_size'],
  ['postgresql://u:S3CRET@h/db?ssl-mode=require', unknown, 'postgresql://u:***@h/db?«ssl-mode»=***', 'Write sslmode'],
  ['postgresql://u@h/db?password=S3CRET', unknown, 'postgresql://u@h/db?«password»=***', 'leave the option out'],
  [
    'postgresql://u:p@h/db?application_name=S3CRET@b&password=S3CRET',
    unknown,
    'postgresql://u:***&«password»=***',
    'leave',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_size=1&pool_size=1',
    'DATABASE_URL has the option pool_size twice',
    'postgresql://u:***@h/db?pool_size=1&«pool_size»=1',
    'Leave out one',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_size',
    'DATABASE_URL has the option pool_size without a value',
    'postgresql://u:***@h/db?«pool_size»',
    'Give it a value',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_size=0',
    noValue('pool_size'),
    'postgresql://u:***@h/db?pool_size=«0»',
    'pool_size=5',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_size=1.5',
    noValue('pool_size'),
    'postgresql://u:***@h/db?pool_size=«1.5»',
    'pool_size=5',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_size=1001',
    noValue('pool_size'),
    'postgresql://u:***@h/db?pool_size=«1001»',
    'pool_size=5',
  ],
  [
    'postgresql://u:S3CRET@h/db?max_overflow=-1',
    noValue('max_overflow'),
    'postgresql://u:***@h/db?max_overflow=«-1»',
    'max_overflow=10',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_timeout=1e3',
    noValue('pool_timeout'),
    'postgresql://u:***@h/db?pool_timeout=«1e3»',
    'pool_timeout=30',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_recycle=-2',
    noValue('pool_recycle'),
    'postgresql://u:***@h/db?pool_recycle=«-2»',
    'pool_recycle=3600',
  ],
  [
    'postgresql://u:S3CRET@h/db?connect_timeout=0',
    noValue('connect_timeout'),
    'postgresql://u:***@h/db?connect_timeout=«0»',
    'connect_timeout=10',
  ],
  [
    'postgresql://u:S3CRET@h/db?pool_pre_ping=2',
    "DATABASE_URL's option pool_pre_ping is neither true nor false",
    'postgresql://u:***@h/db?pool_pre_ping=«2»',
    'pool_pre_ping=true',
  ],
  [
    'postgresql://u:S3CRET@h/db?sslmode=allow',
    noValue('sslmode'),
    'postgresql://u:***@h/db?sslmode=«allow»',
    'sslmode=require',
  ],
  [
    'postgresql://u:S3CRET@h/db?ssl=require&sslmode=disable',
    "DATABASE_URL's options sslmode and ssl contradict each other",
    'postgresql://u:***@h/db?ssl=require&«sslmode=disable»',
    'Leave out sslmode or ssl',
  ],
  [
    'postgresql://u:S3CRET@h/db?ssl_ca=/a&sslrootcert=/b',
    "DATABASE_URL's options sslrootcert and ssl_ca contradict each other",
    'postgresql://u:***@h/db?ssl_ca=/a&«sslrootcert=/b»',
    'Leave out',
  ],
  [
    'postgresql://u:S3CRET@h/db?authToken=S3CRET',
    stray('authToken', 'PostgreSQL'),
    'postgresql://u:***@h/db?«authToken=***»',
    'Leave it out',
  ],
  [
    'postgresql://u:S3CRET@h/db?driver=planetscale',
    noValue('driver'),
    'postgresql://u:***@h/db?driver=«planetscale»',
    'driver=neon',
  ],
  [
    'postgresql://u:S3CRET@h/db?charset=utf8',
    'DATABASE_URL asks for a character set other than utf8mb4',
    'postgresql://u:***@h/db?charset=«utf8»',
    'charset=utf8mb4',
  ],
  [
    'mysql://u:S3CRET@h/db?charset=latin1',
    'DATABASE_URL asks for a character set other than utf8mb4',
    'mysql://u:***@h/db?charset=«latin1»',
    'charset=utf8mb4',
  ],
  ['mysql://u:S3CRET@h/db?driver=neon', noValue('driver'), 'mysql://u:***@h/db?driver=«neon»', 'driver=planetscale'],
  [
    'mysql://u:S3CRET@h/db?sslaccept=lax',
    noValue('sslaccept'),
    'mysql://u:***@h/db?sslaccept=«lax»',
    'sslaccept=strict',
  ],
  [
    'mysql://u:S3CRET@h/db?sslmode=disable&sslaccept=strict',
    "DATABASE_URL's options sslaccept and sslmode contradict each other",
    'mysql://u:***@h/db?sslmode=disable&«sslaccept=strict»',
    'Leave out',
  ],
  ['mysql://u:S3CRET@h/db?ssl={"key":"S3CRET"}', noValue('ssl'), 'mysql://u:***@h/db?ssl=«***»', 'ssl=require'],
]

function pointing(marked: string): readonly string[] {
  const [before = '', within = '', after = ''] = marked.split(/[«»]/)
  return [before + within + after, ' '.repeat(before.length) + '^'.repeat(Math.max(1, within.length))]
}

function why(url: string): string {
  const parsed = parseDatabaseUrl(url)
  return parsed.ok ? '' : parsed.error.why
}

describe('a bad DATABASE_URL is explained at the part that is wrong', () => {
  for (const [url, what, marked, fixed, env = {}] of bads) {
    test(url, () => {
      const parsed = parseDatabaseUrl(url, env)
      if (parsed.ok) throw new Error('it was taken')
      const [reason, ...pointed] = parsed.error.why.split('\n')
      expect(parsed.error.what).toBe(what)
      expect(reason).toMatch(/^[A-Za-z:/].+\.$/)
      expect(pointed).toEqual(pointing(marked))
      expect(parsed.error.fix).toContain(fixed)
      expect(JSON.stringify(parsed.error)).not.toContain('S3CRET')
    })
  }

  test('in reasons that name what to do instead', () => {
    expect(why('sqlite:///w.db?pool_sise=1')).toContain('The nearest known one is pool_size.')
    expect(why('mysql://u:p@h/d?charset=latin1')).toContain('no other character set of MySQL keeps them all')
    expect(why('sqlite:///:memory:')).toContain('belongs to one connection and ends with it')
  })

  test('without showing a URL of absurd length', () => {
    const parsed = parseDatabaseUrl(`postgresql://u:${'S3CRET'.repeat(10_000)}@h/db`)
    expect(parsed).toMatchObject({ ok: false, error: { what: 'DATABASE_URL is too long' } })
    expect(JSON.stringify(parsed).length).toBeLessThan(400)
  })
})

describe('a redacted URL', () => {
  test.each([
    ['sqlite:///./workflows.db', 'sqlite:///./workflows.db'],
    ['sqlite:////srv/a@b/c:d.db', 'sqlite:////srv/a@b/c:d.db'],
    ['sqlite:///u:S3CRET@h/db', 'sqlite:///u:***@h/db'],
    ['postgresql://u:S3CRET@h:5432/db?pool_size=3', 'postgresql://u:***@h:5432/db?pool_size=3'],
    ['postgresql://u:S3CRET@S3CRET/S3CRET?S3CRET@h/db', 'postgresql://u:***@h/db'],
    ['postgresql://u@h/db', 'postgresql://u@h/db'],
    ['libsql://h?authToken=S3CRET&pool_size=1', 'libsql://h?authToken=***&pool_size=1'],
    ['mysql://u:S3CRET@h/db?password=S3CRET&S3CRET', 'mysql://u:***@h/db?password=***&***'],
    ['mysql://u:S3\nCRET@h/d\nb', 'mysql://u:***@h/d\ufffdb'],
    ['nonsense with S3CRET', '***'],
    ['S3CRET:S3CRET', '***'],
    ['', ''],
  ])('of %j is %s', (url, redacted) => {
    expect(redactUrl(url)).toBe(redacted)
  })
})

/** A secret that can be told from anything else, with whatever users paste around it. */
const secret = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...Array.from('@:/?#&=%[]+ \\"{}aZ9.ä€😀')) }),
    fc.string({ unit: 'binary' }),
  )
  .map(([before, after]) => `${before}S3CRET${after}`)

const schemes = ['postgresql', 'mysql+pymysql', 'mariadb', 'libsql', 'http', 'sqlite', 'nonsense', 'postgres']

function everythingSaid(url: string, env: UrlEnvironment): string {
  const parsed = parseDatabaseUrl(url, env)
  return [redactUrl(url), ...(parsed.ok ? parsed.notices : Object.values(parsed.error))].join('\n')
}

describe('for any text', () => {
  test('no password is ever shown', () => {
    const tail = fc.oneof(
      fc.constantFrom('@h/db', '@h', '@/db', '@h:x/db', '@h/db?x=1', '@h/db?ssl=x', '@h/db?application_name=a@b&y=1'),
      fc.string().map((text) => `@${text}`),
    )
    fc.assert(
      fc.property(fc.constantFrom(...schemes), fc.string(), secret, tail, (name, user, password, end) => {
        const plainUser = user.replaceAll(/[:@]/g, '')
        expect(everythingSaid(`${name}://${plainUser}:${password}${end}`, {})).not.toContain('S3CRET')
      }),
      { numRuns: 3000 },
    )
  })

  test('no token is ever shown', () => {
    fc.assert(
      fc.property(fc.constantFrom(...schemes), fc.webPath(), secret, (name, path, token) => {
        const encoded = encodeURIComponent(token.toWellFormed())
        const said = everythingSaid(`${name}://h${path}?authToken=${encoded}`, { DATABASE_AUTH_TOKEN: token })
        expect(said).not.toContain('S3CRET')
      }),
      { numRuns: 2000 },
    )
  })

  test('parsing and redacting never throw, and carets stand under the shown URL', () => {
    const piece = fc.oneof(
      fc.constantFrom(...schemes, '://', ':', '@', '/', '?', '&', '=', '%', '[', ']', '+', 'file:', 'ssl', 'driver'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const parsed = parseDatabaseUrl(pieces.join(''))
        if (parsed.ok) return
        const [, shown = '', carets = ''] = parsed.error.why.split('\n')
        expect(shown).toBe(redactUrl(pieces.join('')))
        expect(carets).toMatch(/^ *\^+$/)
        expect(carets.length).toBeLessThanOrEqual(Array.from(shown).length + 1)
      }),
      { numRuns: 3000 },
    )
  })

  test('user, password and database come through percent-encoding whole', () => {
    const part = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !text.includes('\0'))
      .map((text) => text.toWellFormed())
    fc.assert(
      fc.property(part, part, part, (user, password, database) => {
        const [u, p, d] = [user, password, database].map(encodeURIComponent)
        const parsed = parseDatabaseUrl(`postgresql://${u}:${p}@h/${d}`)
        expect(parsed).toEqual({ ok: true, target: postgres({ user, password, database }), notices: [] })
      }),
    )
  })
})
