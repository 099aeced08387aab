import { mysql } from '@millrace/db/dialects/mysql/dialect'
import { plain } from '@millrace/db/dialects/plain'
import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits, TripObserver } from '@millrace/db/sql/transport'
import type { ServerAddress } from '@millrace/db/url'
import { beginConsistent } from '../consistent-snapshot.ts'
import { observed } from '../observed.ts'
import { writeUntilGate } from '../tcp/gated-writes.ts'
import { MysqlServerError, readMysqlError } from '../tcp/mysql-errors.ts'
import { mysqlTextOf } from '../tcp/mysql-literals.ts'
import { MysqlSession } from './mysql-session.ts'
import { refuseUnfitSettings, settingsQuery } from './mysql-settings.ts'
import { poolRefusal } from './pool-refusal.ts'
import { RequestConnection } from './request-connection.ts'
import { Turns } from './turns.ts'

/** 16 MiB is the default of `max_allowed_packet`; a text with a backslash is sent by its bytes, twice as long. */
const limits: TransportLimits = {
  maxParameters: Number.POSITIVE_INFINITY,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 8 * 1024 * 1024,
}

type Run = (statement: Statement) => Promise<RawResult>

/** MySQL and MariaDB through Hyperdrive, by TCP from workerd: one round trip per statement, each with its values in it. */
export function connect(address: ServerAddress, { timeoutSeconds }: { readonly timeoutSeconds: number }): Connection {
  const open = () => MysqlSession.open(address)
  /** Once for the isolate: the defaults of a server stay. */
  let areSettingsFit = false

  async function fitted(run: Run): Promise<void> {
    if (areSettingsFit) return
    refuseUnfitSettings(await run(settingsQuery))
    areSettingsFit = true
  }

  function transport(observer: TripObserver | undefined) {
    const own = new RequestConnection(open)
    // A transaction's statements have the connection for themselves.
    const turns = new Turns()

    async function use<Result>(act: (run: Run, meant: (statement: Statement) => Statement) => Promise<Result>) {
      // Errors name keys, and some only their table, which stands in the statement.
      let latest: Statement | undefined
      try {
        return await turns.take(() =>
          own.use(async (session) => {
            const run: Run = (statement) =>
              observed(observer, [statement], () =>
                within(statement.timeoutSeconds ?? timeoutSeconds, session, statement),
              )
            await fitted(run)
            return act(run, (statement) => (latest = statement))
          }),
        )
      } catch (thrown) {
        throw readError(thrown, latest?.text)
      }
    }

    return {
      dialect: mysql,
      limits,
      run: (statement: Statement) => use((run, meant) => run(meant(statement))),
      transact: (writes: readonly Statement[], reads: readonly Statement[]) =>
        use(async (run, meant) => {
          await run(plain('begin'))
          try {
            const { isDone, results } = await writeUntilGate(writes, (statement) => run(meant(statement)))
            const read: RawResult[] = []
            for (const statement of reads) read.push(await run(meant(statement)))
            await run(plain(isDone ? 'commit' : 'rollback'))
            return [...results, ...read]
          } catch (thrown) {
            // After a COMMIT that was lost on its way too: its locks would stand in a retry's way.
            await run(plain('rollback')).catch(() => undefined)
            throw thrown
          }
        }),
    }
  }

  return {
    dialect: mysql,
    transport,
    snapshot: () => openSnapshot(open),
    // Hyperdrive has one, and tells nothing of it.
    poolStatus: () => Promise.resolve(undefined),
    // Each request's is closed with it.
    close: () => Promise.resolve(),
  }
}

/**
 * A statement that takes longer is given up with its connection: the thread that works for Hyperdrive can't be told to
 * stop from outside. Hyperdrive ends it after 60 s.
 */
async function within(seconds: number, session: MysqlSession, statement: Statement): Promise<RawResult> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    session.destroy()
    late.reject(databaseError('database_timeout', 'the database did not answer in time', { isNotApplied: false }))
  }, seconds * 1000)
  try {
    return await Promise.race([session.run(mysqlTextOf(statement)), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function readError(thrown: unknown, statement: string | undefined): DatabaseError {
  const isOfServer = thrown instanceof MysqlServerError || (thrown instanceof Error && 'sqlMessage' in thrown)
  return (isOfServer ? poolRefusal(thrown.message) : undefined) ?? readMysqlError(thrown, statement)
}

/** A read-only transaction with a consistent snapshot on a connection of its own, which Hyperdrive leaves to it. */
async function openSnapshot(open: () => Promise<MysqlSession>): Promise<Snapshot> {
  const session = await open().catch((thrown: unknown) => {
    throw readError(thrown, undefined)
  })
  const snapshot: Snapshot = {
    dialect: mysql,
    run: (statement) =>
      session.run(mysqlTextOf(statement)).catch((thrown: unknown) => {
        throw readError(thrown, undefined)
      }),
    close: () => session.close(),
  }
  return beginConsistent(snapshot)
}
