import type { LoadedEncoding, LoadedRows, Loading } from '@millrace/db/sql/loading'
import type { Statement } from '@millrace/db/sql/statement'
import { withinSeconds } from '../tcp/time-limit.ts'
import { Pool, type PooledConnection, type PoolOptions } from './pool.ts'

interface Stoppable extends PooledConnection {
  /** Ends it at once, whatever runs on it. */
  destroy(): void
}

/**
 * How the statement that runs on a connection is ended.
 * @param end asks the server for it
 */
export function stoppable<Stuck extends Stoppable>(stuck: Stuck, end: (stuck: Stuck) => Promise<unknown>) {
  return {
    async stop() {
      try {
        await end(stuck)
      } catch {
        // Whether it has ended is seen by the statement's own answer, which is waited for.
        return
      }
    },
    abandon: () => stuck.destroy(),
  }
}

interface PooledLoading<Loader extends Stoppable> {
  readonly open: () => Promise<Loader>
  readonly options: PoolOptions
  readonly timeoutSeconds: number
  /** Sets a connection up that was opened. */
  readonly prepare: (loader: Loader) => Promise<unknown>
  /** Has the server end what runs on a connection. */
  readonly stop: (stuck: Loader) => Promise<unknown>
  /** Whether the guard gave a row: then the rows were inserted. */
  readonly insert: (loader: Loader, guard: Statement, rows: LoadedRows) => Promise<boolean>
  /** As `insert`, of rows as this kind of database has encoded them. */
  readonly insertEncoded?: (loader: Loader, guard: Statement, page: LoadedEncoding) => Promise<boolean>
  readonly readError: (thrown: unknown, rows: Pick<LoadedRows, 'table'>) => Error
}

/** Loads rows by a pool of its own, whose connections are set up for that alone. */
export function pooledLoading<Loader extends Stoppable>(loading: PooledLoading<Loader>): Loading {
  const { open, options, timeoutSeconds, prepare, stop, insert, insertEncoded, readError } = loading
  const openPrepared = async () => {
    const loader = await open()
    try {
      await prepare(loader)
      return loader
    } catch (thrown) {
      await loader.close()
      throw thrown
    }
  }
  const pool = new Pool(openPrepared, options)
  async function lent(rows: Pick<LoadedRows, 'table'>, act: (loader: Loader) => Promise<boolean>): Promise<boolean> {
    try {
      const loan = await pool.acquire()
      try {
        return await withinSeconds(timeoutSeconds, stoppable(loan.connection, stop), () => act(loan.connection))
      } finally {
        loan.release()
      }
    } catch (thrown) {
      throw readError(thrown, rows)
    }
  }
  return {
    insert: (guard, rows) => lent(rows, (loader) => insert(loader, guard, rows)),
    ...(insertEncoded !== undefined && {
      insertEncoded: (guard: Statement, page: LoadedEncoding) =>
        lent(page, (loader) => insertEncoded(loader, guard, page)),
    }),
    close: () => pool.close(),
  }
}
