import { mysql } from '@millrace/db/dialects/mysql/dialect'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Loading } from '@millrace/db/sql/loading'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits, TripObserver } from '@millrace/db/sql/transport'
import type { ServerAddress } from '@millrace/db/url'
import { beginConsistent } from '../consistent-snapshot.ts'
import { observed } from '../observed.ts'
import { writeUntilGate } from '../tcp/gated-writes.ts'
import { readMysqlError } from '../tcp/mysql-errors.ts'
import { stopMilliseconds, withinSeconds } from '../tcp/time-limit.ts'
import { pooledLoading, stoppable } from './loading.ts'
import type { MysqlOpenOptions } from './mysql-connection.ts'
import { MysqlSession } from './mysql-session.ts'
import { Pool, type Loan } from './pool.ts'
import { outdatingIfDemoted, overflowIdleSeconds, poolFailure, type NativeOptions } from './pooled.ts'
import { tlsAttempts } from './tls.ts'

/** A prepared statement counts its parameters in 16 bits; 16 MiB is the default of `max_allowed_packet`. */
const limits: TransportLimits = {
  maxParameters: 65_535,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 16 * 1024 * 1024,
}

/** MySQL and MariaDB in this process: prepared statements, one round trip per statement. */
export function connect(address: ServerAddress, options: NativeOptions): Connection {
  const opening: MysqlOpenOptions = {
    foundRows: options.foundRows ?? false,
    tls: tlsAttempts(address.options, address.host),
  }
  const open = () => MysqlSession.open(address, opening, options.log)
  const pool = new Pool(open, { ...address.options, overflowIdleSeconds })
  const stop = stopBy(() => pool.lendIdle() ?? lendNew(open))

  /** Tells the observer of each round trip, and lets each take no longer than it may. */
  function limited(loan: Loan<MysqlSession>, observer: TripObserver | undefined) {
    const within = (statement: Statement, act: () => Promise<RawResult>): Promise<RawResult> =>
      observed(observer, [statement], () =>
        withinSeconds(statement.timeoutSeconds ?? options.timeoutSeconds, stoppable(loan.connection, stop), act),
      )
    const { connection } = loan
    return {
      run: (statement: Statement) => within(statement, () => connection.run(statement)),
      begin: () => within(begin, () => connection.begin().then(() => nothing)),
      commit: () => within(commit, () => connection.end('commit').then(() => nothing)),
      rollback: () => within(rollback, () => connection.end('rollback').then(() => nothing)),
    }
  }

  async function use<Result>(
    observer: TripObserver | undefined,
    act: (session: ReturnType<typeof limited>, meant: (statement: Statement) => Statement) => Promise<Result>,
  ): Promise<Result> {
    // Errors name keys, and some only their table, which stands in the statement.
    let latest: Statement | undefined
    try {
      const loan = await pool.acquire()
      try {
        return await act(limited(loan, observer), (statement) => (latest = statement))
      } finally {
        loan.release()
      }
    } catch (thrown) {
      throw outdatingIfDemoted(pool, readError(thrown, latest?.text))
    }
  }

  return {
    dialect: mysql,
    transport: (observer) => ({
      dialect: mysql,
      limits,
      run: (statement) => use(observer, (session, meant) => session.run(meant(statement))),
      transact: (writes, reads) =>
        use(observer, async (session, meant) => {
          await session.begin()
          // What throws leaves the transaction to the pool, which rolls it back before the next loan.
          const { isDone, results } = await writeUntilGate(writes, (statement) => session.run(meant(statement)))
          const read: RawResult[] = []
          for (const statement of reads) read.push(await session.run(meant(statement)))
          await (isDone ? session.commit() : session.rollback())
          return [...results, ...read]
        }),
    }),
    snapshot: () => openSnapshot(open),
    load: () => Promise.resolve(openLoading(open, address, options)),
    poolStatus: () => Promise.resolve(pool.status()),
    close: () => pool.close(),
  }
}

const nothing: RawResult = { rows: [], affected: 0 }
const begin: Statement = { text: 'begin', parameters: [] }
const commit: Statement = { text: 'commit', parameters: [] }
const rollback: Statement = { text: 'rollback', parameters: [] }

type Lent = Pick<Loan<MysqlSession>, 'connection' | 'release'>

/** One of its own, for a single use. */
async function lendNew(open: () => Promise<MysqlSession>): Promise<Lent> {
  const connection = await open()
  return { connection, release: () => void connection.close() }
}

/** Ends a statement over another connection: the server has no other way. */
function stopBy(lend: () => Lent | Promise<Lent>) {
  return async ({ threadId }: MysqlSession): Promise<void> => {
    const other = await lend()
    const timer = setTimeout(() => {
      other.connection.destroy()
      other.release({ discard: true })
    }, stopMilliseconds)
    try {
      await other.connection.command(`KILL QUERY ${threadId}`)
    } finally {
      clearTimeout(timer)
      other.release()
    }
  }
}

/** As {@link readMysqlError}, and what the pool throws. */
function readError(thrown: unknown, statement: string | undefined): DatabaseError {
  return poolFailure(thrown) ?? readMysqlError(thrown, statement)
}

/** A read-only transaction with a consistent snapshot, on a connection of its own. */
async function openSnapshot(open: () => Promise<MysqlSession>): Promise<Snapshot> {
  const session = await open().catch((thrown: unknown) => {
    throw readError(thrown, undefined)
  })
  return beginConsistent({
    dialect: mysql,
    async run(statement) {
      try {
        return await session.run(statement)
      } catch (thrown) {
        throw readError(thrown, undefined)
      }
    },
    close: () => session.close(),
  })
}

/** What throws leaves the transaction to the pool, which rolls it back before the next loan. */
async function guarded(session: MysqlSession, guard: Statement, statement: Statement): Promise<boolean> {
  await session.begin()
  const isAllowed = (await session.run(guard)).rows.length > 0
  if (isAllowed) await session.run(statement)
  await session.end('commit')
  return isAllowed
}

/** Connections of its own on which foreign keys are not checked; InnoDB never checks them later. */
function openLoading(open: () => Promise<MysqlSession>, address: ServerAddress, options: NativeOptions): Loading {
  return pooledLoading({
    open,
    options: address.options,
    timeoutSeconds: options.timeoutSeconds,
    prepare: (session) => session.command('set session foreign_key_checks = 0'),
    stop: stopBy(() => lendNew(open)),
    insert: (session, guard, { table, columns, rows }) => {
      const names = columns.map((name) => `\`${name}\``).join(', ')
      const places = `(${columns.map(() => '?').join(', ')})`
      const text = `insert into \`${table}\` (${names}) values ${rows.map(() => places).join(', ')}`
      return guarded(session, guard, { text, parameters: rows.flat() })
    },
    // MySQL's errors may name no table: it is read from the statement.
    readError: (thrown, { table }) => readError(thrown, `insert into \`${table}\``),
  })
}
