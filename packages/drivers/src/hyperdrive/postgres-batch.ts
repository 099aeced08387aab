import { Query, type Connection } from 'pg'
import { serialize } from 'pg-protocol'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import { postgresValueOf, type PostgresValue } from '../tcp/postgres-values.ts'

/**
 * Statements that end at one Sync message: after one that fails the server passes over the others. pg's own queries end
 * at a Sync each, and where a pooler has no connection for a BEGIN, it might have one for the statement behind it, which
 * would then run by itself. pg calls the `handle…` methods as the answers come.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class PostgresBatch extends Query {
  readonly #bytes: Uint8Array
  readonly #outcome = Promise.withResolvers<readonly RawResult[]>()
  readonly #results: RawResult[] = []
  #rows: (readonly PostgresValue[])[] = []

  /** @param bytes {@link bytesOf} of it, with those of the ones behind it; nothing where they went with one before it */
  constructor(bytes: Uint8Array) {
    super({ text: '' })
    this.#bytes = bytes
    // Whoever waits for several batches meets the first that fails; none is an unhandled rejection.
    this.#outcome.promise.catch(() => undefined)
  }

  /** A result for each statement. Rejects with pg's error of the statement that failed, or of the connection. */
  get results(): Promise<readonly RawResult[]> {
    return this.#outcome.promise
  }

  override readonly submit = (connection: Connection): void => {
    if (this.#bytes.byteLength > 0) connection.stream.write(this.#bytes)
  }

  handleDataRow({ fields }: { readonly fields: readonly PostgresValue[] }): void {
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#results.push({ rows: this.#rows, affected: Number(/ (\d+)$/.exec(text)?.[1] ?? 0) })
    this.#rows = []
  }

  handleEmptyQuery(): void {
    this.#results.push({ rows: [], affected: 0 })
  }

  handleError(error: unknown): void {
    this.#outcome.reject(error)
  }

  handleReadyForQuery(): void {
    this.#outcome.resolve(this.#results)
  }
}

/** Of batches, as one: each statement is parsed, bound and run as the unnamed one, which outlives no other. */
export function bytesOf(...batches: readonly (readonly Statement[])[]): Uint8Array {
  const messages: readonly Uint8Array[] = batches.flatMap((statements) => [
    ...statements.flatMap(({ text, parameters }) => [
      serialize.parse({ text }),
      serialize.bind({ values: parameters.map(postgresValueOf) }),
      serialize.execute(),
    ]),
    serialize.sync(),
  ])
  const bytes = new Uint8Array(messages.reduce((length, message) => length + message.byteLength, 0))
  let at = 0
  for (const message of messages) {
    bytes.set(message, at)
    at += message.byteLength
  }
  return bytes
}
