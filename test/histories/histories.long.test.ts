import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { runHistories } from './run.ts'
import { ownDatabase, type TroubledDatabase } from './troubled.ts'

const seed = Number(process.env['HISTORIES_SEED'] ?? 1)
const operations = Number(process.env['HISTORIES_OPERATIONS'] ?? 100_000)

describeDialects((dialect) => {
  let database: TroubledDatabase
  beforeAll(async () => {
    database = await ownDatabase(dialect)
  })
  afterAll(() => database.stop())

  test('a hundred thousand answers while the gateway and the server are killed are explained', async () => {
    const { url: databaseUrl, troubles } = database
    const { violations, ...counts } = await runHistories({ databaseUrl, seed, operations, troubles })
    const told = { ...counts, violations: violations.length }
    process.stdout.write(`${dialect}: HISTORIES_SEED=${seed} ${JSON.stringify(told)}\n`)
    expect(violations).toEqual([])
  }, 14_400_000)
})
