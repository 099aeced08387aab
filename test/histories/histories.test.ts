import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { runHistories } from './run.ts'
import { sharedDatabase, type TroubledDatabase } from './troubled.ts'

const seed = Number(process.env['HISTORIES_SEED'] ?? 1)
const operations = Number(process.env['HISTORIES_OPERATIONS'] ?? 300)

describeDialects((dialect) => {
  let database: TroubledDatabase
  beforeAll(async () => {
    database = await sharedDatabase(dialect)
  })
  afterAll(() => database.stop())

  test('what clients are told while things are lost and killed is explained by objects that do one thing at a time', async () => {
    const { url: databaseUrl, troubles } = database
    const { violations, ...counts } = await runHistories({ databaseUrl, seed, operations, troubles })
    const told = { ...counts, violations: violations.length }
    process.stdout.write(`${dialect}: HISTORIES_SEED=${seed} ${JSON.stringify(told)}\n`)
    expect(violations).toEqual([])
  }, 120_000)
})
