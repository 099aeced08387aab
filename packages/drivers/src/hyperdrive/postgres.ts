import { DatabaseError as ServerError } from 'pg'
import { plain } from '@millrace/db/dialects/plain'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits } from '@millrace/db/sql/transport'
import type { ServerAddress } from '@millrace/db/url'
import { observed } from '../observed.ts'
import { readPostgresError } from '../tcp/postgres-errors.ts'
import { withinSeconds } from '../tcp/time-limit.ts'
import { poolRefusal } from './pool-refusal.ts'
import { PostgresSession } from './postgres-session.ts'
import { RequestConnection } from './request-connection.ts'

/** The protocol counts parameters in 16 bits, and bytes of a message in 31. */
const limits: TransportLimits = {
  maxParameters: 65_535,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

/**
 * PostgreSQL through Hyperdrive, by TCP from workerd. Whatever runs is a transaction of its own: what a session is set
 * to holds within one only, and Hyperdrive answers none from its cache. No statement is named: each would be parsed
 * once for a request.
 */
export function connect(address: ServerAddress, { timeoutSeconds }: { readonly timeoutSeconds: number }): Connection {
  const open = () => PostgresSession.open(address)

  async function transaction(
    own: RequestConnection<PostgresSession>,
    statements: readonly Statement[],
  ): Promise<readonly RawResult[]> {
    const seconds = statements.find((statement) => statement.timeoutSeconds !== undefined)?.timeoutSeconds
    const limit = seconds ?? timeoutSeconds
    try {
      return await own.use((session) =>
        withinSeconds(limit, stoppable(session), () => session.transaction(beginning(limit), statements)),
      )
    } catch (thrown) {
      throw readError(thrown)
    }
  }

  return {
    dialect: postgres,
    transport(observer) {
      const own = new RequestConnection(open)
      return {
        dialect: postgres,
        limits,
        async run(statement) {
          const [result = nothing] = await observed(observer, [statement], () => transaction(own, [statement]))
          return result
        },
        transact(writes, reads) {
          const statements = [...writes, ...reads]
          return observed(observer, statements, () => transaction(own, statements))
        },
      }
    },
    snapshot: () => openSnapshot(open),
    // Hyperdrive has one, and tells nothing of it.
    poolStatus: () => Promise.resolve(undefined),
    // Each request's is closed with it.
    close: () => Promise.resolve(),
  }
}

const nothing: RawResult = { rows: [], affected: 0 }

/** The time limit is the server's own: the process that works for Hyperdrive can't be told to stop from outside. */
function beginning(seconds: number): readonly Statement[] {
  const milliseconds = String(Math.max(1, Math.ceil(seconds * 1000)))
  return [
    plain('BEGIN ISOLATION LEVEL READ COMMITTED'),
    {
      text: `select set_config('DateStyle', 'ISO, MDY', true), set_config('TimeZone', 'GMT', true), set_config('statement_timeout', $1, true)`,
      parameters: [milliseconds],
    },
  ]
}

/** The server stops by itself; where no answer comes even so, the connection is given up. */
function stoppable(session: PostgresSession) {
  return { stop: () => Promise.resolve(), abandon: () => session.destroy() }
}

function readError(thrown: unknown): DatabaseError {
  const refusal = thrown instanceof ServerError ? poolRefusal(thrown.message) : undefined
  return refusal ?? readPostgresError(thrown)
}

/** A read-only repeatable-read transaction on a connection of its own, which Hyperdrive leaves to it until its end. */
async function openSnapshot(open: () => Promise<PostgresSession>): Promise<Snapshot> {
  const session = await open().catch((thrown: unknown) => {
    throw readError(thrown)
  })
  const run = async (statements: readonly Statement[]): Promise<RawResult> => {
    try {
      return (await session.run(statements)).at(-1) ?? nothing
    } catch (thrown) {
      throw readError(thrown)
    }
  }
  try {
    // Its first statement takes the snapshot. The reader may be busy with rows for longer than a transaction may idle.
    await run([
      plain('begin transaction isolation level repeatable read, read only'),
      plain(
        `select set_config('DateStyle', 'ISO, MDY', true), set_config('TimeZone', 'GMT', true), set_config('idle_in_transaction_session_timeout', '0', true)`,
      ),
    ])
  } catch (thrown) {
    await session.close()
    throw thrown
  }
  return { dialect: postgres, run: (statement) => run([statement]), close: () => session.close() }
}
