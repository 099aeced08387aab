import { createConnection, type QueryError } from 'mysql2'
import type { RawResult } from '@millrace/db/sql/statement'
import type { ServerAddress } from '@millrace/db/url'
import { connectionFailureWords } from '../tcp/connection-trouble.ts'
import { MysqlLink, mysqlOptions } from '../tcp/mysql-link.ts'
import { MysqlUnreachableError, serverErrorOf } from '../tcp/mysql-errors.ts'
import { mysqlResultOf } from '../tcp/mysql-results.ts'
import type { RequestSession } from './request-connection.ts'

/** A connection to Hyperdrive, which lends it another of the server's for each transaction. */
export class MysqlSession extends MysqlLink implements RequestSession {
  /** @throws MysqlServerError where Hyperdrive answered with an error, MysqlUnreachableError otherwise */
  static async open(address: ServerAddress): Promise<MysqlSession> {
    const connection = createConnection({
      ...mysqlOptions(address),
      // workerd makes no code of text.
      disableEval: true,
      // Values as the columns' kit reads them: moments as text, JSON as it is stored.
      dateStrings: true,
      jsonStrings: true,
      flags: ['-LOCAL_FILES', '-FOUND_ROWS'],
    })
    const session = new MysqlSession(connection)
    const failure = await new Promise<QueryError | null>((resolve) => {
      connection.connect(resolve)
    })
    if (failure === null) return session
    session.destroy()
    throw serverErrorOf(failure) ?? new MysqlUnreachableError(connectionFailureWords(failure), { cause: failure })
  }

  /** Runs one statement that has its values in it. Rejects with mysql2's error. */
  run(sql: string): Promise<RawResult> {
    return new Promise((resolve, reject) => {
      this.connection.query({ sql, rowsAsArray: true }, (error: QueryError | null, rows: unknown) => {
        if (error === null) {
          resolve(mysqlResultOf(rows))
          return
        }
        // An error without the server's own message is one of the network: the connection is gone.
        if (serverErrorOf(error) === undefined) this.isLost = true
        reject(error)
      })
    })
  }
}
