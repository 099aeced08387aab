import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, inject, test, type SuiteCollector } from 'vitest'
import { isCi } from '../scripts/run-seed.ts'
import { dealt, drawn, isSampled, keepTests, type Candidate } from './sampling.ts'
import { served } from './served.ts'
import type { MissingServer, ServerAddress } from './servers/address.ts'
import { otherServerNames } from './servers/protocol.ts'

export { isCi }

export const dialects = ['sqlite', 'postgres', 'mysql'] as const
export type DialectName = (typeof dialects)[number]

const serverDialects = ['postgres', 'mysql'] as const
export type ServerDialect = (typeof serverDialects)[number]

const dialectsOf: Readonly<Record<typeof served, readonly DialectName[]>> = {
  functions: dialects,
  serve: dialects,
  // It reaches servers alone.
  hyperdrive: serverDialects,
  d1: ['sqlite'],
}

/** In a project of another server of MySQL's dialect, its name: the suites run on that alone. */
export const otherServer = otherServerNames.find((name) => name === process.env['TEST_PROJECT_SERVER'])

const servedDialects: readonly DialectName[] = otherServer === undefined ? dialectsOf[served] : ['mysql']

const servedServers = serverDialects.filter((dialect) => servedDialects.includes(dialect))

export type RawRow = Readonly<Record<string, unknown>>

/** An empty database of its own, for one suite. */
export interface TestDatabase {
  readonly dialect: DialectName
  /** As a user writes it: `postgresql+asyncpg://…`, `mysql+aiomysql://…`, `sqlite+aiosqlite:///…`. */
  readonly url: string
  /**
   * Runs one statement of the dialect's own SQL past all of Millrace, and gives the rows as its driver has them.
   * Parameters are `?` on SQLite and MySQL, `$1` on PostgreSQL.
   */
  query(statement: string, parameters?: readonly (string | number | null)[]): Promise<readonly RawRow[]>
  /** Ends its connections and removes the database. */
  drop(): Promise<void>
}

export interface FreshDatabase extends TestDatabase {
  /** Ends its connections, and gives what others are made from; nobody may write to it any more. */
  freeze(): Promise<Template>
}

/** What a new database is copied from: files, databases, or statements that make one. */
export type Template =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'postgres'; readonly database: string }
  | { readonly dialect: 'mysql'; readonly statements: readonly string[] }

type Keep<Variant> = (candidate: Candidate<Variant>) => boolean

/**
 * Declares a suite for each dialect. Where a server can't be had, its suite is one skipped test that says why, and in
 * CI, where nothing may be missing, a failed one. Where the service is not run as functions (TEST_SERVICE), a run of
 * everything has the suite on one of its dialects, by seed, and on another server half of its tests.
 */
export function describeDialects(suite: (dialect: DialectName) => void): void {
  describeEach(
    servedDialects,
    suite,
    otherServer !== undefined ? halfOnOne : served === 'functions' ? everything : onOne,
  )
}

/** As {@link describeDialects}, and each test on one dialect at least however the service is run. */
export function describeDialectsEverywhere(suite: (dialect: DialectName) => void): void {
  describeEach(servedDialects, suite, served === 'functions' ? everything : inTurn)
}

/**
 * As {@link describeDialects}, where many tests are cases of one rule, and none needs another: a run of everything has
 * each test on one dialect and each dialect with its share of the tests, by seed. Where the service is not run as
 * functions, or is on another server, it has half of the tests, on one dialect.
 */
export function describeDialectsByTest(suite: (dialect: DialectName) => void): void {
  describeEach(servedDialects, suite, served === 'functions' && otherServer === undefined ? inTurn : halfOnOne)
}

/**
 * As {@link describeDialects}, where a database has little part in it, as in a browser or a deployment: a run of
 * everything has each test on one of those dialects that have it, by seed.
 */
export function describeDialectsInTurn(suite: (dialect: DialectName) => void): void {
  describeEach(servedDialects, suite, inTurn)
}

/**
 * As {@link describeDialects}, where a database has little part in it and its tests build on each other, as those of a
 * command do: a run of everything has the whole suite on one dialect, by seed.
 */
