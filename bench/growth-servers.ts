import { join } from 'node:path'
import type { Database } from '@millrace/db/store/database'
import mysql from 'mysql2/promise'
import type { DialectName, TestDatabase } from '../test/dialects.ts'
import type { MissingServer, ServerAddress } from '../test/servers/address.ts'
import { findDebianPostgres } from '../test/servers/debian-postgres.ts'
import { createMariadbCluster } from '../test/servers/mariadb.ts'
import { createPostgresCluster, createPostgresUser } from '../test/servers/postgres.ts'
import type { ServerProcess } from '../test/servers/process.ts'
import type { StartedServers } from '../test/servers/protocol.ts'

export interface GrowthServers {
  readonly started: StartedServers
  stop(): Promise<void>
}

/** The tests' own has 64 MB of memory: beyond some 100,000 rows it would measure the disk. */
const mariadbSettings = ['--innodb-buffer-pool-size=4G', '--loose-innodb-log-file-size=1G']

/** Starts those servers that are wanted, PostgreSQL as Debian has it. */
export async function startGrowthServers(directory: string, wanted: readonly DialectName[]): Promise<GrowthServers> {
  const processes: ServerProcess[] = []
  const unwanted = new AbortController().signal
  const isWanted = (name: DialectName) => wanted.includes(name)
  const none: MissingServer = { missing: 'it was not asked for' }
  async function postgres(): Promise<ServerAddress> {
    const programs = findDebianPostgres()
    if ('missing' in programs) throw new Error(programs.missing)
    const settings = { jit: 'on', max_wal_size: '4GB' }
    const cluster = await createPostgresCluster(join(directory, 'postgres'), unwanted, settings, programs)
    processes.push(await cluster.start())
    return createPostgresUser(cluster)
  }
  async function mariadb(): Promise<ServerAddress> {
    const cluster = await createMariadbCluster(join(directory, 'mariadb'), unwanted, mariadbSettings)
    if ('missing' in cluster) throw new Error(cluster.missing)
    processes.push(await cluster.start())
    return cluster.address
  }
  return {
    started: {
      postgres: isWanted('postgres') ? await postgres() : none,
      mysql: isWanted('mysql') ? await mariadb() : none,
    },
    async stop() {
      for (const server of processes) await server.stop()
    },
  }
}

export interface Filling {
  readonly raw: TestDatabase
  close(): Promise<void>
}

/** A session that a database is filled by: of MariaDB's without the checks that take half of the time. */
export async function openFilling(dialect: DialectName, url: string, database: Database): Promise<Filling> {
  const raw = { dialect, url, drop: () => Promise.resolve() }
  if (dialect !== 'mysql') {
    const query = async (text: string) => {
      await database.transport().run({ text, parameters: [], timeoutSeconds: 600 })
      return []
    }
    return { raw: { ...raw, query }, close: () => Promise.resolve() }
  }
  const session = await mysql.createConnection(url.replace('mysql+aiomysql', 'mysql'))
  await session.query('set foreign_key_checks = 0, unique_checks = 0')
  const query = async (text: string) => {
    await session.query(text)
    return []
  }
  return { raw: { ...raw, query }, close: () => session.end() }
}
