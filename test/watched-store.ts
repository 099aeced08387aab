import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'
import { createRetryBudget, defaultRetryPolicy } from '@millrace/db/store/retry'
import { createStore, type Store } from '@millrace/db/store/store'

export interface Watcher {
  /** Told of each statement before it is sent, in order: those of a batch one by one. The store waits for it. */
  readonly statement?: (statement: Statement) => Promise<void> | void
  /** Told of the results of each batch. */
  readonly batch?: (results: readonly RawResult[]) => void
}

/** A store whose statements somebody watches on their way to the database. It takes the schema as given. */
export function watchedStore(transport: Transport, { statement: tell, batch }: Watcher): Store {
  const watched: Transport = {
    ...transport,
    async run(statement) {
      await tell?.(statement)
      return transport.run(statement)
    },
    async transact(writes, reads) {
      for (const statement of [...writes, ...reads]) await tell?.(statement)
      const results = await transport.transact(writes, reads)
      batch?.(results)
      return results
    },
  }
  return createStore(watched, {
    ensureSchema: () => Promise.resolve(),
    memory: {},
    retrying: { policy: defaultRetryPolicy, budget: createRetryBudget() },
  })
}
