import { createClient } from '@libsql/client'
import { startGateway } from '@millrace/gateway'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { databaseError } from '@millrace/db/sql/errors'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import type { CheckId } from '@millrace/db/checklist/checks'
import type { Finding } from '@millrace/db/checklist/finding'
import { checkDatabase } from '@millrace/db/checklist/run'
import type { Transport } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import { migrate } from '@millrace/db/migrate/migrate'
import { onTestFinished, vi } from 'vitest'
import type { DialectName, TestDatabase } from '../dialects.ts'
import { targetOf } from '../database.ts'
import { findFreePort } from '../servers/process.ts'
import { addStaleRows, momentOf, recordGoodBackup, staleTables, type World } from './world.ts'

/** What a fault, once planted, has to be found by. */
export interface Planted {
  /** Settings over the sound ones. */
  readonly settings?: Readonly<Record<string, string>>
  /** Asks in the command's place, where the command can't be led there. */
  readonly ask?: () => Promise<readonly Finding[]>
  /** Takes the fault away again; where it is absent, and `sql` was given, the finding's own statements do. */
  readonly mend?: () => Promise<void>
}

export interface Plant {
  readonly what: string
  readonly level: 'warn' | 'fail'
  readonly says: RegExp
  readonly plant: (world: World) => Promise<Planted>
  /** The findings' own SQL mends it. */
  readonly mendsItself?: boolean
}

/** Faults of a check by dialect, or why it has none there. */
type Plants = Readonly<Record<CheckId, Readonly<Record<DialectName, readonly Plant[] | string>>>>

const hour = 3_600_000

function everywhere(...plants: readonly Plant[]) {
  return { sqlite: plants, postgres: plants, mysql: plants }
}

function bySettings(settings: Readonly<Record<string, string>>) {
  return () => Promise.resolve({ settings })
}

/** The world's URL, changed. */
function byUrl(change: (url: string, port: number) => string) {
  return async ({ settings: { DATABASE_URL: url = '' } }: World): Promise<Planted> => ({
    settings: { DATABASE_URL: change(url, await findFreePort()) },
  })
}

/** Statements that plant, and those that take it away. */
function byStatements(plant: readonly string[], mend: readonly string[] = []) {
  return async (world: World): Promise<Planted> => {
    for (const statement of plant) await world.query(statement)
    if (mend.length === 0) return {}
    return {
      async mend() {
        for (const statement of mend) await world.query(statement)
      },
    }
  }
}

/** An own database in the world's place. */
function elsewhere(make: (other: TestDatabase, world: World) => Promise<void>) {
  return async (world: World): Promise<Planted> => {
    const other = await world.another()
    await make(other, world)
    return { settings: { DATABASE_URL: other.url } }
  }
}

/** Leaves another database migrated. */
async function migrateOther({ url }: TestDatabase, { reached }: World): Promise<void> {
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  try {
    await migrate(await openDatabase({ target, gatewayUrl: gateway.url }), reached.migrations)
  } finally {
    await gateway.close()
  }
}

/** The checklist's part on the database, with a target or an answer of the server that can't be had here. */
function asked(
  world: World,
  change: { readonly target?: (target: Target) => Target; readonly run?: (transport: Transport) => Transport['run'] },
) {
  const { database, target } = world.reached
  const wrapped: Pick<Database, 'transport'> = {
    transport() {
      const transport = database.transport()
      return { ...transport, run: change.run?.(transport) ?? ((statement) => transport.run(statement)) }
    },
  }
  return () =>
    checkDatabase({
      database: wrapped,
      target: change.target?.(target) ?? target,
      replica: undefined,
      clock: () => new Date(),
      readMigrations: () => Promise.resolve({ applied: [...knownMigrations], pending: [], changed: [], newer: [] }),
    })
}

/** As a server without JSON answers: it does not know the function or type. */
const withoutJson: Plant = {
  what: 'the server has no JSON',
  level: 'fail',
  says: /lacks what is needed of JSON/,
  plant: (world) =>
    Promise.resolve({
      ask: asked(world, {
        run: (transport) => (statement) =>
          /json_(?:valid|agg)/.test(statement.text)
            ? Promise.reject(databaseError('json_unsupported', 'no such function', { isNotApplied: true }))
            : transport.run(statement),
      }),
    }),
}

