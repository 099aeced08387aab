import { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { Client, DatabaseError, type FieldDef, type QueryArrayConfig } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { EncodedPageSize, EncodedRows } from '@millrace/db/sql/encoded-rows'
import type { PeerCertificate } from 'node:tls'
import type { ServerAddress } from '@millrace/db/url'
import { connectionFailureWords } from '../tcp/connection-trouble.ts'
import { PostgresUnreachableError } from '../tcp/postgres-errors.ts'
import { PostgresLink, postgresOptions } from '../tcp/postgres-link.ts'
import type { PostgresValue } from '../tcp/postgres-values.ts'
import type { ConnectionLog } from './log.ts'
import type { PooledConnection } from './pool.ts'
import { requestCancel } from './postgres-cancel.ts'
import { CopyIn } from './postgres-copy-in.ts'
import { CopyOut } from './postgres-copy-out.ts'
import { ParsedStatements, Pipeline, type PipelinedResult, type PipelinedStatement } from './postgres-pipeline.ts'
import type { PostgresSocketOptions } from './postgres-socket.ts'
import { identityFault, type TlsAttempts, type TlsPolicy } from './tls.ts'

export interface PostgresResult {
  /** The command tag's first word; empty for an empty query. */
  readonly command: string
  readonly rowCount: number | null
  readonly fields: readonly FieldDef[]
  /** Each value as the text that PostgreSQL sent. */
  readonly rows: readonly (readonly PostgresValue[])[]
}

/** The connection broke with a statement under way: whether it was applied is not known. */
export class PostgresConnectionLostError extends Error {
  override readonly name = 'PostgresConnectionLostError'
}

interface ExtendedQuery extends QueryArrayConfig<PostgresValue[]> {
  /** By the extended protocol even without parameters. */
  readonly queryMode: 'extended'
}

const textOf = (value: string): string => value
const rawText = { getTypeParser: () => textOf }

/** What Neon's own servers are set to; a server of one's own may have any default. `DISCARD ALL` returns to these. */
const sessionSettings = { DateStyle: 'ISO, MDY', TimeZone: 'GMT' }

declare module 'pg' {
  // Members of pg that @types/pg leaves out.
  interface Client {
    getStartupConf(): Record<string, string>
    readonly processID: number | null
    readonly secretKey: number | null
  }
}

/**
 * pg has no option for a startup parameter, and its `options` parameter (`-c …`) is refused by pgbouncer, which does
 * take these by name.
 */
class NativeClient extends Client {
  override getStartupConf(): Record<string, string> {
    return { ...super.getStartupConf(), ...sessionSettings }
  }
}

export interface PostgresOpenOptions {
  readonly tls: TlsAttempts
  readonly log: ConnectionLog
  /**
   * Between two loans: `new` as for another client, or `kept` with its prepared statements, for one that alters nothing. A
   * kept one takes pipelines and copies in, and other statements one after the other.
   */
  readonly session: 'new' | 'kept'
}

export class PostgresConnection extends PostgresLink implements PooledConnection {
  readonly #session: PostgresOpenOptions['session']
  readonly #parsed = new ParsedStatements()
  readonly #server: Pick<PostgresSocketOptions, 'host' | 'port' | 'tls'>

  private constructor({ client, tls }: ConnectedPostgres, address: ServerAddress, options: PostgresOpenOptions) {
    const { session, log } = options
    super(client, () => log({ level: 'warn', event: 'connection_lost', message: 'PostgreSQL ended a connection.' }))
    this.#session = session
    this.#server = { host: address.host, port: address.port, tls: [tls] }
  }

  /**
   * Connects, logs in and sets the session. Throws pg's DatabaseError when the server answered with an error (wrong
   * password, no such database, too many connections), PostgresUnreachableError otherwise.
   */
  static async open(address: ServerAddress, options: PostgresOpenOptions): Promise<PostgresConnection> {
    const { tls, log, session } = options
    const [first, ...fallbacks] = tls
    let result = await connect(address, first, session)
    for (const fallback of fallbacks) {
      if (!(result instanceof Error) || !isTlsRefusal(result)) break
      result = await connect(address, fallback, session)
    }
    if (!(result instanceof Error)) return new PostgresConnection(result, address, options)
    const words = result instanceof DatabaseError ? result.message : connectionFailureWords(result)
    log({ level: 'error', event: 'connection_failed', message: `PostgreSQL can't be connected to: ${words}` })
    throw result instanceof DatabaseError ? result : new PostgresUnreachableError(words, { cause: result })
  }

  get isInTransaction(): boolean {
    return this.client.getTransactionStatus() !== 'I'
  }

  get processId(): number | null {
    return this.client.processID
  }

  /** Has the server end the statement that runs. Rejects where it can't be told, or has given no key for it. */
  async cancel(): Promise<void> {
    const { processId } = this
    const { secretKey } = this.client
    if (processId === null || secretKey === null) throw new Error('The server takes no request to cancel.')
    const { stream } = this.client.connection
    // A name may have several servers, and the next connection may lead to another.
    const ipAddress = stream instanceof Socket ? stream.remoteAddress : undefined
    await requestCancel({ ...this.#server, ipAddress }, { processId, secretKey })
  }

  /**
   * Runs one statement by the extended protocol, which takes no second one. Calls that do not wait for each other are
   * sent at once and answered in order. Throws pg's DatabaseError, or PostgresConnectionLostError.
   */
  query(text: string, params: readonly PostgresValue[]): Promise<PostgresResult> {
    return this.#sending(async () => {
      const query: ExtendedQuery = {
        text,
        values: [...params],
        rowMode: 'array',
        types: rawText,
        queryMode: 'extended',
      }
      const result = await this.client.query<PostgresValue[]>(query)
      return { command: commandOf(result.command), rowCount: result.rowCount, fields: result.fields, rows: result.rows }
    })
  }

  /**
   * Runs statements in one round trip; after one that fails none of the others. Whatever transaction one of them began is
   * then open, and the next {@link rollBack} ends it. Throws as {@link query} does.
   */
  pipeline(statements: readonly PipelinedStatement[]): Promise<readonly PipelinedResult[]> {
    return this.#sending(() => {
      const pipeline = new Pipeline(statements, this.#parsed)
      this.client.query(pipeline)
      return pipeline.results
    })
  }

  /** Has every statement parsed anew at its next use. */
  forgetStatements(): void {
    this.#parsed.doubtAll()
  }

  async #sending<Result>(send: () => Promise<Result>): Promise<Result> {
    if (this.isLost) throw new PostgresConnectionLostError('The connection to PostgreSQL has ended.')
    try {
      return await send()
    } catch (error) {
      throw this.#failureOf(error)
    }
  }

  /** Runs `copy … from stdin` with that text as its input. Throws as `query`. */
  copyIn(statement: string, text: string): Promise<void> {
    return this.#sending(() => {
      const stream = this.client.query(copyFrom(statement))
      stream.end(text)
      return finished(stream)
    })
  }

  /** Runs `copy … from stdin (format binary)` of encoded rows, and what follows it in the text. Throws as `query`. */
  copyEncodedIn(text: string, rows: EncodedRows): Promise<void> {
    return this.#sending(() => {
      const copy = new CopyIn(text, rows)
      this.client.query(copy)
      return copy.done
    })
  }

  /** Runs `copy … to stdout (format binary)`, and gives its rows. Whoever stops before their end ends the connection. */
  async *copyOut(text: string, size: EncodedPageSize): AsyncGenerator<EncodedRows> {
    if (this.isLost) throw this.#failureOf(undefined)
    const copy = new CopyOut(text, size)
    this.client.query(copy)
    try {
      yield* copy.pages()
    } catch (error) {
      throw this.#failureOf(error)
    }
  }

  #failureOf(error: unknown): Error {
    if (error instanceof DatabaseError) {
      // The server ends the session after these.
      if (error.severity === 'FATAL' || error.severity === 'PANIC') this.isLost = true
      return error
    }
    this.isLost = true
    return new PostgresConnectionLostError('The connection to PostgreSQL broke while a statement ran.', {
      cause: error,
    })
  }

  /** Ends a transaction, if there is one. Never throws: a connection on which this fails is lost. */
  async rollBack(): Promise<void> {
    if (this.isLost || !this.isInTransaction) return
    await this.rollBackForCertain()
  }

  /** {@link rollBack} behind a pipeline that failed, when the server may not have said yet that it is in a transaction. */
  async rollBackForCertain(): Promise<void> {
    if (this.isLost) return
    try {
      await this.client.query('ROLLBACK')
    } catch {
      this.isLost = true
    }
  }

  async reset(): Promise<boolean> {
    try {
      await this.rollBack()
      if (this.#session === 'kept') return this.isUsable
      // Settings, temporary tables, advisory locks, prepared statements, LISTEN: nothing passes to the next request.
      await this.client.query('DISCARD ALL')
      return this.isUsable
    } catch {
      return false
    }
  }

  async ping(): Promise<boolean> {
    try {
      await this.client.query('SELECT 1')
      return this.isUsable
    } catch {
      return false
    }
  }
}

