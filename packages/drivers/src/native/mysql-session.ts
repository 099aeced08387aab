import type { Connection } from 'mysql2'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { ServerAddress } from '@millrace/db/url'
import { mysqlTextOf } from '../tcp/mysql-literals.ts'
import { MysqlLink } from '../tcp/mysql-link.ts'
import { mysqlResultOf } from '../tcp/mysql-results.ts'
import type { ConnectionLog } from './log.ts'
import { openMysql, setUpStatement, type MysqlConfig, type MysqlOpenOptions } from './mysql-connection.ts'
import type { PooledConnection } from './pool.ts'

/** Values as the columns' kit reads them: moments and big numbers as text, JSON as it is stored. */
const asColumnsHaveThem: MysqlConfig = { dateStrings: true, jsonStrings: true, maxPreparedStatements: 300 }

/**
 * A derived table of parameters. MariaDB 10.11 fits its temporary table to the lengths of one row of them when the
 * statement is prepared, and a longer one breaks it: error 127, "Table file is corrupted". Such a statement goes as text.
 */
const rowsOfParameters = /\bunion all select \?/

/** A connection that keeps its session between loans, prepared statements included: nothing here alters it. */
export class MysqlSession extends MysqlLink implements PooledConnection {
  readonly #log: ConnectionLog
  #isInTransaction = false
  #hasSaidOutOfStatements = false

  private constructor(connection: Connection, log: ConnectionLog) {
    super(connection, () =>
      log({ level: 'warn', event: 'connection_lost', message: 'The MySQL server ended a connection.' }),
    )
    this.#log = log
  }

  /** Throws as `openMysql`. */
  static async open(address: ServerAddress, options: MysqlOpenOptions, log: ConnectionLog): Promise<MysqlSession> {
    const { connection, version } = await openMysql(address, options, log, asColumnsHaveThem)
    const session = new MysqlSession(connection, log)
    try {
      await session.command(setUpStatement(version))
    } catch (error) {
      await session.close()
      throw error
    }
    return session
  }

  async begin(): Promise<void> {
    await this.command('begin')
    this.#isInTransaction = true
  }

  async end(word: 'commit' | 'rollback'): Promise<void> {
    await this.command(word)
    this.#isInTransaction = false
  }

  /** Runs a statement that is prepared once for the connection, where it can be. Rejects with mysql2's error. */
  async run(statement: Statement): Promise<RawResult> {
    const { text, parameters } = statement
    // What has no parameters may be what can't be prepared.
    if (parameters.length === 0) return this.command(text)
    if (rowsOfParameters.test(text)) return this.command(mysqlTextOf(statement))
    try {
      return await this.#execute(statement)
    } catch (error) {
      if (!isOutOfStatements(error)) throw error
      this.#sayOutOfStatements()
      return this.command(mysqlTextOf(statement))
    }
  }

  #execute({ text, parameters }: Statement): Promise<RawResult> {
    return new Promise((resolve, reject) => {
      const values = parameters.map(valueOf)
      this.connection.execute({ sql: text, values, rowsAsArray: true }, (error, rows: unknown) => {
        if (error === null) resolve(mysqlResultOf(rows))
        else reject(this.#noted(error))
      })
    })
  }

  command(text: string): Promise<RawResult> {
    return new Promise((resolve, reject) => {
      this.connection.query({ sql: text, rowsAsArray: true }, (error, rows: unknown) => {
        if (error === null) resolve(mysqlResultOf(rows))
        else reject(this.#noted(error))
      })
    })
  }

  async reset(): Promise<boolean> {
    try {
      if (this.#isInTransaction && this.isUsable) await this.end('rollback')
      return this.isUsable
    } catch {
      return false
    }
  }

  /** Once for a connection. */
  #sayOutOfStatements(): void {
    if (this.#hasSaidOutOfStatements) return
    this.#hasSaidOutOfStatements = true
    const message =
      'The MySQL server prepares no more statements (max_prepared_stmt_count): they are sent as text, which costs it more. Raise the setting, or lower pool_size and max_overflow.'
    this.#log({ level: 'warn', event: 'statements_unprepared', message })
  }

  /** An error without the server's own message is one of the network: the connection is gone. */
  #noted(error: Error): Error {
    if (!('sqlMessage' in error) || error.sqlMessage === undefined) this.isLost = true
    return error
  }
}

/** `max_prepared_stmt_count` is for all connections of the server. */
function isOutOfStatements(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && error.errno === 1461
}

/** mysql2 sends a number as a double, which no `limit` takes: numbers go as text, which the server turns into its own. */
function valueOf(parameter: unknown): string | null {
  switch (typeof parameter) {
    case 'string':
      return parameter
    case 'number':
    case 'bigint':
      return String(parameter)
    case 'boolean':
      return parameter ? '1' : '0'
    default:
      if (parameter === null) return null
      throw new TypeError(`a parameter of type ${typeof parameter} has no place in a MySQL statement`)
  }
}
