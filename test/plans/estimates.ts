import { migrate } from '@millrace/db/migrate/migrate'
import type { Statement } from '@millrace/db/sql/statement'
import type { Store } from '@millrace/db/store/store'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import pg from 'pg'
import { targetOf, type ReachedDatabase } from '../database.ts'
import type { RawRow } from '../dialects.ts'
import type { OwnServer } from '../servers/own.ts'
import { watchedStore } from '../watched-store.ts'
import { workspaceRoot } from '../workspace.ts'

/** What PostgreSQL estimates that each statement of an act costs, before it runs it. */
export interface Estimates {
  /** The greatest of one act's statements. */
  greatestOf(act: (store: Store) => Promise<unknown>): Promise<number>
  /** Above which the server compiles a statement. */
  compiledAbove(): Promise<number>
  close(): Promise<void>
}

export async function openEstimates(
  server: OwnServer,
  fill: (database: Pick<ReachedDatabase, 'raw'>) => Promise<void>,
): Promise<Estimates> {
  const url = server.url(await server.createDatabase())
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const opened = await openDatabase({ target, gatewayUrl: gateway.url })
  await migrate(opened, readMigrations(workspaceRoot, 'postgres'))
  const query = async (statement: string) => (await pool.query<RawRow>(statement)).rows
  await fill({ raw: { dialect: 'postgres', url, query, drop: () => Promise.resolve() } })
  const transport = opened.transport()
  let costs: number[] = []
  const estimate = async ({ text, parameters }: Statement) => {
    if (/^(begin|commit)/.test(text)) return
    const { rows } = await transport.run({ text: `explain (format json) ${text}`, parameters })
    const [{ Plan: plan }] = JSON.parse(String(rows[0]?.[0])) as [{ Plan: { 'Total Cost': number } }]
    costs.push(plan['Total Cost'])
  }
  const store = watchedStore(transport, { statement: estimate })
  return {
    async greatestOf(act) {
      costs = []
      await act(store)
      if (costs.length === 0) throw new Error('the act has sent no statement')
      return Math.max(...costs)
    },
    async compiledAbove() {
      const [{ jit_above_cost: above } = { jit_above_cost: '0' }] = (
        await pool.query<{ readonly jit_above_cost: string }>('show jit_above_cost')
      ).rows
      return Number(above)
    },
    async close() {
      await pool.end()
      await gateway.close()
    },
  }
}
