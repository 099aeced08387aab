import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { DialectName } from '../dialects.ts'
import { testPassword, type MissingServer, type ServerAddress } from '../servers/address.ts'
import type { StartedServers } from '../servers/protocol.ts'

/** A database past all of Millrace: what it holds is kept, looked at and put back. */
export interface Ground {
  readonly dialect: DialectName
  /** As a user writes it. */
  readonly url: string
  /** Runs statements of the dialect's own SQL, which give nothing back. */
  execute(statements: string): Promise<void>
  /** Keeps what every table holds now. */
  keep(): Promise<void>
  /** Makes every table hold again what was kept. */
  restore(): Promise<void>
  /** All rows of all tables, each as `table {"column":value}`, with times as the driver has them. */
  rows(): Promise<readonly string[]>
  /** Whether the server says that this connection waits for a lock. */
  isWaiting(backend: number): Promise<boolean>
  close(): Promise<void>
}

export interface Place {
  readonly servers: StartedServers
  /** Where SQLite's files go. */
  readonly directory: string
}

/** Makes an empty database on a server of the run. It goes with the servers. */
export function makeGround(dialect: DialectName, place: Place): Promise<Ground> {
  const name = `millrace_serial_${randomBytes(6).toString('hex')}`
  switch (dialect) {
    case 'sqlite':
      return Promise.resolve(sqliteGround(join(place.directory, name)))
    case 'postgres':
      return postgresGround(addressOf(place.servers.postgres), name)
    case 'mysql':
      return mysqlGround(addressOf(place.servers.mysql), name)
  }
}

function addressOf(server: ServerAddress | MissingServer): ServerAddress {
  if ('missing' in server) throw new Error(server.missing)
  return server
}

function urlOf(scheme: string, { user, password, host, port }: ServerAddress, database: string): string {
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

/** The migrator's own table is no part of what a write leaves. */
const isProduct = (table: string): boolean => table !== 'migrations' && !table.startsWith('kept_')

interface Reference {
  readonly child: string
  readonly parent: string
}

/** Parents before their children, so that rows can be put back under foreign keys. */
function parentsFirst(tables: readonly string[], references: readonly Reference[]): readonly string[] {
  const sorted: string[] = []
  const visit = (table: string): void => {
    if (sorted.includes(table)) return
    for (const { child, parent } of references) if (child === table && parent !== table) visit(parent)
    sorted.push(table)
  }
  for (const table of tables) visit(table)
  return sorted
}

function keepSql(tables: readonly string[]): string {
  return tables.map((table) => `create table kept_${table} as select * from ${table}`).join(';\n')
}

function restoreSql(tables: readonly string[]): string {
  const emptied = tables.toReversed().map((table) => `delete from ${table}`)
  return [...emptied, ...tables.map((table) => `insert into ${table} select * from kept_${table}`)].join(';\n')
}

function sqliteGround(directory: string): Ground {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'workflows.db')
  const url = `sqlite+aiosqlite:///${path}`
  let opened: Database.Database | undefined
  let tables: readonly string[] = []
  // Opened by its first use: the gateway makes the file.
  const database = (): Database.Database => {
    opened ??= new Database(path, { timeout: 10_000 })
    return opened
  }
  const list = (sql: string) => database().prepare(sql).raw().all([]) as unknown[][]
  return {
    dialect: 'sqlite',
    url,
    execute(statements) {
      database().exec(statements)
      return Promise.resolve()
    },
    keep() {
      const names = list(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
      tables = names.map(([name]) => String(name)).filter(isProduct)
      database().exec(keepSql(tables))
      return Promise.resolve()
    },
    restore() {
      database().exec(`pragma foreign_keys = off;\nbegin immediate;\n${restoreSql(tables)};\ncommit`)
      return Promise.resolve()
    },
    rows() {
      const found = tables.flatMap((table) =>
        (database().prepare(`select * from ${table}`).all([]) as object[]).map(
          (row) => `${table} ${JSON.stringify(row)}`,
        ),
      )
      return Promise.resolve(found)
    },
    isWaiting: () => Promise.resolve(false),
    close() {
      opened?.close()
      return Promise.resolve()
    },
  }
}

async function postgresGround(server: ServerAddress, name: string): Promise<Ground> {
  const admin = new pg.Client({ ...server })
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const client = new pg.Client({ ...server, database: name })
  await client.connect()
  await client.query(`set timezone = 'UTC'`)
  let tables: readonly string[] = []
  let restorations = 0
  return {
    dialect: 'postgres',
    url: urlOf('postgresql+asyncpg', server, name),
    async execute(statements) {
      await client.query(statements)
    },
    async keep() {
      const { rows } = await client.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
      )
      const { rows: references } = await client.query<Reference>(
        `select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint where contype = 'f'`,
      )
      tables = parentsFirst(rows.map(({ name: table }) => table).filter(isProduct), references)
      await client.query(keepSql(tables))
    },
    async restore() {
      await client.query(restoreSql(tables))
      restorations += 1
      // Autovacuum is off on the tests' server: rows that were deleted would slow down each scan.
      if (restorations % 100 === 0) for (const table of tables) await client.query(`vacuum ${table}`)
    },
    async rows() {
      const parts = tables.map((table) => `select '${table} ' || row_to_json(t)::text as row from ${table} t`)
      const { rows } = await client.query<{ row: string }>(parts.join(' union all '))
      return rows.map(({ row }) => row)
    },
    async isWaiting(backend) {
      const { rows } = await client.query<{ waits: boolean }>('select cardinality(pg_blocking_pids($1)) > 0 as waits', [
        backend,
      ])
      return rows[0]?.waits === true
    },
    close: () => client.end(),
  }
}

