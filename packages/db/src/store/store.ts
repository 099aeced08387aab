import { asProven } from '../access/access.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Sharing } from './coalescer.ts'
import { databaseError, DatabaseError, type DatabaseFault } from '../sql/errors.ts'
import type { RowLock } from '../sql/lock-order.ts'
import { answerOf, openedBy, type Applied, type GuardedWrite, type MarkedWrite } from './guarded-write.ts'
import { isKeyTaken } from './key-taken.ts'
import { watched, type Loss } from './loss.ts'
import { retried, type Retrying } from './retry.ts'
import { sendGuarded } from './send-guarded.ts'
import type { Query, RawResult, Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'

/** What repositories see of a database. Errors are thrown as DatabaseError. */
export interface Store {
  readonly dialect: Dialect
  /** One round trip; repeated when the connection breaks. */
  read<Row>(query: Query<Row>): Promise<readonly Row[]>
  /**
   * Sends a guarded write: one round trip where the platform takes a batch, else one per statement and two for the
   * transaction. Deadlocks and locks that others hold are waited out until the deadline. Never applied twice. After a
   * lost answer the gate is never called closed: where no proof is found, the answer is lost for good.
   */
  apply<Row = never>(write: GuardedWrite<Row> | MarkedWrite<Row>): Promise<Applied<Row>>
  /** Sends a write that is one statement: one round trip. Never applied twice. */
  change<Row>(change: Change<Row>): Promise<Changed<Row>>
  /**
   * Sends, as one transaction, statements that decide nothing which a caller is told, and that would do no harm a second
   * time: sweeps and notes. A lost answer is an error.
   * @returns how many rows each has changed
   */
  tidy(statements: readonly Statement[]): Promise<readonly number[]>
  /** Undefined where no request may wait for another one. */
  readonly sharing: Sharing | undefined
  /** The same object for all stores of one database in one process or isolate: what is remembered of it hangs on that. */
  readonly memory: object | undefined
}

/** One statement that decides, writes and gives what it did: a write in one round trip on every platform. */
export interface Change<Row> {
  /** As those of a {@link GuardedWrite}. */
  readonly locks: readonly RowLock[]
  /** Sent before it in the same transaction: settings and waits, nothing that writes. */
  readonly before?: readonly Statement[]
  readonly statement: Query<Row>
  /**
   * Gives what the statement gave, where it has been applied, and no row where it has not: asked in place of the
   * statement after its answer was lost, and built then alone. So its conditions must make a second application
   * impossible.
   */
  readonly lookup: () => Query<Row>
}

export interface Changed<Row> {
  readonly rows: readonly Row[]
  readonly affected: number
  /** See {@link RawResult}. */
  readonly insertId: bigint | undefined
}

export interface StoreOptions {
  /** Called before each read and write; rejects where the schema is not the one that this code needs, undefined where it is known to be. */
  readonly ensureSchema: () => Promise<void> | undefined
  readonly retrying: Retrying
  readonly sharing?: Sharing | undefined
  readonly memory?: object | undefined
}

/** A store over a dialect's transport. */
export function createStore(transport: Transport, { ensureSchema, retrying, sharing, memory }: StoreOptions): Store {
  async function read<Row>(query: Query<Row>): Promise<readonly Row[]> {
    const { rows } = await retried(() => transport.run(query), isWorthReadingAgain, retrying)
    return rows.map((row) => query.decode(row))
  }

  async function isFound(query: Query<unknown>): Promise<boolean> {
    return (await read(query)).length > 0
  }

  async function applyOnce<Row>(
    write: GuardedWrite<Row> | MarkedWrite<Row>,
    loss: Loss,
  ): Promise<Applied<Row> | Unknown> {
    const foundApplied = async (): Promise<Applied<Row> | undefined> => {
      if (!loss.isPossible || !(await isFound(write.proof))) return undefined
      const answer = answerOf(write, asProven)
      return openedBy(1, answer === undefined ? [] : await read(answer))
    }
    const found = await foundApplied()
    if (found !== undefined) return found
    try {
      const gate = loss.isPossible ? (write.gateAfterLoss ?? write.gate) : write.gate
      const applied = await sendGuarded(transport, { ...write, gate })
      if (applied.isOpen || !loss.isPossible) return applied
      // Closed by the first one, which was still on its way when it was looked up; or it is on its way even now.
      return (await foundApplied()) ?? unknown
    } catch (thrown) {
      return foundLate(thrown, loss, foundApplied)
    }
  }

  return {
    dialect: transport.dialect,
    sharing,
    memory,
    read(query) {
      const ensuring = ensureSchema()
      return ensuring === undefined ? read(query) : ensuring.then(() => read(query))
    },
    async apply(write) {
      await ensureSchema()
      const loss: Loss = { isPossible: false }
      const send = () => watched(loss, () => applyOnce(write, loss))
      return known(await retried(send, isWorthWritingAgain, retrying))
    },
    async change(change) {
      await ensureSchema()
      const loss: Loss = { isPossible: false }
      const send = () => watched(loss, () => changeOnce(transport, read, change, loss))
      return known(await retried(send, isWorthWritingAgain, retrying))
    },
    async tidy(statements) {
      await ensureSchema()
      const results = await retried(
        () => send(transport, statements),
        ({ fault, isNotApplied }) => fault === 'database_busy' && isNotApplied,
        retrying,
      )
      return statements.map((_, position) => results[position]?.affected ?? 0)
    },
  }
}

type Read = <Row>(query: Query<Row>) => Promise<readonly Row[]>

async function changeOnce<Row>(
  transport: Transport,
  read: Read,
  { locks, before = [], statement, lookup }: Change<Row>,
  loss: Loss,
): Promise<Changed<Row> | Unknown> {
  const find = async (): Promise<Changed<Row> | undefined> => {
    const rows = loss.isPossible ? await read(lookup()) : []
    return rows.length > 0 ? { rows, affected: rows.length, insertId: undefined } : undefined
  }
  const found = await find()
  if (found !== undefined) return found
  const locking = transport.dialect.gate.locking(locks)
  const first = locking === undefined ? before : [...before, locking]
  try {
    const results = first.length === 0 ? [await transport.run(statement)] : await transport.transact(first, [statement])
    // The first one may still have been on its way when it was looked up: this one waited for it, and did nothing.
    if (loss.isPossible) return (await find()) ?? unknown
    const { rows, affected, insertId } = results[first.length] ?? { rows: [], affected: 0, insertId: undefined }
    return { rows: rows.map((row) => statement.decode(row)), affected, insertId }
  } catch (thrown) {
    return foundLate(thrown, loss, find)
  }
}

/**
 * What became of a write of which an attempt was lost, and a later one did nothing: the first one may have been applied
 * and hidden by others since, or arrive once its condition holds again. So no refusal may be told.
 */
const unknown = 'unknown'
type Unknown = typeof unknown

/** @throws DatabaseError where nobody can tell whether the write was done */
function known<Result>(result: Result | Unknown): Result {
  if (result !== unknown) return result
  const message = 'the answer of a write was lost, and sent again it did nothing: whether it is done is not known'
  throw databaseError('database_unreachable', message, { isNotApplied: false })
}

/**
 * What broke on a unique key may have met the first one, which was still on its way when it was looked up; and a row that
 * is too large for this one may not be when the first one arrives.
 */
async function foundLate<Result>(
  thrown: unknown,
  loss: Loss,
  find: () => Promise<Result | undefined>,
): Promise<Result | Unknown> {
  if (!(thrown instanceof DatabaseError) || !refusals.has(thrown.fault) || !loss.isPossible) throw thrown
  const found = await find()
  if (found !== undefined) return found
  // Under a key that another request has, the first one breaks as well, whenever it arrives.
  if (isKeyTaken(thrown)) throw thrown
  return unknown
}

/** Faults that are answers: the database has decided, and by what was there then. */
const refusals: ReadonlySet<DatabaseFault> = new Set(['unique_violation', 'row_too_large'])

async function send(transport: Transport, statements: readonly Statement[]): Promise<readonly RawResult[]> {
  const [only, ...others] = statements
  return only !== undefined && others.length === 0 ? [await transport.run(only)] : transport.transact(statements, [])
}

function isWorthReadingAgain({ fault }: DatabaseError): boolean {
  return fault === 'database_unreachable' || fault === 'database_busy'
}

/** Deadlocks, serialization failures, locks and full pools; and a lost answer, which is looked up. */
function isWorthWritingAgain(error: DatabaseError): boolean {
  return isWorthReadingAgain(error) || error.fault === 'database_timeout'
}
