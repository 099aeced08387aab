import type { Statement } from '@millrace/db/sql/statement'
import type { Store } from '@millrace/db/store/store'
import type { ReachedDatabase } from '../database.ts'
import { watchedStore } from '../watched-store.ts'

/** What a store sends for an act, in order. */
export async function recordedStatements(
  { database }: Pick<ReachedDatabase, 'database'>,
  act: (store: Store) => Promise<unknown>,
): Promise<readonly Statement[]> {
  const statements: Statement[] = []
  await act(watchedStore(database.transport(), { statement: (sent) => void statements.push(sent) }))
  return statements
}

interface Analyzed {
  readonly table_name?: string
  readonly r_loops?: number
  readonly r_rows?: number | null
}

/** How many rows or keys of executions MariaDB reads for statements, which it runs once more. */
export async function executionsRead(
  { database }: Pick<ReachedDatabase, 'database'>,
  statements: readonly Statement[],
): Promise<number> {
  let read = 0
  for (const statement of statements) {
    const analyzed = { ...statement, text: `analyze format=json ${statement.text}` }
    const { rows } = await database.transport().run(analyzed)
    JSON.parse(String(rows[0]?.[0]), (_key, value: Analyzed | null) => {
      if (value?.table_name === 'executions') read += (value.r_loops ?? 0) * (value.r_rows ?? 0)
      return value
    })
  }
  return read
}

/** How many keys and rows, of whatever table, MariaDB or MySQL reads for a statement, which it runs once more; those that it passes over in an index too. */
export async function keysRead({ database }: Pick<ReachedDatabase, 'database'>, statement: Statement): Promise<number> {
  const counters = {
    text: `show session status where variable_name like 'handler_read_%' or variable_name = 'handler_icp_attempts'`,
    parameters: [],
  }
  const results = await database.transport().transact([counters, statement], [counters])
  const [before, after] = [results[0], results.at(-1)].map((result) =>
    (result?.rows ?? []).reduce((sum, row) => sum + Number(row[1]), 0),
  )
  return Number(after) - Number(before)
}
