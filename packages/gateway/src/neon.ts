import type { IncomingHttpHeaders } from 'node:http'
import { DatabaseError } from 'pg'
import type { Target } from '@millrace/db/url'
import {
  PostgresConnection,
  PostgresConnectionLostError,
  type PostgresResult,
} from '@millrace/drivers/native/postgres-connection'
import { PostgresUnreachableError } from '@millrace/drivers/tcp/postgres-errors'
import type { PostgresValue } from '@millrace/drivers/tcp/postgres-values'
import { endOnAbort } from './end-on-abort.ts'
import { isJsonObject, type JsonObject, parseJsonObject } from './json.ts'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './log.ts'
import { isTransactionControl } from './postgres-transaction-control.ts'
import { Pool, PoolAbortedError, PoolBusyError, PoolClosedError } from '@millrace/drivers/native/pool'
import { jsonReply, type Protocol, type ProtocolRequest, type Reply } from './protocol.ts'
import { isSameSecret } from './secret.ts'
import { tlsAttempts } from '@millrace/drivers/native/tls'

/** `code` in a 503 of the gateway: nothing was sent to the database, because no connection came free in time. */
export const busyCode = 'MILLRACE_BUSY'
/** SQLSTATE connection_failure, when the server can't be reached: nothing was sent. */
const unreachableSqlState = '08006'
/** SQLSTATE transaction_resolution_unknown, when the connection broke under a statement: it may have been applied. */
const connectionLostSqlState = '08007'

type PostgresTarget = Extract<Target, { readonly dialect: 'postgres' }>

interface Query {
  readonly text: string
  readonly params: readonly PostgresValue[]
  readonly isArrayMode: boolean
}

type Payload =
  | { readonly kind: 'single'; readonly query: Query }
  | { readonly kind: 'batch'; readonly queries: readonly Query[] }

/** A request that can't be served as it is: a message, and PostgreSQL's code where there is a fitting one. */
class NeonRequestError extends Error {
  override readonly name = 'NeonRequestError'
  readonly code: string | null

  constructor(message: string, code: string | null = null) {
    super(message)
    this.code = code
  }
}

/**
 * Neon's SQL over HTTP in front of a PostgreSQL server.
 * Shapes: proxy/src/serverless/sql_over_http.rs and json.rs of neondatabase/neon.
 */
export function neonProtocol(target: PostgresTarget, { limits, log, onError }: NeonOptions): Protocol {
  const tls = tlsAttempts(target.options, target.host)
  const open = () => PostgresConnection.open(target, { tls, log, session: 'new' })
  const pool = new Pool(open, target.options)
  const answer = (request: ProtocolRequest) => answerSql(request, { target, pool, limits, log, onError })
  return {
    dialect: 'postgres',
    routes: new Map([['/sql', { method: 'POST', answer }]]),
    refuse: ({ status, message }) => errorReply(status, { message, code: null }),
    status: () => pool.status(),
    beginNoMore: () => pool.lendNoMore(),
    close: () => pool.close(),
  }
}

interface NeonOptions {
  readonly limits: GatewayLimits
  readonly log: Log
  /** Told of what goes wrong with a request. */
  readonly onError: (error: unknown) => void
}

interface Neon extends NeonOptions {
  readonly target: PostgresTarget
  readonly pool: Pool<PostgresConnection>
}

async function answerSql(request: ProtocolRequest, neon: Neon): Promise<Reply> {
  try {
    authenticate(request.headers, neon.target)
    const begin = beginStatement(request.headers)
    const payload = readPayload(request, neon.limits.statementsPerRequest)
    const loan = await neon.pool.acquire(request.signal)
    const watch = endOnAbort(request.signal, neon.log, () => loan.connection.cancel())
    try {
      if (payload.kind === 'single') return jsonReply(200, await run(loan.connection, payload.query))
      const results = await runBatch(loan.connection, begin, payload.queries)
      return jsonReply(200, { results }, echoedHeaders(request.headers))
    } finally {
      await watch.settled()
      loan.release()
    }
  } catch (error) {
    neon.onError(error)
    if (isDemotion(error)) neon.pool.outdate()
    return replyTo(error)
  }
}

/** The server takes no writes any more: its name may lead to another by now, which only new connections reach. */
function isDemotion(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '25006'
}

/**
 * One transaction: all of the queries or none. The queries and the COMMIT are sent at once; after a query that failed
 * PostgreSQL takes no other, and the COMMIT rolls back. Not so after a BEGIN that failed, which is waited for.
 */
async function runBatch(
  connection: PostgresConnection,
  begin: string,
  queries: readonly Query[],
): Promise<readonly JsonObject[]> {
  if (queries.some((query) => isTransactionControl(query.text))) {
    throw new NeonRequestError('transaction control is not allowed in a batch, which is one transaction', '2D000')
  }
  await connection.query(begin, [])
  const outcomes = await Promise.allSettled([...queries.map((query) => run(connection, query)), commit(connection)])
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure === undefined)
    return outcomes.slice(0, -1).flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  // Before the answer: the client may count on the locks being gone.
  await connection.rollBack()
  throw failure.reason
}

async function commit(connection: PostgresConnection): Promise<JsonObject> {
  const { command } = await connection.query('COMMIT', [])
  if (command !== 'COMMIT') throw new NeonRequestError('the transaction was rolled back', '25P02')
  return {}
}

async function run(connection: PostgresConnection, query: Query): Promise<JsonObject> {
  return resultBody(await connection.query(query.text, query.params), query.isArrayMode)
}

