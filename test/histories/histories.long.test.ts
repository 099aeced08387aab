import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects, type Dialect, type TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { runHistories, type Trouble } from './run.ts'

const seed = Number(process.env['HISTORIES_SEED'] ?? 1)
const operations = Number(process.env['HISTORIES_OPERATIONS'] ?? 600)

describeDialects((dialect) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await migratedDatabase(dialect)
  })
  afterAll(() => database.drop())

  test('what clients were told while things were lost and killed is explained by objects that do one thing at a time', async () => {
    const result = await runHistories({
      databaseUrl: database.url,
      seed,
      operations,
      troubles: connectionsEnded(dialect, database),
    })
    const { violations, ...counts } = result
    process.stdout.write(`${dialect}: HISTORIES_SEED=${seed} ${JSON.stringify(counts)}\n`)
    expect(violations).toEqual([])
  }, 120_000)
})

/** As when the server is taken down: each connection of the gateway's breaks, whatever it is doing. */
function connectionsEnded(dialect: Dialect, database: TestDatabase): readonly Trouble[] {
  if (dialect === 'sqlite') return []
  return [
    {
      name: 'connections ended',
      every: 70,
      run: () => (dialect === 'postgres' ? endPostgres(database) : endMysql(database)),
    },
  ]
}

async function endPostgres(database: TestDatabase): Promise<void> {
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'millrace-gateway'`,
  )
}

async function endMysql(database: TestDatabase): Promise<void> {
  const rows = await database.query(
    `select id from information_schema.processlist where db = database() and id <> connection_id()`,
  )
  for (const { id } of rows) await database.query(`kill ${Number(id)}`).catch(() => undefined)
}
