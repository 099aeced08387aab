import { DatabaseError as ServerError } from 'pg'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import { plain } from '@millrace/db/dialects/plain'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { Statement } from '@millrace/db/sql/statement'
import type { Connection, RawResult, TransportLimits } from '@millrace/db/sql/transport'
import type { ServerAddress } from '@millrace/db/url'
import { observed } from '../observed.ts'
import { readPostgresError } from '../tcp/postgres-errors.ts'
import { postgresValueOf } from '../tcp/postgres-values.ts'
import { withinSeconds } from '../tcp/time-limit.ts'
import { Pool, type Lease } from './pool.ts'
import { poolFailure, type NativeOptions } from './pooled.ts'
import { PostgresConnection, type PostgresOpenOptions } from './postgres-connection.ts'
import { StatementNames } from './statement-names.ts'
import { tlsAttempts } from './tls.ts'

/** The protocol counts parameters in 16 bits, and bytes of a message in 31. */
const limits: TransportLimits = {
  maxParameters: 65_535,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

type Act<Result> = (connection: PostgresConnection) => Promise<Result>

/** PostgreSQL in this process: prepared statements, and a batch in one round trip. */
export function connect(address: ServerAddress, options: NativeOptions): Connection {
  const opening: PostgresOpenOptions = {
    tls: tlsAttempts(address.options, address.host),
    log: options.log,
    session: 'kept',
  }
  const open = () => PostgresConnection.open(address, opening)
  const pool = new Pool(open, address.options)
  const names = new StatementNames()

  async function leased<Result>(seconds: number, act: Act<Result>): Promise<Result> {
    const lease = await pool.acquire()
    let isSpent = false
    try {
      return await withinSeconds(seconds, stoppable(lease, open), () => act(lease.connection))
    } catch (thrown) {
      isSpent = isNameLost(thrown)
      throw thrown
    } finally {
      lease.release({ discard: isSpent })
    }
  }

  async function use<Result>(statements: readonly Statement[], act: Act<Result>): Promise<Result> {
    const seconds = statements.find(({ timeoutSeconds }) => timeoutSeconds !== undefined)?.timeoutSeconds
    try {
      try {
        return await leased(seconds ?? options.timeoutSeconds, act)
      } catch (thrown) {
        if (!isNameLost(thrown)) throw thrown
        // Refused before anything of it ran.
        names.turnOff()
        return await leased(seconds ?? options.timeoutSeconds, act)
      }
    } catch (thrown) {
      throw readError(thrown)
    }
  }

  const send = async (connection: PostgresConnection, { text, parameters }: Statement): Promise<RawResult> => {
    const { rows, rowCount } = await connection.query(text, parameters.map(postgresValueOf), names.nameOf(text))
    return { rows, affected: rowCount ?? 0 }
  }

  return {
    dialect: postgres,
    transport: (observer) => ({
      dialect: postgres,
      limits,
      run: (statement) =>
        observed(observer, [statement], () => use([statement], (connection) => send(connection, statement))),
      transact(writes, reads) {
        const statements = [...writes, ...reads]
        return observed(observer, statements, () =>
          use(statements, (connection) => transaction(connection, statements, send)),
        )
      },
    }),
    snapshot: () => openSnapshot(open),
    poolStatus: () => Promise.resolve(pool.status()),
    close: () => pool.close(),
  }
}

type Send = (connection: PostgresConnection, statement: Statement) => Promise<RawResult>

/**
 * BEGIN, the statements and COMMIT are sent at once. After a statement that failed PostgreSQL takes no other, and the
 * COMMIT rolls back.
 */
async function transaction(
  connection: PostgresConnection,
  statements: readonly Statement[],
  send: Send,
): Promise<readonly RawResult[]> {
  const begun = connection.query('BEGIN ISOLATION LEVEL READ COMMITTED', [])
  const sent = statements.map((statement) => send(connection, statement))
  const outcomes = await Promise.allSettled([begun, ...sent, connection.query('COMMIT', [])])
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return Promise.all(sent)
}

function stoppable({ connection }: Lease<PostgresConnection>, open: () => Promise<PostgresConnection>) {
  return {
    async stop() {
      const { processId } = connection
      if (processId === null) return
      try {
        const other = await open()
        try {
          await other.query('SELECT pg_cancel_backend($1)', [String(processId)])
        } finally {
          await other.close()
        }
      } catch {
        // Whether it has ended is seen by the statement's own answer, which is waited for.
        return
      }
    },
    abandon: () => connection.destroy(),
  }
}

/** Behind a pooler like pgbouncer, or after a migration that changed a column's type. */
function isNameLost(thrown: unknown): boolean {
  if (!(thrown instanceof ServerError)) return false
  const { code, message } = thrown
  return code === '26000' || code === '42P05' || (code === '0A000' && message.includes('cached plan'))
}

/** As {@link readPostgresError}, and what the pool throws. */
function readError(thrown: unknown): DatabaseError {
  return poolFailure(thrown) ?? readPostgresError(thrown)
}

async function runRead(connection: PostgresConnection, { text, parameters }: Statement): Promise<RawResult> {
  try {
    const { rows, rowCount } = await connection.query(text, parameters.map(postgresValueOf))
    return { rows, affected: rowCount ?? 0 }
  } catch (thrown) {
    throw readError(thrown)
  }
}

/** A read-only repeatable-read transaction. Its first statement takes the snapshot. */
async function openSnapshot(open: () => Promise<PostgresConnection>): Promise<Snapshot> {
  const connection = await open().catch((thrown: unknown) => {
    throw readError(thrown)
  })
  try {
    await runRead(connection, plain('begin transaction isolation level repeatable read, read only'))
    // The reader may be busy with rows for longer than the server lets a transaction idle.
    await runRead(connection, plain('set local idle_in_transaction_session_timeout = 0'))
    await runRead(connection, plain('select 1'))
  } catch (thrown) {
    await connection.close()
    throw thrown
  }
  return { dialect: postgres, run: (statement) => runRead(connection, statement), close: () => connection.close() }
}
