import { randomBytes } from 'node:crypto'
import type { Target } from '@millrace/db/url'
import {
  emptyWalOf,
  prepareSqliteFile,
  SqliteConnection,
  SqliteFailure,
} from '@millrace/drivers/native/sqlite-connection'
import { type PipelineRequest, ProtocolViolation, malformed, readPipeline } from './hrana-messages.ts'
import { HranaStream, type HranaVersion } from './hrana-stream.ts'
import { parseJsonObject } from './json.ts'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './log.ts'
import { Pool, PoolAbortedError, PoolBusyError, PoolClosedError } from '@millrace/drivers/native/pool'
import { jsonReply, type Protocol, type ProtocolRequest, type Reply, type Route, textReply } from './protocol.ts'
import { isSameSecret } from './secret.ts'
import { type Ending, Sessions } from './sessions.ts'
import { WriteLock } from './write-lock.ts'

/**
 * `code` in a 503: no connection came free, and nothing was done. The libSQL client makes it the code of its error, so
 * it is the one that a locked database has: both mean "not done, try again".
 */
export const busyCode = 'SQLITE_BUSY'
/** `code` in a 503: the file can't be opened; nothing was done. */
const unreachableCode = 'SQLITE_CANTOPEN'

type SqliteFileTarget = Extract<Target, { readonly via: 'file' }>

export interface HranaOptions {
  readonly onlyReads: boolean
  readonly limits: GatewayLimits
  readonly log: Log
  /** Told of what goes wrong with a request. */
  readonly onError: (error: unknown) => void
}

/** A stream, and the one baton that its next request has to show. */
interface BatonStream {
  readonly stream: HranaStream
  ticket: string
}

/**
 * libSQL's Hrana over HTTP in front of a SQLite file, as sqld serves it. Throws SqliteFailure when the file can't be
 * opened or is no database.
 */
export function hranaProtocol(target: SqliteFileTarget, options: HranaOptions): Protocol {
  const gateway = new HranaGateway(target, options)
  const pipeline = (version: HranaVersion): Route => ({
    method: 'POST',
    answer: (request) => gateway.pipeline(request, version),
  })
  const probe: Route = {
    method: 'GET',
    answer: () => Promise.resolve(textReply(200, 'Hello, this is HTTP API v2 (Hrana over HTTP)')),
  }
  return {
    dialect: 'sqlite',
    routes: new Map([
      ['/v2', probe],
      ['/v3', probe],
      ['/v2/pipeline', pipeline(2)],
      ['/v3/pipeline', pipeline(3)],
    ]),
    refuse: ({ status, message }) => jsonReply(status, { message, code: refusalCodes[status] }),
    status: () => gateway.status(),
    beginNoMore: () => gateway.beginNoMore(),
    close: () => gateway.close(),
  }
}

const refusalCodes = {
  400: 'HRANA_PROTO_ERROR',
  401: 'AUTH_TOKEN_INVALID',
  403: 'BLOCKED',
  413: 'REQUEST_TOO_LARGE',
  500: 'INTERNAL_ERROR',
  503: busyCode,
} as const

class HranaGateway {
  readonly #options: HranaOptions
  readonly #file: string
  readonly #pool: Pool<SqliteConnection>
  readonly #lock: WriteLock
  readonly #streams: Sessions<BatonStream>

