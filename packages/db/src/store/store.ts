import type { Dialect } from '../sql/dialect.ts'
import { DatabaseError } from '../sql/errors.ts'
import type { Applied, GuardedWrite, MarkedWrite } from './guarded-write.ts'
import { watched, type Loss } from './loss.ts'
import { retried, type Retrying } from './retry.ts'
import { sendGuarded } from './send-guarded.ts'
import type { Query, Statement } from '../sql/statement.ts'
import type { RawResult, Transport } from '../sql/transport.ts'

/** Writes that happen together or not at all, and a read of what they left, in the same transaction. */
export interface Batch<Row> {
  readonly writes: readonly Statement[]
  readonly answer?: Query<Row>
  /**
   * Gives a row when this very batch has been applied: by the id that it makes or the operation that it leaves in
   * `last_op`. With it, a batch whose answer was lost is looked up and, where it did not happen, sent again: so its
   * conditions must make a second application impossible. Without it, a lost answer is an error.
   */
  readonly applied?: Query<unknown>
}

export interface Written<Row> {
  /** Rows changed by each write, in order; 1 for each when a lost answer was looked up and the batch was applied. */
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
   * needs none). Never applied twice.
   */
  write<Row = never>(batch: Batch<Row>): Promise<Written<Row>>
  /**
   * Sends a guarded write: one round trip where the platform takes a batch, else one a statement and two for the
   * transaction. Deadlocks and locks that others hold are waited out until the deadline. Never applied twice.
   */
  apply<Row = never>(write: GuardedWrite<Row> | MarkedWrite<Row>): Promise<Applied<Row>>
  /** Sends a write that is one statement: one round trip. Never applied twice. */
  change<Row>(change: Change<Row>): Promise<Changed<Row>>
}

/** One statement that decides, writes and gives what it did: a write in one trip on every platform. */
export interface Change<Row> {
  /** Sent before it in the same transaction: settings and waits, nothing that writes. */
  readonly before?: readonly Statement[]
  readonly statement: Query<Row>
  /**
   * Gives what the statement gave, where it has been applied, and no row where it has not: asked in place of the
   * statement after its answer was lost. So its conditions must make a second application impossible.
   */
  readonly lookup: Query<Row>
}

export interface Changed<Row> {
  readonly rows: readonly Row[]
  readonly affected: number
  /** See {@link RawResult}. */
  readonly insertId: bigint | undefined
}

export interface StoreOptions {
  /** Called before each read and write; throws where the schema is not the one that this code needs. */
  readonly ensureSchema: () => Promise<void>
  readonly retrying: Retrying
}

/** A store over a dialect's transport. */
export function createStore(transport: Transport, { ensureSchema, retrying }: StoreOptions): Store {
  async function read<Row>(query: Query<Row>): Promise<readonly Row[]> {
    const { rows } = await retried(() => transport.run(query), isWorthReadingAgain, retrying)
    return rows.map((row) => query.decode(row))
  }

  async function isFound(query: Query<unknown>): Promise<boolean> {
    return (await read(query)).length > 0
  }

  async function writeOnce<Row>(batch: Batch<Row>, loss: Loss): Promise<Written<Row>> {
    if (loss.isPossible && batch.applied !== undefined && (await isFound(batch.applied))) {
      return {
        affected: batch.writes.map(() => 1),
        rows: batch.answer === undefined ? [] : await read(batch.answer),
      }
    }
    return writtenOf(batch, await send(transport, batch))
  }

  async function applyOnce<Row>(write: GuardedWrite<Row> | MarkedWrite<Row>, loss: Loss): Promise<Applied<Row>> {
    const foundApplied = async (): Promise<Applied<Row> | undefined> => {
      if (!loss.isPossible || !(await isFound(write.proof))) return undefined
      return { isOpen: true, affected: 1, rows: write.answer === undefined ? [] : await read(write.answer) }
    }
    const found = await foundApplied()
    if (found !== undefined) return found
    try {
      const applied = await sendGuarded(transport, write)
      // Closed by the first one, which was still on its way when it was looked up.
      return applied.isOpen ? applied : ((await foundApplied()) ?? applied)
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError) || thrown.fault !== 'unique_violation') throw thrown
      const late = await foundApplied()
      if (late === undefined) throw thrown
      return late
    }
  }

  async function changeOnce<Row>({ before = [], statement, lookup }: Change<Row>, loss: Loss): Promise<Changed<Row>> {
    const found = loss.isPossible ? await read(lookup) : []
    if (found.length > 0) return { rows: found, affected: found.length, insertId: undefined }
    const results =
      before.length === 0 ? [await transport.run(statement)] : await transport.transact(before, [statement])
    // The first one may still have been on its way when it was looked up: this one waited for it, and did nothing.
    const late = loss.isPossible ? await read(lookup) : []
    if (late.length > 0) return { rows: late, affected: late.length, insertId: undefined }
    const { rows, affected, insertId } = results[before.length] ?? { rows: [], affected: 0, insertId: undefined }
    return { rows: rows.map((row) => statement.decode(row)), affected, insertId }
  }

  return {
    dialect: transport.dialect,
    async read(query) {
      await ensureSchema()
      return read(query)
    },
    async write(batch) {
      await ensureSchema()
      const loss: Loss = { isPossible: false }
      const isWorthAgain = (error: DatabaseError) => isWorthWritingAgain(error, batch.applied !== undefined)
      return retried(() => watched(loss, () => writeOnce(batch, loss)), isWorthAgain, retrying)
    },
    async apply(write) {
      await ensureSchema()
      const loss: Loss = { isPossible: false }
      return retried(
        () => watched(loss, () => applyOnce(write, loss)),
        (error) => isWorthWritingAgain(error, true),
        retrying,
      )
    },
    async change(change) {
      await ensureSchema()
      const loss: Loss = { isPossible: false }
      return retried(
        () => watched(loss, () => changeOnce(change, loss)),
        (error) => isWorthWritingAgain(error, true),
        retrying,
      )
    },
  }
}

async function send(transport: Transport, { writes, answer }: Batch<unknown>): Promise<readonly RawResult[]> {
  const [only, ...others] = writes
  if (only !== undefined && others.length === 0 && answer === undefined) return [await transport.run(only)]
  return transport.transact(writes, answer === undefined ? [] : [answer])
}

function writtenOf<Row>({ writes, answer }: Batch<Row>, results: readonly RawResult[]): Written<Row> {
  const affected = writes.map((_, position) => results[position]?.affected ?? 0)
  if (answer === undefined) return { affected, rows: [] }
  const rows = results[writes.length]?.rows ?? []
  return { affected, rows: rows.map((row) => answer.decode(row)) }
}

function isWorthReadingAgain({ fault }: DatabaseError): boolean {
  return fault === 'database_unreachable' || fault === 'database_busy'
}

/** Deadlocks, serialization failures, locks and full pools; an answer that was lost only where it can be looked up. */
function isWorthWritingAgain({ fault, isNotApplied }: DatabaseError, canBeLookedUp: boolean): boolean {
  if (fault === 'database_busy') return isNotApplied || canBeLookedUp
  return canBeLookedUp && (fault === 'database_unreachable' || fault === 'database_timeout')
}
