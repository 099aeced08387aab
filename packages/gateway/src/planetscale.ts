import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '@millrace/db/url'
import { busyErrno } from '@millrace/drivers/gateway-wire'
import {
  MysqlConnection,
  MysqlConnectionLostError,
  MysqlManyResultsError,
} from '@millrace/drivers/native/mysql-connection'
import { MysqlServerError, MysqlUnreachableError } from '@millrace/drivers/tcp/mysql-errors'
import { endOnAbort } from './end-on-abort.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './log.ts'
import { hasForeignKeyDdl } from './mysql-foreign-keys.ts'
import { type Loan, Pool, PoolAbortedError, PoolBusyError, PoolClosedError } from '@millrace/drivers/native/pool'
import { newSession, readSession, resultBody, sessionBody, type SessionState } from './planetscale-bodies.ts'
import { jsonReply, type Protocol, type ProtocolRequest, type RefusedRequest, type Reply } from './protocol.ts'
import { isSameSecret } from './secret.ts'
import { type Ending, Sessions, type Use } from './sessions.ts'
import { tlsAttempts } from '@millrace/drivers/native/tls'
import { tabletMessage, type VitessCode, vitessCodeOf, type VitessError } from './vitess-errors.ts'

/** CR_CONN_HOST_ERROR, with the code UNAVAILABLE: the server can't be reached, nothing was sent. */
const unreachableErrno = 2003
/** CR_SERVER_LOST, with the code UNAVAILABLE: the connection broke under a statement, which may have been applied. */
const connectionLostErrno = 2013
/** With the code ABORTED: the session's transaction had ended before the statement came. */
export const transactionEndedErrno = 1317

type MysqlTarget = Extract<Target, { readonly dialect: 'mysql' }>

export interface PlanetscaleOptions {
  /** PlanetScale's own limits: any transaction ends after `strictTransactionSeconds`, no foreign keys in DDL. */
  readonly isStrict: boolean
  readonly foundRows: boolean
  readonly limits: GatewayLimits
  readonly log: Log
  /** Told of what goes wrong with a request. */
  readonly onError: (error: unknown) => void
}

/** Vitess's `queryserver-config-transaction-timeout` at PlanetScale. */
const strictTransactionSeconds = 20

interface OpenTransaction {
  readonly loan: Loan<MysqlConnection>
}

interface ExecuteResponse {
  readonly session: SessionState
  readonly result?: JsonObject
  readonly error?: VitessError
}

const service = '/psdb.v1alpha1.Database'

/**
 * PlanetScale's HTTP protocol in front of a MySQL or MariaDB server.
 * Shapes: psdb/v1alpha1/database.proto, and what @planetscale/database reads.
 *
 * A connection belongs to a session only while a transaction is open on it, as the server's status says; otherwise each
 * statement gets any connection, as new. So `SET`, user variables and LAST_INSERT_ID() last for one statement or one
 * transaction.
 */
export function planetscaleProtocol(target: MysqlTarget, options: PlanetscaleOptions): Protocol {
  const gateway = new PlanetscaleGateway(target, options)
  const route = (act: (request: ProtocolRequest) => Promise<JsonObject>) => ({
    method: 'POST' as const,
    answer: async (request: ProtocolRequest) => {
      const refusal = authenticationRefusal(request.headers, target)
      return refusal === undefined ? jsonReply(200, await act(request)) : refuse(refusal)
    },
  })
  return {
    dialect: 'mysql',
    routes: new Map([
      [`${service}/CreateSession`, route(() => Promise.resolve(gateway.createSession()))],
      [`${service}/Execute`, route((request) => gateway.execute(request))],
      [`${service}/CloseSession`, route((request) => gateway.closeSession(request))],
    ]),
    refuse,
    status: () => gateway.status(),
    beginNoMore: () => gateway.beginNoMore(),
    close: () => gateway.close(),
  }
}

class PlanetscaleGateway {
  readonly #target: MysqlTarget
  readonly #options: PlanetscaleOptions
  readonly #open: () => Promise<MysqlConnection>
  readonly #pool: Pool<MysqlConnection>
  readonly #transactions: Sessions<OpenTransaction>

