import type { Statement } from '@millrace/db/sql/statement'
import { expect, test } from 'vitest'
import { testWhere, type TestDatabase } from '../../dialects.ts'
import { drawn, isLong } from '../../sampling.ts'
import { failureOf, statementsOf, type Suite } from './suite.ts'

/** Of a statement whose text nearly fills it: its SQL, its other values and what they are wrapped in. */
const bytesBesideText = 1024

/** What a driver takes at most, and how long. */
export function limitConformance(suite: Suite): void {
  const { place, insert, select, ids } = statementsOf(suite)
  const { traits } = suite

  const numbered = (count: number): Statement => ({
    text: `select id from things where id in (${Array.from({ length: count }, (_none, index) => place(index + 1)).join(', ')})`,
    parameters: Array.from({ length: count }, (_none, index) => (index === count - 1 ? 'a' : `n${index}`)),
  })

  test('a statement of as many parameters as the driver takes passes', async () => {
    await suite.transport.run(insert('a'))
    const { maxParameters } = suite.transport.limits
    const statement = numbered(Number.isFinite(maxParameters) ? maxParameters : 70_000)
    expect((await suite.transport.run(statement)).rows).toEqual([['a']])
  })

  test('one of more is made to fit, or refused before anything is sent', async () => {
    const { limits, platform } = suite.transport
    if (!Number.isFinite(limits.maxParameters)) return
    await suite.transport.run(insert('a'))
    const tooMany = numbered(limits.maxParameters + 1)
    if (platform === 'd1') {
      expect((await suite.transport.run(tooMany)).rows).toEqual([['a']])
      return
    }
    const seen: string[] = []
    const observed = suite.connection.transport({ trip: (_milliseconds, statement) => seen.push(statement) })
    const tries = [() => observed.run(tooMany), () => observed.transact([insert('b')], [tooMany])]
    for (const attempt of tries) {
      const error = await failureOf(attempt())
      expect(error).toMatchObject({ fault: 'internal', isNotApplied: true })
      expect(error.message).toContain(`${limits.maxParameters + 1} parameters`)
    }
    expect(seen.length).toBe(0)
    expect(await ids()).toEqual(['a'])
  })

  test('a batch of as many statements as the driver takes happens whole', async () => {
    // Miniflare's binding takes 15 ms for each of them.
    const most = traits.hasNetwork || isLong ? 500 : 50
    const count = Math.min(suite.transport.limits.maxBatchStatements, most)
    const results = await suite.transport.transact(
      Array.from({ length: count }, (_none, index) => insert(`n${index}`)),
      [],
    )
    expect(results.map(({ affected }) => affected)).toEqual(Array.from({ length: count }, () => 1))
    expect(await ids()).toHaveLength(count)
  })

  test('a statement nearly as long as the driver takes passes', async () => {
    const { maxStatementBytes } = suite.transport.limits
    // What takes more than 16 MiB takes a gigabyte, of which a test makes no copies.
    const edge = Math.min(maxStatementBytes, 16 * 1024 * 1024) - bytesBesideText
    const isNearItsEdge = edge > maxStatementBytes / 2
    const isWhole = isLong || (isNearItsEdge && drawn(`${maxStatementBytes} bytes`, 4) === 0)
    const text = 'e'.repeat(isWhole ? edge : Math.floor(edge / 8))
    await suite.transport.run(insert('a', text))
    const { rows } = await suite.transport.run(select('a'))
    // Compared by hand: nobody wants to read the difference.
    expect(rows[0]?.[0] === text).toBe(true)
  })

  /** How many of the slow statements the server still runs. */
  async function slowOnes(): Promise<number> {
    const { database } = suite.driver
    const [row] = await database.query(
      database.dialect === 'postgres'
        ? "select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'active' and query like 'select pg_sleep%'"
        : "select count(*) as n from information_schema.processlist where db = database() and info like 'select count(*) from information_schema.schemata%'",
    )
    return Number(row?.['n'])
  }

  testWhere(
    traits.canBeStopped,
    'a statement that takes longer than it may is ended, and the next one works',
    async () => {
      const quick = await suite.driver.connect({ timeoutSeconds: 0.3 })
      try {
        const startedAt = performance.now()
        const error = await failureOf(quick.transport().run(slow(suite.driver.database.dialect)))
        expect(error.fault).toBe('database_timeout')
        // The server has ended it too, and does no more for nobody.
        await expect.poll(slowOnes, { timeout: 10_000 }).toBe(0)
        expect(performance.now() - startedAt).toBeLessThan(10_000)
        await quick.transport().run(insert('a'))
        expect(await ids()).toEqual(['a'])
      } finally {
        await quick.close()
      }
    },
  )

  testWhere(traits.canBeStopped, 'a statement may have more time than its database', async () => {
    const quick = await suite.driver.connect({ timeoutSeconds: 0.05 })
    try {
      const { rows } = await quick.transport().run({ ...slow(suite.driver.database.dialect, 0.3), timeoutSeconds: 30 })
      expect(rows).toHaveLength(1)
    } finally {
      await quick.close()
    }
  })
}

function slow(dialect: TestDatabase['dialect'], seconds = 20): Statement {
  switch (dialect) {
    case 'postgres':
      return { text: `select pg_sleep(${seconds})`, parameters: [] }
    case 'mysql':
      // MySQL answers an interrupted `select sleep(20)` with 1, as if it had slept.
      return {
        text: `select count(*) from information_schema.schemata where schema_name = database() and sleep(${seconds}) = 1`,
        parameters: [],
      }
    case 'sqlite':
      return { text: 'select 1', parameters: [] }
  }
}