const otherJson: Plant = {
  what: 'the server takes for JSON what is none',
  level: 'fail',
  says: /treats JSON otherwise/,
  plant: (world) =>
    Promise.resolve({
      ask: asked(world, {
        run: (transport) => (statement) =>
          /json_(?:valid|agg)/.test(statement.text)
            ? Promise.resolve({ rows: [['0']], affected: 0 })
            : transport.run(statement),
      }),
    }),
}

function onHost(host: string) {
  return (target: Target): Target => (target.via === 'gateway' ? { ...target, host } : target)
}

const plainGateway: Plant = {
  what: "the functions' gateway is reached by plain HTTP beyond this machine",
  level: 'fail',
  says: /DATABASE_GATEWAY_URL is plain HTTP/,
  plant: bySettings({ DATABASE_GATEWAY_URL: 'http://gateway.invalid:8788' }),
}

const unencrypted: Plant = {
  what: 'the connection to another machine is not encrypted',
  level: 'fail',
  says: /not encrypted/,
  plant: (world) =>
    Promise.resolve({
      ask: asked(world, {
        target: onHost('db.example.com'),
        // MySQL itself makes a certificate of its own, so that each connection is encrypted.
        run: (transport) => (statement) =>
          /ssl_version/i.test(statement.text)
            ? Promise.resolve({ rows: [['Ssl_version', '']], affected: 0 })
            : transport.run(statement),
      }),
    }),
}

const unverified: Plant = {
  what: 'nobody verifies the certificate',
  level: 'warn',
  says: /TLSv1\.3, but the server's certificate is not verified/,
  plant: (world) =>
    Promise.resolve({
      ask: asked(world, {
        target: onHost('db.example.com'),
        run: (transport) => (statement) =>
          /ssl/i.test(statement.text)
            ? Promise.resolve({ rows: [['Ssl_version', 'TLSv1.3']], affected: 0 })
            : transport.run(statement),
      }),
    }),
}

const plainLibsql: Plant = {
  what: 'a libSQL server is reached by plain HTTP',
  level: 'fail',
  says: /plain HTTP/,
  plant: (world) =>
    Promise.resolve({
      ask: asked(world, {
        target: ({ options }) => ({
          dialect: 'sqlite',
          via: 'libsql',
          url: 'http://db.example.com',
          authToken: undefined,
          options,
        }),
      }),
    }),
}

const on = (dialect: DialectName, table: string) => (dialect === 'mysql' ? ` on ${table}` : '')

function perDialect(make: (dialect: DialectName) => readonly Plant[]) {
  return { sqlite: make('sqlite'), postgres: make('postgres'), mysql: make('mysql') }
}

function backupSet(what: string, level: Plant['level'], says: RegExp, set: (dialect: DialectName) => string) {
  return (dialect: DialectName): Plant => ({
    what,
    level,
    says,
    plant: async (world) => {
      await world.query(`update backups set ${set(dialect)}`)
      return { mend: () => renewBackup(world) }
    },
  })
}

/** One that came after the good one. */
async function addBackup({ reached }: World, result: string): Promise<void> {
  await recordBackup(
    reached.database.store(),
    {
      name: 'newer',
      bytes: null,
      rowCount: null,
      sha256: null,
      isEncrypted: false,
      consistency: null,
      result,
      createdAt: new Date(),
      verifiedAt: null,
      drilledAt: null,
    },
    crypto.randomUUID(),
  )
}

async function renewBackup(world: World): Promise<void> {
  await world.query('delete from backups')
  await recordGoodBackup(world.reached)
}

const noBackup: Plant = {
  what: 'no backup was ever taken',
  level: 'fail',
  says: /No backup has been taken yet/,
  plant: async (world) => {
    await world.query('delete from backups')
    return { mend: () => renewBackup(world) }
  },
}

