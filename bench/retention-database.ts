import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { DialectName } from '../test/dialects.ts'
import type { ServerAddress } from '../test/servers/address.ts'
import { createMariadbCluster } from '../test/servers/mariadb.ts'
import { createPostgresCluster, createPostgresUser } from '../test/servers/postgres.ts'
import type { StartedServers } from '../test/servers/protocol.ts'
import { createDatabase } from './databases.ts'
import { bulkMariadb, bulkPostgres, bulkSqlite } from './retention-bulk.ts'

/** What transactions have waited for others' locks, from one look to the other; undefined where the database does not say. */
export interface LockWaits {
  readonly waits: number
  readonly milliseconds: number
  readonly deadlocks: number
}

/** A database on a server of its own, with the memory that a server has and with what tidies up behind deletions. */
export interface RetentionDatabase {
  readonly url: string
  /** Runs statements that bring many rows in. */
  load(statements: Iterable<string>): Promise<void>
  lockWaits(): Promise<LockWaits | undefined>
  bytes(): Promise<number>
  stop(): Promise<void>
}

const none = { missing: 'not started for this bench' } as const

export async function startRetentionDatabase(
  dialect: DialectName,
  directory: string,
  unwanted: AbortSignal,
): Promise<RetentionDatabase> {
  switch (dialect) {
    case 'sqlite':
      return sqliteDatabase(directory)
    case 'postgres':
      return postgresDatabase(directory, unwanted)
    case 'mysql':
      return mariadbDatabase(directory, unwanted)
  }
}

async function sqliteDatabase(directory: string): Promise<RetentionDatabase> {
  const { url } = await createDatabase('sqlite', { postgres: none, mysql: none }, directory)
  const file = url.slice('sqlite+aiosqlite:///'.length)
  return {
    url,
    load: (statements) => Promise.resolve(bulkSqlite(file, statements)),
    lockWaits: () => Promise.resolve(undefined),
    bytes: () => Promise.resolve(sizeOf(dirname(file))),
    stop: () => Promise.resolve(),
  }
}

const postgresSettings = {
  autovacuum: 'on',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  log_min_messages: 'log',
}

async function postgresDatabase(directory: string, unwanted: AbortSignal): Promise<RetentionDatabase> {
  const cluster = await createPostgresCluster(join(directory, 'postgres'), unwanted, postgresSettings)
  const server = await cluster.start()
  const address = await createPostgresUser(cluster)
  const { url, name } = await created('postgres', { postgres: address, mysql: none }, directory)
  const admin = new pg.Client({ ...cluster.superuser })
  await admin.connect()
  const watch = watchWaiting(admin)
  return {
    url,
    load: (statements) => bulkPostgres({ ...cluster.superuser, database: name }, statements),
    async lockWaits() {
      const { rows } = await admin.query<{ deadlocks: string }>(
        'select deadlocks from pg_stat_database where datname = $1',
        [name],
      )
      return { ...watch.seen(), deadlocks: Number(rows[0]?.deadlocks ?? 0) }
    },
    async bytes() {
      const { rows } = await admin.query<{ bytes: string }>('select pg_database_size($1) as bytes', [name])
      return Number(rows[0]?.bytes ?? 0)
    },
    async stop() {
      await watch.stop()
      await admin.end()
      await server.stop()
    },
  }
}

const lookMilliseconds = 20

/** PostgreSQL counts no waits: who waits is looked at, and each one seen counts for the time between two looks. */
function watchWaiting(admin: pg.Client) {
  let waits = 0
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { rows } = await admin.query<{ waiting: string }>(
        "select count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock'",
      )
      waits += Number(rows[0]?.waiting ?? 0)
      await new Promise((resolve) => setTimeout(resolve, lookMilliseconds))
    }
  }
  const looking = look()
  return {
    seen: () => ({ waits, milliseconds: waits * lookMilliseconds }),
    async stop() {
      stopping.abort()
      await looking
    },
  }
}

const mariadbSettings = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M']

async function mariadbDatabase(directory: string, unwanted: AbortSignal): Promise<RetentionDatabase> {
  const cluster = await createMariadbCluster(join(directory, 'mariadb'), unwanted, mariadbSettings)
  if ('missing' in cluster) throw new Error(cluster.missing)
  const server = await cluster.start()
  const { url, name } = await created('mysql', { postgres: none, mysql: cluster.address }, directory)
  const admin = await administrator(cluster.administrator)
  return {
    url,
    load: (statements) => bulkMariadb({ ...cluster.administrator, database: name }, statements),
    async lockWaits() {
      const [rows] = await admin.query<mysql.RowDataPacket[]>("show global status like 'Innodb_%'")
      const of = (variable: string) => Number(rows.find((row) => row['Variable_name'] === variable)?.['Value'] ?? 0)
      return {
        waits: of('Innodb_row_lock_waits'),
        milliseconds: of('Innodb_row_lock_time'),
        deadlocks: of('Innodb_deadlocks'),
      }
    },
    bytes: () => Promise.resolve(sizeOf(join(cluster.dataDirectory, name))),
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

async function administrator({ host, port, user, password }: ServerAddress): Promise<mysql.Connection> {
  return mysql.createConnection({ host, port, user, password })
}

async function created(dialect: DialectName, servers: StartedServers, directory: string) {
  const { url } = await createDatabase(dialect, servers, directory)
  return { url, name: new URL(url).pathname.slice(1) }
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
}