/** pg says null for an empty query, against its typings. */
function commandOf(command: string | null): string {
  return command ?? ''
}

interface ConnectedPostgres {
  readonly client: NativeClient
  /** Undefined where nothing is encrypted. */
  readonly tls: TlsPolicy | undefined
}

async function connect(
  address: ServerAddress,
  tls: TlsPolicy | undefined,
  session: PostgresOpenOptions['session'],
): Promise<ConnectedPostgres | Error> {
  const client = new NativeClient({
    ...postgresOptions(address),
    ssl: tls === undefined ? false : sslOptions(tls),
    // pg's own, which takes no pipeline of another's.
    pipeline: session === 'new',
    // A server that is gone without a word is noticed within minutes: the system's own default begins after two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 60_000,
  })
  // Until it is connected: an error after the one that connect() rejects with must not end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    client.removeAllListeners('error')
    return { client, tls }
  } catch (error) {
    await client.end().catch(() => undefined)
    return error instanceof Error ? error : new Error('unknown failure')
  }
}

function sslOptions(tls: TlsPolicy) {
  return {
    rejectUnauthorized: tls.rejectUnauthorized,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    // pg gives Node no host to check when the host is an address.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => identityFault(tls, certificate),
  }
}

function isTlsRefusal(error: Error): boolean {
  return error.message === 'The server does not support SSL connections'
}
