import { createClient, type InStatement, type InValue, type ResultSet } from '@libsql/client/http'
import type { RawResult, Transport, TripObserver } from '../../transport.ts'
import type { Statement } from '../../statement.ts'
import type { Target } from '../../url.ts'
import { fetchThrough, type Endpoint } from '../trips.ts'
import { sqlite } from './dialect.ts'
import { readSqliteError } from './errors.ts'

export type SqliteTarget = Extract<Target, { dialect: 'sqlite' }>

export function openSqlite(target: SqliteTarget, endpoint: Endpoint, observer?: TripObserver): Transport {
  let current = ''
  const client = createClient({
    ...addressOf(target, endpoint),
    intMode: 'bigint',
    fetch: fetchThrough(endpoint, observer, () => current),
  })
  return {
    dialect: sqlite,
    async run(statement) {
      current = statement.text
      try {
        return rawResult(await client.execute(toLibsql(statement)))
      } catch (thrown) {
        throw readSqliteError(thrown)
      }
    },
    async transact(writes, reads) {
      const statements = [...writes, ...reads]
      current = statements.map(({ text }) => text).join(';\n')
      try {
        // 'write' is BEGIN IMMEDIATE: a deferred transaction that turns into a write fails under contention.
        const results = await client.batch(statements.map(toLibsql), 'write')
        return results.map(rawResult)
      } catch (thrown) {
        throw readSqliteError(thrown)
      }
    },
  }
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
