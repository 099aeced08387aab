import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { DialectName } from '../test/dialects.ts'
import type { MissingServer, ServerAddress } from '../test/servers/address.ts'
import type { StartedServers } from '../test/servers/protocol.ts'

export interface BenchDatabase {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** Makes an empty database. Whatever it is, it goes with the servers and the folder when the run ends. */
export async function createDatabase(
  dialect: DialectName,
  servers: StartedServers,
  directory: string,
): Promise<BenchDatabase> {
  const name = `millrace_bench_${randomBytes(6).toString('hex')}`
  switch (dialect) {
    case 'sqlite': {
      mkdirSync(join(directory, name))
      return { url: `sqlite+aiosqlite:///${join(directory, name, 'workflows.db')}`, user: '', password: '' }
    }
    case 'postgres': {
      const server = addressOf(servers.postgres)
      const admin = new pg.Client({ ...server })
      await admin.connect()
      await admin.query(`create database ${name}`)
      await admin.end()
      return describe('postgresql+asyncpg', server, name)
    }
    case 'mysql': {
      const server = addressOf(servers.mysql)
      const { host, port, user, password } = server
      const admin = await mysql.createConnection({ host, port, user, password })
      await admin.query(`create database ${name}`)
      await admin.end()
      return describe('mysql+aiomysql', server, name)
    }
  }
}

function describe(scheme: string, { host, port, user, password }: ServerAddress, name: string): BenchDatabase {
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return { url: `${scheme}://${credentials}@${host}:${port}/${name}`, user, password }
}

function addressOf(server: ServerAddress | MissingServer): ServerAddress {
  if ('missing' in server) throw new Error(server.missing)
  return server
}