function resultBody(result: PostgresResult, isArrayMode: boolean): JsonObject {
  const names = result.fields.map((field) => field.name)
  const rows = isArrayMode
    ? result.rows
    : result.rows.map((row) => Object.fromEntries(row.map((value, index) => [names[index] ?? '', value])))
  return {
    rowAsArray: isArrayMode,
    fields: result.fields.map((field) => ({
      name: field.name,
      dataTypeID: field.dataTypeID,
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: 'text',
    })),
    rows,
    command: result.command,
    rowCount: result.rowCount,
  }
}

const isolationLevels: Readonly<Record<string, string>> = {
  Serializable: 'SERIALIZABLE',
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
}

function beginStatement(headers: IncomingHttpHeaders): string {
  const modes: string[] = []
  const level = headers['neon-batch-isolation-level']
  if (level !== undefined) {
    const name = typeof level === 'string' ? isolationLevels[level] : undefined
    if (name === undefined) throw new NeonRequestError('invalid isolation level')
    modes.push(`ISOLATION LEVEL ${name}`)
  }
  if (headers['neon-batch-read-only'] === 'true') modes.push('READ ONLY')
  if (headers['neon-batch-deferrable'] === 'true') modes.push('DEFERRABLE')
  return `BEGIN ${modes.join(', ')}`.trimEnd()
}

function echoedHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const names = ['neon-batch-isolation-level', 'neon-batch-read-only', 'neon-batch-deferrable']
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' && value !== 'false' ? [[name, value] as const] : []
    }),
  )
}

function authenticate(headers: IncomingHttpHeaders, target: PostgresTarget): void {
  const text = headers['neon-connection-string']
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null || !/^postgres(ql)?:$/u.test(url.protocol)) {
    throw new NeonRequestError(
      'invalid connection string: the header Neon-Connection-String has to be a postgresql:// URL',
    )
  }
  const user = decodePercent(url.username)
  const isUser = isSameSecret(user, target.user)
  const isPassword = isSameSecret(decodePercent(url.password), target.password)
  if (!isUser || !isPassword) throw new NeonRequestError(`password authentication failed for user '${user}'`, '28P01')
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new NeonRequestError('invalid connection string: the percent-encoding of user or password is broken')
  }
}

function readPayload(request: ProtocolRequest, maxStatements: number): Payload {
  if (request.headers['neon-raw-text-output'] !== 'true') {
    throw new NeonRequestError(
      'only raw text output is served: send Neon-Raw-Text-Output: true, as @neondatabase/serverless does',
    )
  }
  const parsed = parseJsonObject(request.body)
  if (!parsed.ok) throw new NeonRequestError(`invalid request body: ${parsed.message}`)
  const isArrayMode = request.headers['neon-array-mode'] === 'true'
  const { queries } = parsed.value
  if (queries === undefined) return { kind: 'single', query: readQuery(parsed.value, isArrayMode) }
  if (!Array.isArray(queries)) throw new NeonRequestError('invalid request body: queries has to be an array')
  if (queries.length > maxStatements) {
    throw new NeonRequestError(`a request takes at most ${maxStatements} queries`, '54000')
  }
  return { kind: 'batch', queries: queries.map((query) => readQuery(query, isArrayMode)) }
}

/** The extended protocol counts parameters in 16 bits. */
const maxParams = 65_535

function readQuery(value: unknown, defaultArrayMode: boolean): Query {
  if (!isJsonObject(value) || typeof value['query'] !== 'string') {
    throw new NeonRequestError('invalid request body: a query needs a text in its member query')
  }
  const { query, params = [], arrayMode } = value
  if (!Array.isArray(params)) throw new NeonRequestError('invalid request body: params has to be an array')
  if (params.length > maxParams) throw new NeonRequestError(`a query takes at most ${maxParams} parameters`, '54000')
  return {
    text: query,
    params: params.map(parameterText),
    isArrayMode: typeof arrayMode === 'boolean' ? arrayMode : defaultArrayMode,
  }
}

function parameterText(value: unknown): PostgresValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? arrayText(value) : JSON.stringify(value)
}

/** A JSON array as PostgreSQL's array text: strings in quotes escaped as in JSON, which PostgreSQL reads alike. */
function arrayText(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    if (Array.isArray(value)) return arrayText(value)
    return JSON.stringify(isJsonObject(value) ? JSON.stringify(value) : value)
  })
  return `{${items.join(',')}}`
}

function replyTo(error: unknown): Reply {
  if (error instanceof DatabaseError) return errorReply(400, { message: error.message, ...databaseErrorFields(error) })
  if (error instanceof NeonRequestError) return errorReply(400, { message: error.message, code: error.code })
  if (error instanceof PoolBusyError)
    return jsonReply(503, { message: error.message, code: busyCode }, { 'retry-after': '1' })
  if (error instanceof PostgresUnreachableError)
    return errorReply(400, { message: error.message, code: unreachableSqlState })
  if (error instanceof PostgresConnectionLostError) {
    return errorReply(400, { message: error.message, code: connectionLostSqlState })
  }
  if (error instanceof PoolClosedError) return jsonReply(503, { message: error.message, code: busyCode })
  if (error instanceof PoolAbortedError) return errorReply(400, { message: error.message, code: '57014' })
  throw error
}

interface ErrorBody extends Partial<Record<(typeof errorFields)[number], string | null | undefined>> {
  readonly message: string
  readonly code: string | null | undefined
}

const errorFields = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

function databaseErrorFields(error: DatabaseError): Omit<ErrorBody, 'message'> {
  return { code: error.code, ...Object.fromEntries(errorFields.map((field) => [field, error[field]])) }
}

function errorReply(status: number, body: ErrorBody): Reply {
  return jsonReply(status, {
    message: body.message,
    ...Object.fromEntries(errorFields.map((field) => [field, body[field] ?? null])),
  })
}
