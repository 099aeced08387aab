import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects, freshDatabase, type DialectName, type TestDatabase } from './dialects.ts'

/** A query whose answer, `hostility`, shows the setting that must not be the friendly one. */
const hostility: Readonly<Record<DialectName, readonly { readonly query: string; readonly hostility: string }[]>> = {
  sqlite: [],
  postgres: [
    { query: `select current_setting('TimeZone') as hostility`, hostility: 'America/St_Johns' },
    {
      query: `select datlocprovider::text as hostility from pg_database where datname = current_database()`,
      hostility: 'i',
    },
    { query: `select ('a' < 'B')::text as hostility`, hostility: 'true' },
    { query: `select rolsuper::text as hostility from pg_roles where rolname = current_user`, hostility: 'false' },
  ],
  mysql: [
    { query: 'select @@global.time_zone as hostility', hostility: '+05:30' },
    { query: 'select @@character_set_database as hostility', hostility: 'latin1' },
    { query: 'select @@collation_database as hostility', hostility: 'latin1_swedish_ci' },
  ],
}

describeDialects((dialect) => {
  let first: TestDatabase
  let second: TestDatabase

  beforeAll(async () => {
    first = await freshDatabase(dialect)
    second = await freshDatabase(dialect)
  })
  afterAll(async () => {
    await first.drop()
    await second.drop()
  })

  test('two fresh databases share nothing', async () => {
    await first.query('create table t (n integer)')
    await first.query('insert into t values (7)')
    expect((await first.query('select n from t')).map(({ n }) => Number(n))).toEqual([7])
    await expect(second.query('select n from t')).rejects.toThrow(/\bt\b/)
  })

  for (const { query, hostility: expected } of hostility[dialect]) {
    test(`is unlike a developer's own: ${query}`, async () => {
      expect(await first.query(query)).toEqual([{ hostility: expected }])
    })
  }

  test('drop removes it', async () => {
    const third = await freshDatabase(dialect)
    await third.query('create table t (n integer)')
    await third.drop()
    await expect(third.query('select n from t')).rejects.toThrow(/pool|open connection/i)
  })
})
