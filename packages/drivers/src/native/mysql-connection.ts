import {
  createConnection,
  type Connection,
  type ConnectionOptions,
  type FieldPacket,
  type QueryError,
  type SslOptions,
} from 'mysql2'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ServerAddress } from '@millrace/db/url'
import { connectionFailureWords } from '../tcp/connection-trouble.ts'
import { MysqlLink, mysqlOptions } from '../tcp/mysql-link.ts'
import { MysqlUnreachableError, serverErrorOf, type CodedError } from '../tcp/mysql-errors.ts'
import type { ConnectionLog } from './log.ts'
import type { PooledConnection } from './pool.ts'
import { identityFault, type TlsAttempts, type TlsPolicy } from './tls.ts'

export interface MysqlField {
  readonly name: string
  readonly orgName: string
  readonly table: string
  readonly orgTable: string
  readonly database: string
  readonly columnType: number
  readonly columnLength: number
  readonly charset: number
  readonly flags: number
  readonly decimals: number
}

export interface MysqlResult {
  readonly fields: readonly MysqlField[]
  /** Each value as the bytes that the server sent. */
  readonly rows: readonly (readonly (Buffer | null)[])[]
  readonly rowsAffected: bigint
  readonly insertId: bigint
}

/** The connection broke with a statement under way: whether it was applied is not known. */
export class MysqlConnectionLostError extends Error {
  override readonly name = 'MysqlConnectionLostError'
}

/** The statement gave several results, which the protocol has no place for. */
export class MysqlManyResultsError extends Error {
  override readonly name = 'MysqlManyResultsError'
}

export type MysqlConfig = Pick<ConnectionOptions, 'typeCast' | 'dateStrings' | 'jsonStrings' | 'maxPreparedStatements'>

/** MySQL 8's default, which PlanetScale has; a server of one's own may have any. */
const sqlMode = [
  'ONLY_FULL_GROUP_BY',
  'STRICT_TRANS_TABLES',
  'NO_ZERO_IN_DATE',
  'NO_ZERO_DATE',
  'ERROR_FOR_DIVISION_BY_ZERO',
  'NO_ENGINE_SUBSTITUTION',
].join(',')

const statusInTransaction = 0x0001
const statusAutocommit = 0x0002

export interface MysqlOpenOptions {
  /** CLIENT_FOUND_ROWS: rows affected counts the rows that matched, not those that changed. */
  readonly foundRows: boolean
  readonly tls: TlsAttempts
}

/** Connects and logs in. Throws as {@link MysqlConnection.open}. */
export async function openMysql(
  address: ServerAddress,
  options: MysqlOpenOptions,
  log: ConnectionLog,
  values: MysqlConfig,
): Promise<ConnectedMysql> {
  const [first, ...fallbacks] = options.tls
  let result = await connect(address, options, first, values)
  for (const fallback of fallbacks) {
    if (!(result instanceof Error) || !isTlsRefusal(result)) break
    result = await connect(address, options, fallback, values)
  }
  if (!(result instanceof Error)) return result
  const words = connectionFailureWords(result)
  log({ level: 'error', event: 'connection_failed', message: `The MySQL server can't be connected to: ${words}` })
  throw serverErrorOf(result) ?? new MysqlUnreachableError(words, { cause: result })
}

/** How values come: as the bytes that the server sent, for who passes them on. */
const asBytes: MysqlConfig = { typeCast: (field: { buffer(): Buffer | null }) => field.buffer() }

export class MysqlConnection extends MysqlLink implements PooledConnection {
  readonly #setUp: string
  #isInTransaction = false

  private constructor(connection: Connection, version: string, log: ConnectionLog) {
    super(connection, () =>
      log({ level: 'warn', event: 'connection_lost', message: 'The MySQL server ended a connection.' }),
    )
    this.#setUp = setUpStatement(version)
  }

