import { neon, neonConfig, type FullQueryResults, type NeonQueryFunction } from '@neondatabase/serverless'
import type { RawResult } from '@millrace/db/sql/statement'
import type { Connect, TransportLimits } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import { fetchThrough, purposeOf, type Endpoint } from '../trips.ts'
import type { Fetch } from '../fetch.ts'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import { readNeonError } from './errors.ts'

export type PostgresTarget = Extract<Target, { dialect: 'postgres' }>

/** The driver parses by type; rows are wanted as PostgreSQL's exact text. */
export const asText = { getTypeParser: () => (value: string) => value }

const textRows = { arrayMode: true, fullResults: true, types: asText } as const

/** Set on each request's options: neonConfig's `fetchFunction` is one for the whole process. */
interface MeteredInit extends RequestInit {
  readonly millraceFetch?: Fetch
}

/** `host:port` of gateways, to tell them from Neon's own hosts in the process-wide `fetchEndpoint`. */
const gatewayHosts = new Map<string, string>()

neonConfig.fetchFunction = (input: string, { millraceFetch = fetch, ...init }: MeteredInit) =>
  millraceFetch(input, init)
neonConfig.fetchEndpoint = (host, port) =>
  gatewayHosts.has(`${host}:${port}`) ? gatewayEndpoint(host, port) : platformEndpoint(host)

/** The protocol counts parameters in 16 bits; Neon takes requests of 10 MB (https://neon.com/docs/serverless/serverless-driver). */
const neonLimits: TransportLimits = {
  maxParameters: 65_535,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 10 * 1024 * 1024,
}

/** Makes transports that share where and as whom they connect. */
export function neonTransports(target: PostgresTarget, endpoint: Endpoint): Connect {
  const connection = connectionString(target, endpoint)
  return (observer) => {
    let purpose = purposeOf(observer)
    const sql: NeonQueryFunction<true, true> = neon(connection, {
      arrayMode: true,
      fullResults: true,
      fetchOptions: { millraceFetch: fetchThrough(endpoint, () => purpose) },
      disableWarningInBrowsers: true,
    })
    return {
      dialect: postgres,
      limits: neonLimits,
      async run(statement) {
        purpose = purposeOf(observer, statement)
        try {
          return rawResult(await sql.query(statement.text, [...statement.parameters], textRows))
        } catch (thrown) {
          throw readNeonError(thrown)
        }
      },
      async transact(writes, reads) {
        const statements = [...writes, ...reads]
        purpose = purposeOf(observer, ...statements)
        try {
          const queries = statements.map(({ text, parameters }) => sql.query(text, [...parameters], textRows))
          const results = await sql.transaction(queries, { isolationLevel: 'ReadCommitted' })
          return results.map(rawResult)
        } catch (thrown) {
          throw readNeonError(thrown)
        }
      },
    }
  }
}

export function connectionString(target: PostgresTarget, endpoint: Endpoint): string {
  const credentials = `${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}`
  const database = encodeURIComponent(target.database)
  const { gatewayUrl } = endpoint
  if (gatewayUrl === undefined)
    return `postgresql://${credentials}@${bracketed(target.host)}:${target.port}/${database}`
  // The gateway ignores the host: it only leads the process-wide `fetchEndpoint` to the right gateway.
  const port = gatewayUrl.port === '' ? (gatewayUrl.protocol === 'https:' ? '443' : '80') : gatewayUrl.port
  gatewayHosts.set(`${gatewayUrl.hostname}:${port}`, gatewayUrl.protocol)
  return `postgresql://${credentials}@${gatewayUrl.hostname}:${port}/${database}`
}

function gatewayEndpoint(host: string, port: number | string): string {
  return `${gatewayHosts.get(`${host}:${port}`) ?? 'https:'}//${host}:${port}/sql`
}

/** As the driver's own default has it: the first label of the host gives way to `api`. */
function platformEndpoint(host: string): string {
  return `https://${host.replace(/^[^.]+\./, 'api.')}/sql`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function rawResult({ rows, rowCount }: FullQueryResults<boolean>): RawResult {
  return { rows: rows.map(listOf), affected: rowCount }
}

/** An array, as `arrayMode` asks; the driver's type has objects too. */
function listOf(row: object): readonly unknown[] {
  return isList(row) ? row : Object.values({ ...row })
}

function isList(row: object): row is readonly unknown[] {
  return Array.isArray(row)
}
