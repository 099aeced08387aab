import { createClient } from '@libsql/client'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { targetOf } from '../../database.ts'
import type { TestDatabase } from '../../dialects.ts'

export interface HeldLock {
  release(): Promise<void>
}

/** Keeps the lock of one of the `things`, on SQLite of the whole file, in a session past the driver. */
export async function holdLock({ dialect, url }: TestDatabase, id: string): Promise<HeldLock> {
  const target = targetOf(url)
  switch (target.via) {
    case 'file': {
      const client = createClient({ url: `file:${target.path}` })
      const transaction = await client.transaction('write')
      return {
        async release() {
          await transaction.rollback()
          client.close()
        },
      }
    }
    case 'gateway': {
      const { host, port, user, password, database } = target
      const session = await (dialect === 'postgres' ? openPostgres : openMysql)({
        host,
        port,
        user,
        password,
        database,
      })
      await session.query(`select id from things where id = '${id}' for update`)
      return { release: () => session.close() }
    }
    default:
      throw new Error('a platform lets nobody past its driver')
  }
}

interface Session {
  query(text: string): Promise<unknown>
  close(): Promise<void>
}

interface Address {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

async function openPostgres(address: Address): Promise<Session> {
  const client = new pg.Client(address)
  await client.connect()
  await client.query('begin')
  return { query: (text) => client.query(text), close: () => client.end() }
}

async function openMysql(address: Address): Promise<Session> {
  const connection = await mysql.createConnection(address)
  await connection.query('begin')
  return { query: (text) => connection.query(text), close: () => connection.end() }
}
