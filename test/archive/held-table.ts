import mysql from 'mysql2/promise'
import pg from 'pg'
import type { TestDatabase } from '../dialects.ts'

/** A table that nobody may write to until it is released. */
export interface HeldTable {
  /** More than once is no error. */
  readonly release: () => Promise<void>
}

export async function holdTable({ dialect, url }: TestDatabase, table: string): Promise<HeldTable> {
  if (dialect === 'sqlite') throw new TypeError('SQLite holds no single table')
  return dialect === 'postgres' ? holdOnPostgres(url, table) : holdOnMysql(url, table)
}

async function holdOnPostgres(url: string, table: string): Promise<HeldTable> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`begin; lock table ${table} in share mode`)
  return once(() => client.end())
}

async function holdOnMysql(url: string, table: string): Promise<HeldTable> {
  const connection = await mysql.createConnection(url.replace(/^mysql\+\w+/, 'mysql'))
  await connection.query(`lock tables ${table} read`)
  return once(() => connection.end())
}

function once(end: () => Promise<unknown>): HeldTable {
  let ending: Promise<unknown> | undefined
  return {
    async release() {
      ending ??= end()
      await ending
    },
  }
}