  constructor(target: MysqlTarget, options: PlanetscaleOptions) {
    const opening = { foundRows: options.foundRows, tls: tlsAttempts(target.options, target.host) }
    this.#target = target
    this.#options = options
    this.#open = () => MysqlConnection.open(target, opening, options.log)
    this.#pool = new Pool(this.#open, target.options)
    this.#transactions = new Sessions<OpenTransaction>({
      idleSeconds: options.limits.transactionIdleSeconds,
      maxSeconds: options.isStrict ? strictTransactionSeconds : undefined,
      onEnd: (transaction, ending) => this.#endTransaction(transaction, ending),
    })
  }

  status() {
    return this.#pool.status()
  }

  beginNoMore(): void {
    this.#pool.lendNoMore()
  }

  async close(): Promise<void> {
    await this.#transactions.closeAll()
    await this.#pool.close()
  }

  createSession(): JsonObject {
    const { user } = this.#target
    return { branch: 'gateway', user: { username: user, psid: 'gateway' }, session: sessionBody(newSession()) }
  }

  async closeSession(request: ProtocolRequest): Promise<JsonObject> {
    const parsed = parseJsonObject(request.body)
    const { id } = readSession(parsed.ok ? parsed.value['session'] : undefined)
    const use = await this.#transactions.use(id)
    if (use.kind === 'session') {
      await use.session.loan.connection.rollBack()
      use.session.loan.release()
      use.done({ isOpen: false })
    }
    this.#transactions.forget(id)
    return { session: sessionBody(newSession()) }
  }

  async execute(request: ProtocolRequest): Promise<JsonObject> {
    const startedAtMs = performance.now()
    const parsed = parseJsonObject(request.body)
    const answer = parsed.ok
      ? await this.#executeIn(readSession(parsed.value['session']), parsed.value['query'], request.signal)
      : { session: newSession(), error: invalid(parsed.message) }
    return {
      session: sessionBody(answer.session),
      ...(answer.result === undefined ? {} : { result: answer.result }),
      ...(answer.error === undefined ? {} : { error: answer.error }),
      timing: (performance.now() - startedAtMs) / 1000,
    }
  }

  async #executeIn(state: SessionState, query: unknown, signal: AbortSignal): Promise<ExecuteResponse> {
    if (typeof query !== 'string') return { session: state, error: invalid('query has to be a text') }
    if (this.#options.isStrict && hasForeignKeyDdl(query)) {
      return { session: state, error: { code: 'ABORTED', message: 'VT10001: foreign key constraints are not allowed' } }
    }
    const use = await this.#transactions.use(state.id)
    if (use.kind === 'session') return this.#executeInTransaction(state, query, use, signal)
    if (state.isInTransaction && !isRollback(query)) return { session: state, error: this.#transactionEnded(use) }
    this.#transactions.forget(state.id)
    return this.#executeAlone(state, query, signal)
  }

  async #executeInTransaction(
    state: SessionState,
    query: string,
    use: Extract<Use<OpenTransaction>, { readonly kind: 'session' }>,
    signal: AbortSignal,
  ): Promise<ExecuteResponse> {
    const { loan } = use.session
    const outcome = await this.#run(loan, query, signal)
    const { isInTransaction } = loan.connection
    const isOpen = isInTransaction && loan.connection.isUsable
    if (!isOpen) loan.release()
    use.done({ isOpen })
    // After an error that ended the transaction the session stays in it until the client's ROLLBACK: what the client
    // still sends as part of the transaction must not be done outside of it.
    return { session: { id: state.id, isInTransaction: isOpen || outcome.error !== undefined }, ...outcome }
  }

  async #executeAlone(state: SessionState, query: string, signal: AbortSignal): Promise<ExecuteResponse> {
    let loan: Loan<MysqlConnection>
    try {
      loan = await this.#pool.acquire(signal)
    } catch (error) {
      return { session: { id: state.id, isInTransaction: false }, error: this.#errorOf(error) }
    }
    const outcome = await this.#run(loan, query, signal)
    const { isInTransaction, isUsable } = loan.connection
    if (!isInTransaction || !isUsable) {
      loan.release()
      return { session: { id: state.id, isInTransaction: false }, ...outcome }
    }
    // Every transaction has an id of its own: one that ended can't be taken for the next of the same session.
    return { session: { id: this.#transactions.start({ loan }), isInTransaction: true }, ...outcome }
  }

  async #run(
    loan: Loan<MysqlConnection>,
    query: string,
    signal: AbortSignal,
  ): Promise<Pick<ExecuteResponse, 'result' | 'error'>> {
    const { threadId } = loan.connection
    const watch = endOnAbort(signal, this.#options.log, () => this.#kill(threadId))
    try {
      return { result: resultBody(await loan.connection.query(query)) }
    } catch (error) {
      if (isDemotion(error)) this.#pool.outdate()
      return { error: this.#errorOf(error) }
    } finally {
      await watch.settled()
    }
  }

  async #kill(threadId: number): Promise<void> {
    const other = await this.#open()
    try {
      await other.query(`KILL QUERY ${threadId}`)
    } finally {
      await other.close()
    }
  }

  async #endTransaction({ loan }: OpenTransaction, ending: Ending): Promise<void> {
    const { log, limits } = this.#options
    const reason = {
      idle: `no statement for ${limits.transactionIdleSeconds} s`,
      age: `open for ${strictTransactionSeconds} s`,
      closing: 'the gateway closes',
    }
    log({ level: 'warn', event: 'transaction_ended', message: `A transaction was rolled back: ${reason[ending]}.` })
    await loan.connection.rollBack()
    loan.release()
  }

  #transactionEnded(use: Use<OpenTransaction>): VitessError {
    const { limits } = this.#options
    if (use.kind !== 'ended')
      return this.#tabletError('ABORTED', 'transaction: not found', transactionEndedErrno, '70100')
    const seconds = use.ending === 'age' ? strictTransactionSeconds : limits.transactionIdleSeconds
    const why = use.ending === 'closing' ? 'gateway shutting down' : `exceeded timeout: ${seconds}s`
    const text = `transaction: ended at ${use.endedAt.toISOString()} (${why})`
    return this.#tabletError('ABORTED', text, transactionEndedErrno, '70100')
  }

  #errorOf(error: unknown): VitessError {
    this.#options.onError(error)
    if (error instanceof MysqlServerError) {
      return this.#tabletError(vitessCodeOf(error.errno), error.message, error.errno, error.sqlState)
    }
    if (error instanceof MysqlManyResultsError) {
      return this.#tabletError('UNIMPLEMENTED', 'Multi-Resultset not supported in stored procedure', 1235, '42000')
    }
    if (error instanceof MysqlUnreachableError) {
      return this.#tabletError('UNAVAILABLE', error.message, unreachableErrno, 'HY000')
    }
    if (error instanceof MysqlConnectionLostError) {
      return this.#tabletError(
        'UNAVAILABLE',
        'Lost connection to MySQL server during query',
        connectionLostErrno,
        'HY000',
      )
    }
    if (error instanceof PoolBusyError || error instanceof PoolClosedError) {
      return this.#tabletError('RESOURCE_EXHAUSTED', error.message, busyErrno, '42000')
    }
    if (error instanceof PoolAbortedError) return this.#tabletError('CANCELED', error.message, 1317, '70100')
    throw error
  }

  #tabletError(code: VitessCode, text: string, errno: number, sqlState: string): VitessError {
    const { database, user } = this.#target
    return { code, message: tabletMessage({ database, user, code, text, errno, sqlState }) }
  }
}

