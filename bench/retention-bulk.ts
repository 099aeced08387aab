import Database from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { ServerAddress } from '../test/servers/address.ts'

/*
 * Millions of rows in minutes: foreign keys are not checked, and indexes are built when the rows are there.
 */

const filled = "('executions', 'execution_history', 'audit')"

export function bulkSqlite(file: string, statements: Iterable<string>): void {
  const database = new Database(file)
  try {
    // The service writes a little meanwhile.
    database.exec('pragma busy_timeout = 60000')
    database.exec('pragma foreign_keys = off')
    database.exec('pragma synchronous = off')
    const indexes = database
      .prepare(`select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in ${filled}`)
      .raw()
      .all([]) as readonly (readonly [string, string])[]
    for (const [name] of indexes) database.exec(`drop index "${name}"`)
    let isLoaded = false
    for (const text of statements) {
      if (text.startsWith('analyze') && !isLoaded) {
        for (const [, create] of indexes) database.exec(create)
        isLoaded = true
      }
      database.exec(text)
    }
    database.exec('pragma wal_checkpoint(truncate)')
  } finally {
    database.close()
  }
}

/** As the superuser, who alone may leave out the triggers of foreign keys. */
export async function bulkPostgres(server: ServerAddress, statements: Iterable<string>): Promise<void> {
  const client = new pg.Client({ ...server })
  await client.connect()
  try {
    await client.query('set session_replication_role = replica')
    await client.query("set maintenance_work_mem = '256MB'")
    const { rows } = await client.query<{ indexname: string; indexdef: string }>(
      `select indexname, indexdef from pg_indexes where tablename in ${filled} and indexname not in (select conname from pg_constraint)`,
    )
    for (const { indexname } of rows) await client.query(`drop index "${indexname}"`)
    let isLoaded = false
    for (const text of statements) {
      if (text.startsWith('analyze') && !isLoaded) {
        for (const { indexdef } of rows) await client.query(indexdef)
        isLoaded = true
      }
      await client.query(text)
    }
  } finally {
    await client.end()
  }
}

export async function bulkMariadb(server: ServerAddress, statements: Iterable<string>): Promise<void> {
  const { host, port, user, password, database } = server
  const connection = await mysql.createConnection({ host, port, user, password, database })
  try {
    await connection.query('set foreign_key_checks = 0, unique_checks = 0, check_constraint_checks = 0')
    for (const text of statements) await connection.query(text)
  } finally {
    await connection.end()
  }
}
