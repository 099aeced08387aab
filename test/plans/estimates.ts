import { migrate } from '@millrace/db/migrate/migrate'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import pg from 'pg'
import { targetOf } from '../database.ts'
import type { RawRow } from '../dialects.ts'
import type { OwnServer } from '../servers/own.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Act, Scene } from './acts/act.ts'
import { perform } from './acts/perform.ts'
import { planOf } from './explain.ts'
import type { Sent, Tell } from './explained-store.ts'
import { fillEverything, type Filling } from './fill-everything.ts'
import { literalOf } from './literals.ts'

/** What PostgreSQL estimates of one statement before it runs it. */
export interface Estimate {
  readonly text: string
  readonly cost: number
  /** Whether it would compile the statement. */
  readonly isCompiled: boolean
  /** Whether it is sent after a lost answer alone. */
  readonly isAfterLoss: boolean
}

/** What a statement has touched. */
interface Touched {
  readonly text: string
  /** Of 8 kB each, of tables and indexes; what is touched twice counts twice. */
  readonly pages: number
}

/** What PostgreSQL estimates that each statement of an act costs. */
export interface Estimates {
  /** Of all of an act's statements. */
  of(act: Act, rounds: Rounds): Promise<readonly Estimate[]>
  /**
   * Of an act's reads and claims, each done alone by the plan that is kept for a connection, which knows no values, and taken back; but
   * for what is sent after a lost answer alone.
   */
  touchedBy(act: Act, rounds: Rounds): Promise<readonly Touched[]>
  /** What a server does by itself, time and again: the planner looks at the tables, and their pages are marked as seen by all. */
  vacuum(): Promise<void>
  /** Above which the server compiles a statement. */
  compiledAbove(): Promise<number>
  close(): Promise<void>
}

type Rounds = Pick<Scene, 'round' | 'rounds'>

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
        const { statement, isAfterLoss } = sent
        estimates.push({ text: statement.text, cost: Plan['Total Cost'], isCompiled: JIT !== undefined, isAfterLoss })
      }
      await perform(act, opened, { tell, ...rounds })
      return estimates
    },
    async touchedBy(act, rounds) {
      const touched: Touched[] = []
      const tell: Tell = async (sent) => {
        const { text } = sent.statement
        // Other writes have a gate before them, and are not done where it is shut.
        const isAlone = /^(select|with) /.test(text)
        if (isAlone && !sent.isAfterLoss) touched.push({ text, pages: await pagesOf(pool, sent) })
      }
      await perform(act, opened, { tell, ...rounds })
      return touched
    },
    async vacuum() {
      await query('vacuum analyze')
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

/** How many pages a statement touches by a plan that knows no values. It is taken back. */
async function pagesOf(pool: pg.Pool, { statement: { text, parameters }, settings }: Sent): Promise<number> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('set local plan_cache_mode = force_generic_plan')
    for (const setting of settings) await client.query(setting.text, [...setting.parameters])
    await client.query(`prepare kept as ${text}`)
    const values = parameters.length === 0 ? '' : `(${parameters.map(literalOf).join(', ')})`
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [TouchedPlan] }>(
      `explain (analyze, buffers, timing off, format json) execute kept${values}`,
    )
    const { Plan } = rows[0]?.['QUERY PLAN'][0] ?? {}
    if (Plan === undefined) throw new Error('PostgreSQL has told no plan')
    return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
  } catch (error) {
    // A gate that is shut and a key that is taken end the statement, which tells no plan then.
    if (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '')) return 0
    throw error
  } finally {
    await client.query('rollback')
    await client.query('deallocate all')
    client.release()
  }
}

interface TouchedPlan {
  readonly Plan: { readonly 'Shared Hit Blocks': number; readonly 'Shared Read Blocks': number }
}