async function mysqlGround({ database: _none, ...server }: ServerAddress, name: string): Promise<Ground> {
  const admin = await mysql.createConnection(server)
  await admin.query(`create database ${name}`)
  await admin.end()
  const connection = await mysql.createConnection({
    ...server,
    database: name,
    charset: 'utf8mb4',
    multipleStatements: true,
    dateStrings: true,
  })
  // A user that may look at others' locks, which the product's may not.
  const observer = await mysql.createConnection({ ...server, user: 'observer', password: testPassword })
  let tables: readonly string[] = []
  return {
    dialect: 'mysql',
    url: urlOf('mysql+aiomysql', { database: '', ...server }, name),
    async execute(statements) {
      await connection.query(statements)
    },
    async keep() {
      const [rows] = await connection.query<mysql.RowDataPacket[]>('show tables')
      tables = rows.flatMap((row) => Object.values(row).map(String)).filter(isProduct)
      await connection.query(keepSql(tables))
    },
    async restore() {
      await connection.query(`set foreign_key_checks = 0;\nbegin;\n${restoreSql(tables)};\ncommit`)
    },
    async rows() {
      const [results] = await connection.query<mysql.RowDataPacket[][]>(
        tables.map((table) => `select * from ${table}`).join(';'),
      )
      return results.flatMap((rows, index) => rows.map((row) => `${tables[index] ?? ''} ${JSON.stringify(row)}`))
    },
    async isWaiting(backend) {
      // innodb_trx and innodb_lock_waits are renewed ten times a second at most, and not while they are asked for more
      // often than that; this view is of the moment.
      const [rows] = await observer.query<mysql.RowDataPacket[]>('show engine innodb status')
      return waitingThreads(String(rows[0]?.['Status'])).has(backend)
    },
    async close() {
      await connection.end()
      await observer.end()
    },
  }
}

/** Of InnoDB's list of transactions: those whose block says `LOCK WAIT`. */
function waitingThreads(status: string): ReadonlySet<number> {
  const blocks = status.split('---TRANSACTION ').slice(1)
  const waiting = blocks.filter((block) => /^LOCK WAIT /m.test(block))
  return new Set(waiting.map((block) => Number(/thread id (\d+)/.exec(block)?.[1] ?? Number.NaN)))
}
