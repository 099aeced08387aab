import { Client, DatabaseError as ServerError } from 'pg'
import { plain } from '@millrace/db/dialects/plain'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { ServerAddress } from '@millrace/db/url'
import { connectionFailureWords } from '../tcp/connection-trouble.ts'
import { PostgresLink, postgresOptions } from '../tcp/postgres-link.ts'
import { PostgresUnreachableError } from '../tcp/postgres-errors.ts'
import { bytesOf, PostgresBatch } from './postgres-batch.ts'
import type { RequestSession } from './request-connection.ts'

const commit = plain('COMMIT')

/** A connection to Hyperdrive, which lends it another of the server's for each transaction. */
export class PostgresSession extends PostgresLink implements RequestSession {
  /** @throws pg's DatabaseError where Hyperdrive answered with one, PostgresUnreachableError otherwise */
  static async open(address: ServerAddress): Promise<PostgresSession> {
    const client = new Client({
      ...postgresOptions(address),
      // Hyperdrive itself encrypts on the way to the server.
      ssl: false,
      pipeline: true,
    })
    const session = new PostgresSession(client)
    try {
      await client.connect()
      return session
    } catch (error) {
      session.destroy()
      if (error instanceof ServerError) throw error
      const words = error instanceof Error ? connectionFailureWords(error) : 'unknown failure'
      throw new PostgresUnreachableError(words, { cause: error })
    }
  }

  /**
   * Runs statements as one transaction, in one write and one round trip: the COMMIT goes with them, as a batch of its
   * own, and rolls back after one that has failed. Rejects with pg's error.
   */
  async transaction(begin: readonly Statement[], statements: readonly Statement[]): Promise<readonly RawResult[]> {
    const batch = this.#send(bytesOf([...begin, ...statements], [commit]))
    const end = this.#send(new Uint8Array(0))
    const [ran, ended] = await Promise.allSettled([batch.results, end.results])
    if (ran.status === 'rejected') throw ran.reason
    if (ended.status === 'rejected') throw ended.reason
    return ran.value.slice(begin.length)
  }

  /** Runs statements, in one round trip, within a transaction that stays open or by themselves. Rejects with pg's error. */
  run(statements: readonly Statement[]): Promise<readonly RawResult[]> {
    return this.#send(bytesOf(statements)).results
  }

  #send(bytes: Uint8Array): PostgresBatch {
    return this.client.query(new PostgresBatch(bytes))
  }
}