export function describeOneDialect(suite: (dialect: DialectName) => void): void {
  describeEach(servedDialects, suite, onOne)
}

/**
 * Within a suite of a dialect: a suite for each dialect at the other end of a pair. A run of everything has three of the
 * nine pairs, by seed, so that each dialect is at either end once.
 */
export function describePartners(dialect: DialectName, suite: (partner: DialectName) => void): void {
  describeEach(dialects, suite, ({ variant, file }) => {
    const distance = drawn(`partners ${file}`, dialects.length)
    return dialects.indexOf(variant) === (dialects.indexOf(dialect) + distance) % dialects.length
  })
}

/**
 * The cases of a rule that are a dialect's own in a run of everything: each case is on one dialect, and each dialect has
 * its share, by seed. All of them where the run is not sampled.
 */
export function casesOn<Case>(dialect: DialectName, cases: readonly Case[], name: string): readonly Case[] {
  if (!isSampled) return cases
  return dealt(cases, dialects.length, name)[dialects.indexOf(dialect)] ?? []
}

/** As {@link describeDialects}, for those that are servers. */
export function describeServers(suite: (dialect: ServerDialect) => void): void {
  describeEach(servedServers, suite, everything)
}

/** As {@link describeDialectsInTurn}, for those that are servers. */
export function describeServersInTurn(suite: (dialect: ServerDialect) => void): void {
  describeEach(servedServers, suite, inTurn)
}

const everything = (): boolean => true

const inTurn: Keep<DialectName> = ({ variant, having, turn, file }) =>
  having[(turn + drawn(`${served} ${file}`, having.length)) % having.length] === variant

const onOne: Keep<DialectName> = ({ variant, having, file }) =>
  having[drawn(`${served} ${file}`, having.length)] === variant

const halfOnOne: Keep<DialectName> = (candidate) =>
  onOne(candidate) && (candidate.turn + drawn(`half of ${otherServer ?? served} ${candidate.file}`, 2)) % 2 === 0

function describeEach<Each extends DialectName>(
  among: readonly Each[],
  suite: (dialect: Each) => void,
  keep: Keep<Each>,
): void {
  const declared = new Map<Each, SuiteCollector>()
  for (const dialect of among) {
    const reason = missingReason(dialect)
    const collector = describe(dialect, () => {
      if (reason === undefined) {
        suite(dialect)
        return
      }
      test('has a server to run on', (context) => {
        if (!isCi()) context.skip(reason)
        expect.fail(reason)
      })
    })
    if (reason === undefined) declared.set(dialect, collector)
  }
  if (isSampled) keepTests(declared, keep)
}

/** Declares a test where there is something to test. One that is left out so is no skipped one: nothing is missing. */
export function testWhere(
  condition: boolean,
  name: string,
  work: () => Promise<void> | void,
  timeoutMilliseconds?: number,
): void {
  // oxlint-disable-next-line vitest/expect-expect -- the caller's work has them
  if (condition) test(name, work, timeoutMilliseconds)
}

/** Makes a new database, empty unless a template of its dialect is given. Rejects where the dialect's server is missing. */
export async function freshDatabase(dialect: DialectName, template?: Template): Promise<FreshDatabase> {
  const name = `millrace_${randomBytes(6).toString('hex')}`
  switch (dialect) {
    case 'sqlite':
      return freshSqlite(name, template?.dialect === dialect ? template.file : undefined)
    case 'postgres':
      return freshPostgres(name, template?.dialect === dialect ? template.database : 'template1')
    case 'mysql':
      return freshMysql(name, template?.dialect === dialect ? template.statements : [])
  }
}

function missingReason(dialect: DialectName): string | undefined {
  if (dialect === 'sqlite') return undefined
  const server = serverOrReason(dialect)
  return 'missing' in server ? server.missing : undefined
}

function serverOrReason(dialect: ServerDialect): ServerAddress | MissingServer {
  return inject('servers')[otherServer ?? dialect] ?? { missing: 'it was not asked for' }
}

