import { migrate } from '@millrace/db/migrate/migrate'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import pg from 'pg'
import { targetOf } from '../database.ts'
import type { RawRow } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import type { OwnServer } from '../servers/own.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Act, Scene } from './acts/act.ts'
import { perform } from './acts/perform.ts'
import { planOf } from './explain.ts'
import type { Tell } from './explained-store.ts'
import { fillEverything, type Filling } from './fill-everything.ts'

/** What PostgreSQL estimates of one statement before it runs it. */
export interface Estimate {
  readonly text: string
  readonly cost: number
  /** Whether it would compile the statement. */
  readonly isCompiled: boolean
}

/** What PostgreSQL estimates that each statement of an act costs. */
export interface Estimates {
  /** Of all of an act's statements how many there are, and the dearest: one that is compiled before any other. */
  of(act: Act, rounds: Pick<Scene, 'round' | 'rounds'>): Promise<{ statements: number; dearest: Estimate }>
  /** Has the planner look at the tables. */
  analyze(): Promise<void>
  /** Above which the server compiles a statement. */
  compiledAbove(): Promise<number>
  close(): Promise<void>
}

export async function openEstimates(server: OwnServer, filling: Filling): Promise<Estimates> {
  const url = server.url(await server.createDatabase())
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const opened = await openDatabase({ target, gatewayUrl: gateway.url })
  await migrate(opened, readMigrations(workspaceRoot, 'postgres'))
  const query = async (statement: string) => (await pool.query<RawRow>(statement)).rows
  await fillEverything({ raw: { dialect: 'postgres', url, query, drop: () => Promise.resolve() } }, filling)
  const transport = opened.transport()
  return {
    async of(act, rounds) {
      const estimates: Estimate[] = []
      const tell: Tell = async (sent) => {
        const { Plan, JIT } = await planOf(transport, sent)
        estimates.push({ text: sent.statement.text, cost: Plan['Total Cost'], isCompiled: JIT !== undefined })
      }
      await perform(act, opened, { tell, ...rounds })
      const [dearest] = estimates.toSorted(
        (one, other) => Number(other.isCompiled) - Number(one.isCompiled) || other.cost - one.cost,
      )
      if (dearest === undefined) throw new Error('the act has sent no statement')
      return { statements: estimates.length, dearest }
    },
    async analyze() {
      await query(generatedRows.postgres.analyze([]))
    },
    async compiledAbove() {
      const [{ jit_above_cost: above } = { jit_above_cost: '0' }] = await query('show jit_above_cost')
      return Number(above)
    },
    async close() {
      await pool.end()
      await gateway.close()
    },
  }
}