  /**
   * Connects, logs in and sets the session. Throws MysqlServerError when the server answered with an error (wrong
   * password, no such database, too many connections), MysqlUnreachableError otherwise.
   */
  static async open(address: ServerAddress, options: MysqlOpenOptions, log: ConnectionLog): Promise<MysqlConnection> {
    const opened = await openMysql(address, options, log, asBytes)
    const connection = new MysqlConnection(opened.connection, opened.version, log)
    try {
      await connection.query(connection.#setUp)
    } catch (error) {
      await connection.close()
      throw error
    }
    return connection
  }

  /** As the server said with its last OK packet. */
  get isInTransaction(): boolean {
    return this.#isInTransaction
  }

  /** Runs one statement. Throws MysqlServerError, MysqlManyResultsError or MysqlConnectionLostError. */
  async query(sql: string): Promise<MysqlResult> {
    if (this.isLost) throw new MysqlConnectionLostError('The connection to the MySQL server has ended.')
    let answer: ServerResponse
    try {
      answer = await this.#send(sql)
    } catch (error) {
      throw await this.#failureOf(error)
    }
    if (Array.isArray(answer.fields) && answer.fields.some((fields) => fields === undefined || Array.isArray(fields))) {
      throw new MysqlManyResultsError('The statement gave several results.')
    }
    return isOk(answer.rows) ? this.#okResult(answer.rows) : rowsResult(answer)
  }

  async reset(): Promise<boolean> {
    try {
      if (this.#isInTransaction) await this.#send('ROLLBACK')
      await new Promise<void>((resolve, reject) => {
        this.connection.reset((error) => (error === null ? resolve() : reject(error)))
      })
      await this.#send(this.#setUp)
      this.#isInTransaction = false
      return this.isUsable
    } catch {
      return false
    }
  }

  /** Ends a transaction, if there is one. Never throws: a connection on which this fails is lost. */
  async rollBack(): Promise<void> {
    if (this.isLost || !this.#isInTransaction) return
    try {
      await this.#send('ROLLBACK')
      this.#isInTransaction = false
    } catch {
      this.isLost = true
    }
  }

  #send(sql: string): Promise<ServerResponse> {
    return new Promise((resolve, reject) => {
      // mysql2's callback has rows and fields of every possible kind; `query` tells them apart.
      this.connection.query({ sql, rowsAsArray: true }, (error: QueryError | null, rows: unknown, fields: unknown) => {
        if (error === null) resolve({ rows, fields })
        else reject(error)
      })
    })
  }

  #okResult(header: OkHeader): MysqlResult {
    this.#noteStatus(header)
    return {
      fields: [],
      rows: [],
      rowsAffected: BigInt(header.affectedRows),
      // mysql2 reads the unsigned id as a signed one.
      insertId: BigInt.asUintN(64, BigInt(header.insertId)),
    }
  }

  #noteStatus({ serverStatus }: OkHeader): void {
    this.#isInTransaction = (serverStatus & statusInTransaction) !== 0 || (serverStatus & statusAutocommit) === 0
  }

  async #failureOf(error: unknown): Promise<Error> {
    const failure = error instanceof Error ? serverErrorOf(error) : undefined
    if (failure === undefined) {
      this.isLost = true
      return new MysqlConnectionLostError('The connection to the MySQL server broke while a statement ran.', {
        cause: error,
      })
    }
    // An error packet has no status, and some errors (a deadlock) end the transaction: ask.
    if (this.#isInTransaction) await this.#refreshStatus()
    return failure
  }

  async #refreshStatus(): Promise<void> {
    try {
      const { rows } = await this.#send('DO 0')
      if (isOk(rows)) this.#noteStatus(rows)
    } catch {
      this.isLost = true
    }
  }
}

interface ServerResponse {
  readonly rows: unknown
  readonly fields: unknown
}

interface OkHeader {
  readonly affectedRows: number | string
  readonly insertId: number | string
  readonly serverStatus: number
}

function isOk(rows: unknown): rows is OkHeader {
  return typeof rows === 'object' && rows !== null && 'serverStatus' in rows
}

function rowsResult({ rows, fields }: ServerResponse): MysqlResult {
  if (!isRows(rows) || !isFields(fields)) throw new Error('mysql2 gave neither rows nor a result.')
  return { fields: fields.map(fieldOf), rows, rowsAffected: 0n, insertId: 0n }
}

/** With `typeCast` and `rowsAsArray` as set below each row is a list of the server's bytes. */
function isRows(rows: unknown): rows is (Buffer | null)[][] {
  return Array.isArray(rows)
}

function isFields(fields: unknown): fields is FieldPacket[] {
  return Array.isArray(fields)
}

function fieldOf(field: FieldPacket): MysqlField {
  return {
    name: field.name,
    orgName: field.orgName,
    table: field.table,
    orgTable: field.orgTable,
    database: field.schema ?? '',
    columnType: field.columnType ?? 0,
    columnLength: field.columnLength ?? 0,
    charset: field.characterSet ?? 0,
    flags: typeof field.flags === 'number' ? field.flags : 0,
    decimals: field.decimals,
  }
}