function skewed(milliseconds: number) {
  return (): Promise<Planted> => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    return Promise.resolve({
      mend: () => {
        vi.useRealTimers()
        return Promise.resolve()
      },
    })
  }
}

const ago = (dialect: DialectName, hours: number) => momentOf(dialect, new Date(Date.now() - hours * hour))

const shareIndexes = [
  'create unique index workflow_shares_unique on workflow_shares (workflow_id, shared_with_user_id)',
  'create index workflow_shares_of_user on workflow_shares (shared_with_user_id, workflow_id)',
  'create index workflow_shares_of_sharer on workflow_shares (shared_by)',
]

export const plants: Plants = {
  url: {
    sqlite: [
      {
        what: 'it names memory',
        level: 'fail',
        says: /memory/,
        plant: bySettings({ DATABASE_URL: 'sqlite:///:memory:' }),
      },
    ],
    postgres: [
      { what: 'an option is misspelt', level: 'fail', says: /pool_sise/, plant: byUrl((url) => `${url}?pool_sise=3`) },
    ],
    mysql: [
      { what: 'its charset is latin1', level: 'fail', says: /charset/, plant: byUrl((url) => `${url}?charset=latin1`) },
    ],
  },
  reachable: {
    sqlite: [
      {
        what: 'the directory is not there',
        level: 'fail',
        says: /no directory/,
        plant: byUrl((url) => url.replace('workflows.db', 'nowhere/workflows.db')),
      },
      {
        what: "the functions' gateway is not there",
        level: 'fail',
        says: /functions' gateway/,
        plant: async () => ({ settings: { DATABASE_GATEWAY_URL: `http://127.0.0.1:${await findFreePort()}` } }),
      },
    ],
    postgres: [refusedConnection()],
    mysql: [refusedConnection()],
  },
  auth: {
    sqlite: [
      {
        what: 'a libSQL server refuses the token',
        level: 'fail',
        says: /token/,
        plant: async ({ reached: { target } }) => {
          const gateway = await startGateway({ target, token: 'the right token, and long enough' })
          onTestFinished(() => gateway.close())
          return { settings: { DATABASE_URL: `${gateway.url}?authToken=wrong` } }
        },
      },
    ],
    postgres: [
      wrongPassword(),
      {
        what: 'the user may not write',
        level: 'fail',
        says: /permission denied/,
        plant: byStatements(['revoke update on users from current_user'], ['grant update on users to current_user']),
      },
      {
        what: 'the database takes no writes',
        level: 'fail',
        says: /refuses writes/,
        plant: async (world) => {
          const name = new URL(world.reached.raw.url).pathname.slice(1)
          await world.query(`alter database ${name} set default_transaction_read_only = on`)
          return {
            async mend() {
              // The pool of this test has sessions from before, which may write.
              await world.query('set default_transaction_read_only = off')
              await world.query(`alter database ${name} reset default_transaction_read_only`)
            },
          }
        },
      },
    ],
    mysql: [wrongPassword()],
  },
  'database.exists': {
    sqlite: [
      {
        what: 'the file is not there',
        level: 'fail',
        says: /does not exist/,
        plant: byUrl((url) => url.replace('workflows.db', 'other.db')),
      },
    ],
    postgres: [missingDatabase()],
    mysql: [missingDatabase()],
  },
  tls: {
    sqlite: [plainGateway, plainLibsql],
    postgres: [plainGateway, unencrypted, unverified],
    mysql: [plainGateway, unencrypted, unverified],
  },
  charset: {
    sqlite: [
      {
        what: 'the file is UTF-16',
        level: 'fail',
        says: /UTF-16/,
        plant: elsewhere(async ({ url }) => {
          const client = createClient({ url: url.replace(/^[^/]*\/\/\//, 'file:') })
          await client.execute("pragma encoding = 'UTF-16'")
          await client.execute('create table other (id integer)')
          client.close()
        }),
      },
    ],
    postgres: [
      {
        what: 'the database is SQL_ASCII',
        level: 'fail',
        says: /SQL_ASCII/,
        plant: async (world) => {
          const name = `${new URL(world.reached.raw.url).pathname.slice(1)}_ascii`
          await world.query(
            `create database ${name} encoding 'SQL_ASCII' locale_provider libc locale 'C' template template0`,
          )
          onTestFinished(() => world.query(`drop database ${name} with (force)`))
          return { settings: { DATABASE_URL: world.reached.raw.url.replace(/[^/]+$/, name) } }
        },
      },
    ],
    mysql: [
      {
        what: 'a column is latin1',
        level: 'fail',
        says: /workflows\.name has the collation latin1/,
        plant: byStatements(['alter table workflows modify column name varchar(255) character set latin1 not null']),
        mendsItself: true,
      },
    ],
  },
  collation: {
    sqlite: [
      {
        what: 'a unique index ignores case',
        level: 'fail',
        says: /users\.username_key compares by NOCASE/,
        plant: byStatements(
          [
            'drop index users_username_key_unique',
            'create unique index users_username_key_unique on users (username_key collate nocase)',
          ],
          [
            'drop index users_username_key_unique',
            'create unique index users_username_key_unique on users (username_key)',
          ],
        ),
      },
    ],
    postgres: [
      {
        what: 'a column compares by the locale',
        level: 'fail',
        says: /workflows\.name has the collation default/,
        plant: byStatements(['alter table workflows alter column name type text collate "default"']),
        mendsItself: true,
      },
    ],
    mysql: [
      {
        what: 'a column ignores case',
        level: 'fail',
        says: /workflows\.name has the collation utf8mb4_general_ci/,
        plant: byStatements([
          'alter table workflows modify column name varchar(255) character set utf8mb4 collate utf8mb4_general_ci not null',
        ]),
        mendsItself: true,
      },
    ],
  },
  'schema.migrations': everywhere(
    {
      what: 'none is applied',
      level: 'fail',
      says: /0001_initial/,
      plant: elsewhere(async (other) => void (await other.query('create table unrelated (id integer)'))),
    },
    {
      what: 'one was edited',
      level: 'fail',
      says: /edited/,
      plant: async (world) => {
        const first = "where name = '0001_initial'"
        const [row] = await world.reached.raw.query(`select hash from migrations ${first}`)
        await world.query(`update migrations set hash = 'other' ${first}`)
        return { mend: () => world.query(`update migrations set hash = '${String(row?.['hash'])}' ${first}`) }
      },
    },
  ),
  'schema.table': everywhere(
    {
      what: 'a table is gone',
      level: 'fail',
      says: /login_attempts is missing/,
      plant: byStatements(['drop table login_attempts']),
      mendsItself: true,
    },
    {
      what: 'a table with foreign keys is gone',
      level: 'fail',
      says: /workflow_shares is missing/,
      plant: byStatements(['drop table workflow_shares']),
      mendsItself: true,
    },
    {
      what: "the migrator's own table is gone",
      level: 'fail',
      says: /table marks, or its row, is missing/,
      plant: byStatements(['alter table marks rename to lost'], ['alter table lost rename to marks']),
    },
    {
      what: 'the row that every query starts from is gone',
      level: 'fail',
      says: /table marks, or its row, is missing/,
      plant: byStatements(
        ["delete from marks where name = 'restore'"],
        ["insert into marks (name) values ('restore')"],
      ),
    },
  ),
  'schema.column': {
    sqlite: [
      {
        what: 'a column is gone',
        level: 'fail',
        says: /executions\.lease_owner is missing/,
        plant: byStatements(['alter table executions drop column lease_owner']),
        mendsItself: true,
      },
    ],
    postgres: [
      {
        what: 'a column is gone',
        level: 'fail',
        says: /executions\.lease_owner is missing/,
        plant: byStatements(['alter table executions drop column lease_owner']),
        mendsItself: true,
      },
      {
        what: 'a column has another type',
        level: 'fail',
        says: /revision is integer where bigint/,
        plant: byStatements(['alter table workflows alter column revision type integer']),
        mendsItself: true,
      },
    ],
    mysql: [
      {
        what: 'a column is gone',
        level: 'fail',
        says: /executions\.lease_owner is missing/,
        plant: byStatements(['alter table executions drop column lease_owner']),
        mendsItself: true,
      },
      {
        what: 'a column has another type',
        level: 'fail',
        says: /description is text where longtext/,
        plant: byStatements([
          'alter table workflows modify column description text character set utf8mb4 collate utf8mb4_bin',
        ]),
        mendsItself: true,
      },
    ],
  },
  'schema.index': perDialect((dialect) => [
    {
      what: 'an index is gone',
      level: 'fail',
      says: /executions_status_lease_until_id_index/,
      plant: byStatements([`drop index executions_status_lease_until_id_index${on(dialect, 'executions')}`]),
      mendsItself: true,
    },
    {
      what: 'a unique index is none, under its name',
      level: 'fail',
      says: /unique index users_username_key_unique .*the index of that name is another/,
      plant: byStatements([
        `drop index users_username_key_unique${on(dialect, 'users')}`,
        'create index users_username_key_unique on users (username_key)',
      ]),
      mendsItself: true,
    },
  ]),
  'schema.foreign_key': {
    sqlite: [
      {
        what: 'a table was made without its keys',
        level: 'warn',
        says: /workflow_shares \(shared_with_user_id\) to users/,
        plant: byStatements(
          ['drop table workflow_shares', shares(''), ...shareIndexes],
          [
            'drop table workflow_shares',
            shares(
              ', foreign key (workflow_id) references workflows (id), foreign key (shared_with_user_id) references users (id), foreign key (shared_by) references users (id)',
            ),
            ...shareIndexes,
          ],
        ),
      },
    ],
    postgres: [lostForeignKey('constraint')],
    mysql: [lostForeignKey('foreign key')],
  },
  'json.support': everywhere(withoutJson, otherJson),
  'pool.size': {
    sqlite: 'a file has no limit of connections',
    postgres: [
      tooLargePool(),
      greedyPool(),
      {
        what: 'the database allows fewer than the pool opens',
        level: 'fail',
        says: /allows 10 \(the database's connection limit\), which is less/,
        plant: async (world) => {
          const name = new URL(world.reached.raw.url).pathname.slice(1)
          await world.query(`alter database ${name} connection limit 10`)
          return { mend: () => world.query(`alter database ${name} connection limit -1`) }
        },
      },
    ],
    mysql: [tooLargePool(), greedyPool()],
  },
  clock: everywhere(
    { what: 'the clocks are minutes apart', level: 'fail', says: /behind this one/, plant: skewed(120_000) },
    { what: 'the clocks are seconds apart', level: 'warn', says: /ahead of this one/, plant: skewed(-5000) },
  ),
  'sqlite.production': {
    sqlite: [{ what: 'it is a file', level: 'fail', says: /SQLite file/, plant: () => Promise.resolve({}) }],
    postgres: 'it is no SQLite',
    mysql: 'it is no SQLite',
  },
  replica: perDialect((dialect) => [
    {
      what: 'it has another dialect',
      level: 'fail',
      says: /DATABASE_READ_URL/,
      plant: bySettings({
        DATABASE_READ_URL: dialect === 'mysql' ? 'postgresql://u:p@127.0.0.1/d' : 'mysql://u:p@127.0.0.1/d',
      }),
    },
    {
      what: 'it can not be reached',
      level: 'fail',
      says: /can't be read/,
      plant: async (world) => ({ settings: { DATABASE_READ_URL: await deadUrl(world) } }),
    },
    {
      what: 'it is another database',
      level: 'fail',
      says: /lacks migrations|can't be read/,
      plant: async (world) => {
        const other = await world.another()
        await other.query('create table unrelated (id integer)')
        return { settings: { DATABASE_READ_URL: other.url } }
      },
    },
    {
      what: 'it lags',
      level: 'fail',
      says: /at least \d+\.\d s behind/,
      plant: async (world) => {
        const other = await world.another()
        await migrateOther(other, world)
        await world.query(`update backups set created_at = ${ago(dialect, 1)}`)
        return { settings: { DATABASE_READ_URL: other.url }, mend: () => renewBackup(world) }
      },
    },
    {
      what: 'it is the primary itself',
      level: 'warn',
      says: /accepts writes/,
      plant: ({ reached: { raw } }) => Promise.resolve({ settings: { DATABASE_READ_URL: raw.url } }),
    },
  ]),
  'backup.configured': everywhere(noBackup, {
    what: 'what is kept can not be read',
    level: 'fail',
    says: /BACKUP_KEEP/,
    plant: bySettings({ BACKUP_KEEP: 'seven days' }),
  }),
  'backup.age': perDialect((dialect) => [
    backupSet(
      'the newest is of three days ago',
      'fail',
      /3 days old/,
      () => `created_at = ${ago(dialect, 73)}`,
    )(dialect),
    backupSet('one was missed', 'warn', /30 h old/, () => `created_at = ${ago(dialect, 30)}`)(dialect),
    backupSet(
      'each has failed',
      'fail',
      /No backup has succeeded.*disk_full/,
      () => "result = 'failed: disk_full'",
    )(dialect),
    {
      what: 'the newest has failed',
      level: 'warn',
      says: /A later one did not succeed \(failed: internal\)/,
      plant: async (world) => {
        await addBackup(world, 'failed: internal')
        return { mend: () => renewBackup(world) }
      },
    },
  ]),
  'backup.encrypted': perDialect((dialect) => [
    backupSet('the newest is not', 'warn', /not encrypted/, () =>
      dialect === 'postgres' ? 'is_encrypted = false' : 'is_encrypted = 0',
    )(dialect),
    {
      what: 'its recipients can not be read',
      level: 'fail',
      says: /BACKUP_RECIPIENTS/,
      plant: bySettings({ BACKUP_RECIPIENTS: 'somebody' }),
    },
  ]),
  'backup.drilled': perDialect((dialect) => [
    backupSet('none ever was', 'fail', /No restore test/, () => 'drilled_at = null')(dialect),
    backupSet(
      'the last was long ago',
      'warn',
      /50 days ago/,
      () => `drilled_at = ${ago(dialect, 24 * 50 + 1)}`,
    )(dialect),
  ]),
  'secret.auth_keys': everywhere(
    { what: 'none is set', level: 'fail', says: /AUTH_KEYS is not set/, plant: bySettings({ AUTH_KEYS: '' }) },
    { what: 'one is short', level: 'fail', says: /32 bytes/, plant: bySettings({ AUTH_KEYS: 'a:aGVsbG8' }) },
    {
      what: 'one is not a random key',
      level: 'fail',
      says: /not a random key/,
      plant: bySettings({ AUTH_KEYS: `a:${Buffer.alloc(32, 'ab').toString('base64url')}` }),
    },
  ),
  'secret.settings_keys': everywhere(
    { what: 'none is set', level: 'fail', says: /SETTINGS_KEYS is not set/, plant: bySettings({ SETTINGS_KEYS: '' }) },
    {
      what: 'one is long',
      level: 'fail',
      says: /exactly 32/,
      plant: bySettings({ SETTINGS_KEYS: `a:${'A'.repeat(44)}` }),
    },
  ),
  'secret.metrics_token': everywhere(
    { what: 'none is set', level: 'warn', says: /METRICS_TOKEN is not set/, plant: bySettings({ METRICS_TOKEN: '' }) },
    { what: 'it is a word', level: 'fail', says: /guessed/, plant: bySettings({ METRICS_TOKEN: 'hush' }) },
  ),
  'secret.reuse': everywhere({
    what: 'one key signs and seals and reads metrics',
    level: 'fail',
    says: /AUTH_KEYS \(auth\) and SETTINGS_KEYS \(seal\) and METRICS_TOKEN/,
    plant: ({ settings: { AUTH_KEYS = '' } }) => {
      const secret = AUTH_KEYS.split(':')[1] ?? ''
      return Promise.resolve({ settings: { SETTINGS_KEYS: `seal:${secret}`, METRICS_TOKEN: secret } })
    },
  }),
  'executions.kept': everywhere({
    what: 'ten thousand have ended, and nothing deletes them',
    level: 'warn',
    says: /10000 ended executions or more/,
    plant: async (world) => {
      await addStaleRows(world.reached)
      const ten = Array.from({ length: 10 }, (_, number) => `select ${number} as n`).join(' union all ')
      const moment = world.reached.raw.dialect === 'sqlite' ? '0' : "'2026-01-01 00:00:00'"
      await world.query(
        `insert into executions (id, workflow_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at) select concat('x', a.n, b.n, c.n, d.n), 'w', 'completed', 1, 1, 3, 1, ${moment}, ${moment} from (${ten}) a cross join (${ten}) b cross join (${ten}) c cross join (${ten}) d`,
      )
      return {
        async mend() {
          for (const table of staleTables) await world.query(`delete from ${table}`)
        },
      }
    },
  }),
  'registration.open': everywhere({
    what: 'anyone may register',
    level: 'warn',
    says: /can register/,
    plant: bySettings({ REGISTRATION: 'open' }),
  }),
  jit: {
    sqlite: 'SQLite compiles nothing',
    postgres: 'the server of the tests is built without a compiler',
    mysql: 'MySQL compiles nothing',
  },
  'restore.unfinished': everywhere({
    what: 'a restore broke off',
    level: 'fail',
    says: /abcdef012345.*in workflows, after 17 rows/,
    plant: byStatements(
      [
        `update marks set value = '{"digest":"abcdef0123456789","progress":{"table":"workflows","rows":17}}' where name = 'restore'`,
      ],
      ["update marks set value = null where name = 'restore'"],
    ),
  }),
  'rows.stale': everywhere({
    what: 'nobody sweeps and nobody works',
    level: 'warn',
    says: /1 leases.*1 Idempotency-Keys/,
    plant: async (world) => {
      await addStaleRows(world.reached)
      return {
        async mend() {
          for (const table of staleTables) await world.query(`delete from ${table}`)
        },
      }
    },
  }),
}

function shares(keys: string): string {
  return `create table workflow_shares (id text primary key not null, workflow_id text not null, shared_with_user_id text not null, permission text not null, created_at integer not null, shared_by text${keys})`
}

function refusedConnection(): Plant {
  return {
    what: 'nobody listens there',
    level: 'fail',
    says: /./,
    plant: byUrl((url, port) => url.replace(/:\d+\//, `:${port}/`)),
  }
}

function wrongPassword(): Plant {
  return {
    what: 'the password is wrong',
    level: 'fail',
    says: /password|denied/i,
    plant: byUrl((url) => url.replace(/:[^:@/]+@/, ':wrong-hush@')),
  }
}

function missingDatabase(): Plant {
  return {
    what: 'there is no such database',
    level: 'fail',
    says: /millrace_nothing/,
    plant: byUrl((url) => url.replace(/[^/]+$/, 'millrace_nothing')),
  }
}

function lostForeignKey(words: string): Plant {
  return {
    what: 'one is gone',
    level: 'warn',
    says: /workflows_owner_id_users_id_fk/,
    plant: byStatements([`alter table workflows drop ${words} workflows_owner_id_users_id_fk`]),
    mendsItself: true,
  }
}

function tooLargePool(): Plant {
  return {
    what: 'it is larger than the server allows',
    level: 'fail',
    says: /up to 410 connections.*max_connections.*which is less/,
    plant: byUrl((url) => `${url}?pool_size=400`),
  }
}

function greedyPool(): Plant {
  return {
    what: 'it leaves nothing for others',
    level: 'warn',
    says: /up to 260 connections.*nothing is left/,
    plant: byUrl((url) => `${url}?pool_size=250`),
  }
}

async function deadUrl({ dialect, reached: { raw } }: World): Promise<string> {
  if (dialect === 'sqlite') return raw.url.replace('workflows.db', 'replica.db')
  return raw.url.replace(/:\d+\//, `:${await findFreePort()}/`)
}
