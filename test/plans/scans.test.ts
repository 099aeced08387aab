import type { Statement } from '@millrace/db/sql/statement'
import { toD1 } from '@millrace/drivers/d1/statement'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeOneDialect, type DialectName } from '../dialects.ts'
import { everyAct, lookUp, wholeActs } from './acts/every-act.ts'
import { perform } from './acts/perform.ts'
import { explain } from './explain.ts'
import { fillEverything, largeTables } from './fill-everything.ts'

/** Enough for an index to be cheaper than the whole table, of those too that have a tenth of it. */
const count = 100_000

const large: ReadonlySet<string> = new Set(largeTables)
const bounded = Object.entries(everyAct).filter(([name]) => !(name in wholeActs))

describeOneDialect((dialect) => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await fillEverything(reached, { count, isAnalyzed: true, spares: 8 })
  }, 300_000)
  afterAll(() => reached.stop())

  test.each(bounded)('with 100,000 rows %s reads no table from end to end', async (_name, act) => {
    const { database } = reached
    const whole: string[] = []
    let explained = 0
    await perform(act, database, {
      async tell({ statement, isAfterLoss }) {
        for (const form of formsOf(dialect, statement)) {
          explained += 1
          if (isAfterLoss && lookUp.test(form.text)) continue
          for (const { table, index } of await explain(database.transport(), form))
            if (large.has(table) && index === undefined) whole.push(`${table}: ${form.text}`)
        }
      },
    })
    expect(whole).toEqual([])
    expect(explained).toBeGreaterThan(0)
  })
})

/** As it is sent; to D1, which is SQLite, in a form of its own. */
function formsOf(dialect: DialectName, statement: Statement): readonly Statement[] {
  if (dialect !== 'sqlite') return [statement]
  const { sql, params } = toD1(statement)
  return [statement, { text: sql, parameters: params }]
}