/** What one value may hold that is put together of many rows'; the default is 1 KB in MySQL. */
const groupConcatBytes = 64 * 1024 * 1024

/** @param version as the server greets with it */
export function setUpStatement(version: string): string {
  // MariaDB knew only the old name until 11.1, MySQL 8 knows only the new one.
  const isolation = version.includes('MariaDB') ? 'tx_isolation' : 'transaction_isolation'
  const settings = [
    "time_zone = '+00:00'",
    `sql_mode = '${sqlMode}'`,
    `${isolation} = 'REPEATABLE-READ'`,
    'autocommit = 1',
    `group_concat_max_len = ${groupConcatBytes}`,
    // On by default since 11.6: a write would be refused because of a row that another has changed since the transaction's
    // first read, where it is meant to see the row as it is by now, as on MySQL.
    ...(hasSnapshotIsolation(version) ? ['innodb_snapshot_isolation = 0'] : []),
  ]
  return `SET NAMES utf8mb4, ${settings.map((setting) => `SESSION ${setting}`).join(', ')}`
}

/** https://mariadb.com/docs/server/server-usage/storage-engines/innodb/innodb-system-variables#innodb_snapshot_isolation */
const firstWithSnapshotIsolation: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [10, 6, 18],
  [10, 11, 8],
  [11, 0, 6],
  [11, 1, 5],
  [11, 2, 4],
  [11, 4, 2],
]

/** Whether it is a MariaDB that knows the setting. */
export function hasSnapshotIsolation(version: string): boolean {
  // Some call themselves `5.5.5-10.11.8-MariaDB`, for the sake of old replicas.
  const [, ...parts] = /(\d+)\.(\d+)\.(\d+)-MariaDB/.exec(version) ?? []
  const [major = 0, minor = 0, patch = 0] = parts.map(Number)
  if (major > 11 || (major === 11 && minor > 4)) return true
  return firstWithSnapshotIsolation.some(
    ([sameMajor, sameMinor, from]) => major === sameMajor && minor === sameMinor && patch >= from,
  )
}

interface ConnectedMysql {
  readonly connection: Connection
  readonly version: string
}

function connect(
  address: ServerAddress,
  { foundRows }: MysqlOpenOptions,
  tls: TlsPolicy | undefined,
  values: MysqlConfig,
): Promise<ConnectedMysql | Error> {
  const connection = createConnection({
    ...mysqlOptions(address),
    ...values,
    // LOAD DATA LOCAL would read files of this machine.
    flags: ['-LOCAL_FILES', foundRows ? 'FOUND_ROWS' : '-FOUND_ROWS'],
    ...(tls === undefined ? {} : { ssl: sslOptions(tls) }),
  })
  return new Promise((resolve) => {
    // Until it is connected: an error after the first must not end the process.
    connection.on('error', () => undefined)
    connection.once('connect', (handshake: { readonly serverVersion?: string }) => {
      const fault = tls === undefined ? undefined : addressFault(address.host, connection, tls)
      if (fault !== undefined) {
        connection.destroy()
        resolve(fault)
        return
      }
      connection.removeAllListeners('error')
      resolve({ connection, version: handshake.serverVersion ?? '' })
    })
    connection.connect((error) => {
      if (error === null) return
      connection.destroy()
      resolve(error)
    })
  })
}

function sslOptions(tls: TlsPolicy): SslOptions {
  return {
    rejectUnauthorized: tls.rejectUnauthorized,
    verifyIdentity: tls.identity !== undefined && isIP(tls.identity) === 0,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
  }
}

/** mysql2 compares the certificate's names with a host name only: for an address it is done here. */
function addressFault(host: string, connection: Connection, tls: TlsPolicy): Error | undefined {
  if (isIP(host) === 0) return undefined
  // A member that mysql2's typings leave out.
  const stream: unknown = Reflect.get(connection, 'stream')
  if (!(stream instanceof TLSSocket)) return new Error('The connection is not encrypted.')
  return identityFault(tls, stream.getPeerCertificate())
}

function isTlsRefusal(error: CodedError): boolean {
  return error.code === 'HANDSHAKE_NO_SSL_SUPPORT'
}