/** The server takes no writes any more: its name may lead to another by now, which only new connections reach. */
function isDemotion(error: unknown): boolean {
  return error instanceof MysqlServerError && (error.errno === 1290 || error.errno === 1836)
}

function isRollback(query: string): boolean {
  return /^\s*rollback\b(?!\s+(?:work\s+)?to\b)/iu.test(query)
}

function authenticationRefusal(
  headers: IncomingHttpHeaders,
  { user, password }: MysqlTarget,
): RefusedRequest | undefined {
  const given = /^Basic (?<credentials>\S+)$/iu.exec(headers.authorization ?? '')?.groups?.['credentials'] ?? ''
  const text = Buffer.from(given, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const isUser = isSameCredential(text.slice(0, Math.max(0, colon)), user)
  const isPassword = isSameCredential(text.slice(colon + 1), password)
  if (colon !== -1 && isUser && isPassword) return undefined
  return { status: 401, message: 'Access denied: wrong user or password (errno 1045) (sqlstate 28000)' }
}

/** @planetscale/database sends what stands in its `url` option without undoing the percent-encoding. */
function isSameCredential(given: string, expected: string): boolean {
  const isAsGiven = isSameSecret(given, expected)
  return isSameSecret(decodePercent(given), expected) || isAsGiven
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function invalid(message: string): VitessError {
  return { code: 'INVALID_ARGUMENT', message: `invalid request: ${message}` }
}

const refusalCodes: Readonly<Record<RefusedRequest['status'], VitessCode | 'INTERNAL'>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  413: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

function refuse({ status, message }: RefusedRequest): Reply {
  return jsonReply(status, { error: { code: refusalCodes[status], message } })
}