  constructor(target: SqliteFileTarget, options: HranaOptions) {
    const { limits, log, onlyReads } = options
    const file = prepareSqliteFile(target.path)
    this.#file = file
    openFirst(file, onlyReads ? 'PRAGMA schema_version' : 'PRAGMA journal_mode = WAL')
    this.#options = options
    this.#pool = new Pool(() => Promise.resolve().then(() => SqliteConnection.open(file)), target.options)
    this.#lock = new WriteLock(limits.lockSeconds, () => {
      log({
        level: 'warn',
        event: 'write_lock_taken',
        message: `A transaction that held the write lock for ${limits.lockSeconds} s was rolled back.`,
      })
    })
    this.#streams = new Sessions<BatonStream>({
      idleSeconds: limits.streamIdleSeconds,
      onEnd: ({ stream }, ending) => this.#endStream(stream, ending),
    })
  }

  status() {
    return this.#pool.status()
  }

  beginNoMore(): void {
    this.#pool.lendNoMore()
  }

  async close(): Promise<void> {
    await this.#streams.closeAll()
    await this.#pool.close()
    if (!this.#options.onlyReads) emptyWalOf(this.#file)
  }

  async pipeline(request: ProtocolRequest, version: HranaVersion): Promise<Reply> {
    try {
      const parsed = parseJsonObject(request.body)
      if (!parsed.ok) throw malformed(parsed.message)
      const message = readPipeline(parsed.value, this.#options.limits.statementsPerRequest)
      return message.baton === undefined
        ? await this.#serveNew(message, version, request.signal)
        : await this.#serveKnown(message, message.baton, version)
    } catch (error) {
      this.#options.onError(error)
      return replyTo(error)
    }
  }

  async #serveNew(message: PipelineRequest, version: HranaVersion, signal: AbortSignal): Promise<Reply> {
    const loan = await this.#pool.acquire(signal)
    const stream = new HranaStream(loan, this.#lock, this.#options)
    try {
      const results = await stream.serve(message.requests, version)
      if (!stream.isOpen) return pipelineReply(null, results)
      const ticket = newTicket()
      // A client that is gone can't show the baton: its stream would only idle with the connection.
      if (signal.aborted) throw new PoolAbortedError()
      const id = this.#streams.start({ stream, ticket })
      return pipelineReply(batonOf(id, ticket), results)
    } catch (error) {
      stream.close()
      throw error
    }
  }

  async #serveKnown(message: PipelineRequest, baton: string, version: HranaVersion): Promise<Reply> {
    const [id = '', ticket = ''] = baton.split('.')
    const use = await this.#streams.use(id)
    if (use.kind === 'ended') {
      return jsonReply(400, { message: 'The stream has expired due to inactivity', code: 'STREAM_EXPIRED' })
    }
    if (use.kind === 'unknown') throw new ProtocolViolation('Received an invalid baton')
    const { session } = use
    if (!isSameSecret(ticket, session.ticket)) {
      use.done({ isOpen: true })
      throw new ProtocolViolation('Received a baton that has already been used')
    }
    session.ticket = newTicket()
    try {
      const results = await session.stream.serve(message.requests, version)
      return pipelineReply(session.stream.isOpen ? batonOf(id, session.ticket) : null, results)
    } catch (error) {
      session.stream.close()
      throw error
    } finally {
      use.done({ isOpen: session.stream.isOpen })
    }
  }

  #endStream(stream: HranaStream, ending: Ending): void {
    stream.close()
    if (ending === 'closing') return
    const { log, limits } = this.#options
    const message = `A stream without a request for ${limits.streamIdleSeconds} s was closed.`
    log({ level: 'info', event: 'transaction_ended', message })
  }
}

/**
 * Finds out at the start whether the file is a database; by WAL it lets readers and a writer work side by side from then on,
 * which changes the file.
 */
function openFirst(file: string, statement: string): void {
  const connection = SqliteConnection.open(file)
  try {
    connection.run(statement, [])
  } catch (error) {
    // Another process is opening the file, and sets the same.
    if (!(error instanceof SqliteFailure && error.isLocked)) throw error
  } finally {
    void connection.close()
  }
}

function newTicket(): string {
  return randomBytes(18).toString('base64url')
}

function batonOf(id: string, ticket: string): string {
  return `${id}.${ticket}`
}

function pipelineReply(baton: string | null, results: readonly unknown[]): Reply {
  return jsonReply(200, { baton, base_url: null, results })
}

function replyTo(error: unknown): Reply {
  if (error instanceof ProtocolViolation) return textReply(400, error.message)
  if (error instanceof PoolBusyError)
    return jsonReply(503, { message: error.message, code: busyCode }, { 'retry-after': '1' })
  if (error instanceof PoolClosedError) return jsonReply(503, { message: error.message, code: busyCode })
  if (error instanceof PoolAbortedError) return jsonReply(400, { message: error.message, code: 'SQLITE_INTERRUPT' })
  if (error instanceof SqliteFailure) return jsonReply(503, { message: error.message, code: unreachableCode })
  throw error
}
