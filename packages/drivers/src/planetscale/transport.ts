import { Client, type Connection, type ExecutedQuery } from '@planetscale/database'
import { DatabaseError, neverApplied } from '@millrace/db/sql/errors'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connect, TransportLimits } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import { writeUntilGate } from '../tcp/gated-writes.ts'
import { fetchThrough, purposeOf, type Endpoint } from '../trips.ts'
import { castValue } from './cast.ts'
import { mysql } from '@millrace/db/dialects/mysql/dialect'
import { readPlanetScaleError } from './errors.ts'

export type MysqlTarget = Extract<Target, { dialect: 'mysql' }>

/** The statement goes with its parameters in it, as one text: MySQL's default for the longest is 16 MiB. */
const planetScaleLimits: TransportLimits = {
  maxParameters: Number.POSITIVE_INFINITY,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 16 * 1024 * 1024,
}

/** Makes transports that share where and as whom they connect. */
export function planetScaleTransports(target: MysqlTarget, endpoint: Endpoint): Connect {
  const address = addressOf(target, endpoint)
  const headers = { Authorization: basicAuthorization(target) }
  return (observer) => {
    let purpose = purposeOf(observer)
    const client = new Client({ ...address, cast: castValue, fetch: fetchThrough(endpoint, () => purpose, headers) })

    async function execute(connection: Connection, statement: Statement): Promise<RawResult> {
      const { text, parameters } = statement
      purpose = purposeOf(observer, statement)
      try {
        return rawResult(
          await connection.execute<'array'>(text, parameters.length === 0 ? null : [...parameters], { as: 'array' }),
        )
      } catch (thrown) {
        throw readPlanetScaleError(thrown, text)
      }
    }

    return {
      dialect: mysql,
      limits: planetScaleLimits,
      run: (statement) => execute(client.connection(), statement),
      async transact(writes, reads) {
        // By hand, not by the client's `transaction`: when the answer to its COMMIT is lost, its ROLLBACK hides it.
        const connection = client.connection()
        await beforeCommit(() => execute(connection, statementOf('begin')))
        try {
          const { isDone, results } = await beforeCommit(async () => {
            const written = await writeUntilGate(writes, (statement) => execute(connection, statement))
            const read: RawResult[] = []
            for (const statement of reads) read.push(await execute(connection, statement))
            return { isDone: written.isDone, results: [...written.results, ...read] }
          })
          if (isDone) await execute(connection, statementOf('commit'))
          else await beforeCommit(() => execute(connection, statementOf('rollback')))
          return results
        } catch (thrown) {
          // After a COMMIT that was lost on its way too: until the session ends, its locks would stand in a retry's way.
          await rollBackQuietly(connection, execute)
          throw thrown
        }
      },
    }
  }
}

type Execute = (connection: Connection, statement: Statement) => Promise<RawResult>

/** The error that led here is the one to tell; a session whose ROLLBACK fails too is ended by the server. */
async function rollBackQuietly(connection: Connection, execute: Execute): Promise<void> {
  await execute(connection, statementOf('rollback')).catch(() => undefined)
}

/**
 * Part of a transaction whose COMMIT nobody has sent: what breaks it was never applied, and never will be. A statement
 * that arrives late finds its transaction ended, or leaves it to be rolled back.
 */
async function beforeCommit<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    throw thrown instanceof DatabaseError && !thrown.isNotApplied ? neverApplied(thrown) : thrown
  }
}

function statementOf(text: string): Statement {
  return { text, parameters: [] }
}

export function addressOf(target: MysqlTarget, { gatewayUrl }: Endpoint) {
  // Plain http works only through `url`, whose user and password the client takes without percent-decoding: both go
  // into the header instead.
  return gatewayUrl === undefined ? { host: target.host } : { url: gatewayUrl.origin }
}

export function basicAuthorization({ user, password }: MysqlTarget): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

export function rawResult({ rows, rowsAffected, insertId }: ExecutedQuery<'array'>): RawResult {
  // Arrays, as `as: 'array'` asks; the client's type has objects too.
  const values = rows.map((row) => (Array.isArray(row) ? row : Object.values<unknown>(row)))
  return { rows: values, affected: rowsAffected, insertId: BigInt(insertId) }
}
