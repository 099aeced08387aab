import { createClient, type Client, type InStatement, type InValue, type ResultSet } from '@libsql/client/http'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connect, TransportLimits } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import { fetchThrough, purposeOf, type Endpoint, type Purpose } from '../trips.ts'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import { readLibsqlError } from './errors.ts'

export type SqliteTarget = Extract<Target, { dialect: 'sqlite'; via: 'file' | 'libsql' }>

/** SQLite's own: https://www.sqlite.org/limits.html */
const libsqlLimits: TransportLimits = {
  maxParameters: 32_766,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

/** Makes transports that share what can be shared: the clients. */
export function libsqlTransports(target: SqliteTarget, endpoint: Endpoint): Connect {
  const idle: OpenClient[] = []

  /** A client does one thing at a time, since it is told for whom when that begins; one that failed is not used again. */
  async function use<Result>(purpose: Purpose, act: (client: Client) => Promise<Result>): Promise<Result> {
    const opened = idle.pop() ?? openClient(target, endpoint, purpose)
    opened.purpose = purpose
    try {
      const result = await act(opened.client)
      idle.push(opened)
      return result
    } catch (thrown) {
      throw readLibsqlError(thrown)
    }
  }

  return (observer) => ({
    dialect: sqlite,
    limits: libsqlLimits,
    async run(statement) {
      return rawResult(await use(purposeOf(observer, statement), (client) => client.execute(toLibsql(statement))))
    },
    async transact(writes, reads) {
      const statements = [...writes, ...reads]
      // 'write' is BEGIN IMMEDIATE: a deferred transaction that turns into a write fails under contention.
      const results = await use(purposeOf(observer, ...statements), (client) =>
        client.batch(statements.map(toLibsql), 'write'),
      )
      return results.map(rawResult)
    },
    async transactUnchecked(writes) {
      // One stream in one request: PRAGMA foreign_keys=off, BEGIN, the statements, COMMIT, PRAGMA foreign_keys=on.
      const results = await use(purposeOf(observer, ...writes), (client) => client.migrate(writes.map(toLibsql)))
      return results.map(rawResult)
    },
  })
}

interface OpenClient {
  readonly client: Client
  purpose: Purpose
}

/** To make a client takes longer than to send a statement. It keeps no connection. */
function openClient(target: SqliteTarget, endpoint: Endpoint, purpose: Purpose): OpenClient {
  const opened: OpenClient = {
    purpose,
    client: createClient({
      ...addressOf(target, endpoint),
      intMode: 'bigint',
      fetch: fetchThrough(endpoint, () => opened.purpose),
    }),
  }
  return opened
}

export function addressOf(target: SqliteTarget, { gatewayUrl }: Endpoint): { url: string; authToken?: string } {
  if (target.via === 'libsql') {
    return { url: target.url, ...(target.authToken === undefined ? {} : { authToken: target.authToken }) }
  }
  if (gatewayUrl === undefined) throw new TypeError('a SQLite file is reached through a gateway')
  return { url: gatewayUrl.origin }
}

export function toLibsql({ text, parameters }: Statement): InStatement {
  return { sql: text, args: parameters.map(toValue) }
}

/** The client sends every JavaScript number as a float; integers must stay integers. */
function toValue(parameter: unknown): InValue {
  if (typeof parameter === 'number' && Number.isSafeInteger(parameter)) return BigInt(parameter)
  if (parameter === null || typeof parameter === 'string' || typeof parameter === 'bigint') return parameter
  throw new TypeError(`a parameter of type ${typeof parameter} has no place in a libSQL statement`)
}

export function rawResult({ rows, columns, rowsAffected }: ResultSet): RawResult {
  return { rows: rows.map((row) => columns.map((_, position) => row[position])), affected: rowsAffected }
}
