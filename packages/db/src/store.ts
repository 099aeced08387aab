import type { Dialect } from './dialect.ts'
import { DatabaseError } from './errors.ts'
import type { Query, Statement } from './statement.ts'
import type { RawResult, Transport } from './transport.ts'

/** Writes that happen together or not at all, and a read of what they left, in the same transaction. */
export interface Batch<Row> {
  readonly writes: readonly Statement[]
  readonly answer?: Query<Row>
}

export interface Written<Row> {
  /** Rows changed by each write, in order. */
  readonly affected: readonly number[]
  readonly rows: readonly Row[]
}

/** What repositories see of a database. Errors are thrown as DatabaseError. */
export interface Store {
  readonly dialect: Dialect
  /** One round trip; repeated when the connection breaks. */
  read<Row>(query: Query<Row>): Promise<readonly Row[]>
  /**
   * One round trip where the platform takes a batch, else one a statement and two for the transaction (a single write
   * needs none). Repeated only when the database says that nothing of it was applied.
   */
  write<Row = never>(batch: Batch<Row>): Promise<Written<Row>>
}

export interface StoreOptions {
  /** Called before each read and write; throws where the schema is not the one that this code needs. */
  readonly ensureSchema: () => Promise<void>
  readonly retry: RetryPolicy
}

export interface RetryPolicy {
  readonly attempts: number
  readonly firstDelayMilliseconds: number
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 4, firstDelayMilliseconds: 20 }

/** A store over a dialect's transport. */
export function createStore(transport: Transport, { ensureSchema, retry }: StoreOptions): Store {
  return {
    dialect: transport.dialect,
    async read(query) {
      await ensureSchema()
      const { rows } = await retried(() => transport.run(query), isWorthReadingAgain, retry)
      return rows.map((row) => query.decode(row))
    },
    async write({ writes, answer }) {
      await ensureSchema()
      const results = await retried(() => send(transport, writes, answer), isWorthWritingAgain, retry)
      const affected = writes.map((_, position) => results[position]?.affected ?? 0)
      if (answer === undefined) return { affected, rows: [] }
      const rows = results[writes.length]?.rows ?? []
      return { affected, rows: rows.map((row) => answer.decode(row)) }
    },
  }
}

async function send(
  transport: Transport,
  writes: readonly Statement[],
  answer: Statement | undefined,
): Promise<readonly RawResult[]> {
  const [only, ...others] = writes
  if (only !== undefined && others.length === 0 && answer === undefined) return [await transport.run(only)]
  return transport.transact(writes, answer === undefined ? [] : [answer])
}

async function retried<Result>(
  attempt: () => Promise<Result>,
  isWorthAgain: (error: DatabaseError) => boolean,
  { attempts, firstDelayMilliseconds }: RetryPolicy,
): Promise<Result> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt()
    } catch (thrown) {
      if (tried >= attempts || !(thrown instanceof DatabaseError) || !isWorthAgain(thrown)) throw thrown
    }
    await pause(jittered(firstDelayMilliseconds * 2 ** (tried - 1)))
  }
}

function isWorthReadingAgain({ fault }: DatabaseError): boolean {
  return fault === 'database_unreachable' || fault === 'database_busy'
}

/** Deadlocks, serialization failures, locks and full pools; never an answer that was lost. */
function isWorthWritingAgain({ fault, isNotApplied }: DatabaseError): boolean {
  return fault === 'database_busy' && isNotApplied
}

/** Between half and the whole, so that those that collided don't collide again. */
function jittered(milliseconds: number): number {
  return milliseconds * (0.5 + Math.random() / 2)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
