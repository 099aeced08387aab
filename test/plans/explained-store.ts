import { asProven } from '@millrace/db/access/access'
import type { Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'
import { answerOf, type GuardedWrite } from '@millrace/db/store/guarded-write'
import { createRetryBudget, defaultRetryPolicy } from '@millrace/db/store/retry'
import { createStore, type Store } from '@millrace/db/store/store'

/** A statement on its way to the database. */
export interface Sent {
  readonly statement: Statement
  /** Those before it in its transaction that set how it is planned. */
  readonly settings: readonly Statement[]
  /** Whether it is sent after a lost answer alone. */
  readonly isAfterLoss: boolean
}

/** Told of a statement before it is sent. The store waits for it. */
export type Tell = (sent: Sent) => Promise<void> | void

/** A method of the Store that was called, and the stack of who called it. */
export type Called = (method: keyof Calls, stack: string) => void

type Calls = Pick<Store, 'read' | 'apply' | 'change' | 'tidy'>

/**
 * A store whose statements somebody looks at on their way, and those with them that are sent after a lost answer alone:
 * proofs, look-ups, and the answers and gates of that case. It takes the schema as given.
 */
export function explainedStore(transport: Transport, tell: Tell, called: Called = () => undefined): Store {
  const alone = async (statement: Statement | undefined) => {
    if (statement !== undefined) await tell({ statement, settings: [], isAfterLoss: true })
  }
  const store = createStore(toldTransport(transport, tell), {
    ensureSchema: () => undefined,
    memory: {},
    retrying: { policy: defaultRetryPolicy, budget: createRetryBudget() },
  })
  return {
    ...store,
    read(query) {
      called('read', stackOf())
      return store.read(query)
    },
    async apply<Row>(write: GuardedWrite<Row>) {
      called('apply', stackOf())
      await alone(write.proof)
      await alone(write.gateAfterLoss)
      await alone(answerOf(write, asProven))
      return store.apply(write)
    },
    async change(change) {
      called('change', stackOf())
      await alone(change.lookup())
      return store.change(change)
    },
    tidy(statements) {
      called('tidy', stackOf())
      return store.tidy(statements)
    },
  }
}

function stackOf(): string {
  return new Error('where the Store was called').stack ?? ''
}

/** The transport, which tells of each statement before it is sent. */
export function toldTransport(transport: Transport, tell: Tell): Transport {
  return {
    ...transport,
    async run(statement) {
      await tell({ statement, settings: [], isAfterLoss: false })
      return transport.run(statement)
    },
    async transact(writes, reads) {
      const all = [...writes, ...reads]
      for (const [position, statement] of all.entries()) {
        const settings = all.slice(0, position).filter(({ text }) => text.includes('set_config('))
        await tell({ statement, settings, isAfterLoss: false })
      }
      return transport.transact(writes, reads)
    },
  }
}