function serverOf(dialect: 'postgres' | 'mysql'): ServerAddress {
  const server = serverOrReason(dialect)
  if ('missing' in server) throw new Error(server.missing)
  return server
}

function urlOf(scheme: string, { user, password, host, port }: ServerAddress, database: string): string {
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

function freshSqlite(name: string, template: string | undefined): FreshDatabase {
  const directory = join(inject('dataDirectory'), 'sqlite', name)
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'workflows.db')
  if (template !== undefined) copyFileSync(template, path)
  const query = async (statement: string, parameters: readonly (string | number | null)[] = []) => {
    // Opened for each statement: a client that stays keeps the file's locks and write-ahead log.
    const client = createClient({ url: `file:${path}`, intMode: 'bigint' })
    try {
      await client.execute('pragma busy_timeout = 10000')
      const { rows } = await client.execute({ sql: statement, args: [...parameters] })
      return rows.map((row) => ({ ...row }))
    } finally {
      client.close()
    }
  }
  return {
    dialect: 'sqlite',
    url: `sqlite+aiosqlite:///${path}`,
    query,
    drop() {
      rmSync(directory, { recursive: true, force: true })
      return Promise.resolve()
    },
    async freeze() {
      // The file alone may lack what its write-ahead log holds.
      const file = join(directory, 'template.db')
      await query(`vacuum into '${file}'`)
      return { dialect: 'sqlite', file }
    },
  }
}

async function freshPostgres(name: string, template: string): Promise<FreshDatabase> {
  const server = serverOf('postgres')
  await withPostgres(server, (admin) => admin.query(`create database ${name} template ${template}`))
  const pool = new pg.Pool({ ...server, database: name, max: 2 })
  // A server that a test takes down ends idle connections; the query that meets it rejects by itself.
  pool.on('error', () => undefined)
  return {
    dialect: 'postgres',
    url: urlOf('postgresql+asyncpg', server, name),
    async query(statement, parameters = []) {
      const { rows } = await pool.query<RawRow>(statement, [...parameters])
      return rows
    },
    async drop() {
      await pool.end()
      await withPostgres(server, (admin) => admin.query(`drop database ${name} with (force)`))
    },
    async freeze() {
      await pool.end()
      return { dialect: 'postgres', database: name }
    },
  }
}

async function withPostgres(server: ServerAddress, work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ ...server })
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}

async function freshMysql(name: string, statements: readonly string[]): Promise<FreshDatabase> {
  const { database: _none, ...server } = serverOf('mysql')
  const admin = await mysql.createConnection(server)
  // Without a character set, so that the server's hostile default holds.
  await admin.query(`create database ${name}`)
  if (statements.length > 0) await admin.query(`use ${name}`)
  for (const statement of statements) await admin.query(statement)
  const pool = mysql.createPool({ ...server, database: name, charset: 'utf8mb4', connectionLimit: 2 })
  const query = async (statement: string, parameters: readonly (string | number | null)[] = []) => {
    const [rows] = await pool.query<mysql.RowDataPacket[]>(statement, [...parameters])
    return Array.isArray(rows) ? rows : []
  }
  const close = () => Promise.all([pool.end(), admin.end()])
  return {
    dialect: 'mysql',
    url: urlOf('mysql+aiomysql', { database: '', ...server }, name),
    query,
    async drop() {
      await admin.query(`drop database ${name}`)
      await close()
    },
    async freeze() {
      const statements = await statementsThatMake(name, query)
      await close()
      return { dialect: 'mysql', statements }
    },
  }
}

/** MariaDB copies no database: its tables one by one, keys to tables that come later included, and their rows. */
async function statementsThatMake(name: string, query: TestDatabase['query']): Promise<readonly string[]> {
  const tables = (await query('show tables')).flatMap((row) => Object.values(row).map(String))
  const made: string[] = []
  for (const table of tables) {
    const [row] = await query(`show create table ${table}`)
    made.push(String(row?.['Create Table']))
  }
  const filled = tables.map((table) => `insert into ${table} select * from ${name}.${table}`)
  return ['set foreign_key_checks = 0', ...made, ...filled]
}
