import type { Statement } from '@millrace/db/sql/statement'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { Connection, Transport } from '@millrace/db/sql/transport'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testWhere, type TestDatabase } from '../dialects.ts'
import { startCuttingProxy, type CuttingProxy } from './cutting-proxy.ts'

/** A driver, as the suite reaches it. */
export interface DriverUnderTest {
  readonly database: TestDatabase
  /**
   * Connects to the database.
   * @param port In place of the server's own, where one is given: of a proxy that the suite has put before it
   */
  connect(options?: { readonly port?: number; readonly timeoutSeconds?: number }): Promise<Connection>
  /** What a proxy can stand before; undefined where nothing goes over a network. */
  readonly server: { readonly host: string; readonly port: number } | undefined
  stop(): Promise<void>
}

/** What is true of one driver and not of another. */
export interface DriverTraits {
  readonly hasNetwork: boolean
  /** Whether a statement that runs can be ended. */
  readonly canBeStopped: boolean
  /** Whether rows affected counts the rows that an UPDATE matched, not those that it changed. */
  readonly countsMatched: boolean
  /** What a snapshot does when somebody writes meanwhile: goes on showing its moment, or is not confirmed at its end. */
  readonly snapshot: 'kept' | 'watched'
}

/**
 * What a driver must do. One that passes on each of its databases is a driver (docs/drivers.md); call it within a
 * `describe`.
 */
export function driverConformance(traits: DriverTraits, start: () => Promise<DriverUnderTest>): void {
  let driver: DriverUnderTest
  let connection: Connection
  let transport: Transport

  beforeAll(async () => {
    driver = await start()
    const { dialect } = driver.database
    for (const statement of tablesOf[dialect]) await driver.database.query(statement)
    connection = await driver.connect()
    transport = connection.transport()
  })
  afterAll(async () => {
    await connection.close()
    await driver.stop()
  })
  beforeEach(async () => {
    await driver.database.query('delete from things')
  })

  const place = (position: number) => (driver.database.dialect === 'postgres' ? `$${position}` : '?')
  const insert = (id: string, text: string | null = null, number: number | bigint | null = null): Statement => ({
    text: `insert into things (id, words, number) values (${place(1)}, ${place(2)}, ${place(3)})`,
    parameters: [id, text, number],
  })
  const update = (id: string, text: string): Statement => ({
    text: `update things set words = ${place(1)} where id = ${place(2)}`,
    parameters: [text, id],
  })
  const select = (id: string): Statement => ({
    text: `select words, number from things where id = ${place(1)}`,
    parameters: [id],
  })
  const ids = async () => {
    const rows = await driver.database.query('select id from things order by id')
    return rows.map(({ id }) => String(id))
  }
  const failureOf = async (work: Promise<unknown>): Promise<DatabaseError> => {
    const thrown: unknown = await work.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (thrown instanceof DatabaseError) return thrown
    throw new Error(`no DatabaseError: ${String(thrown)}`)
  }

  test('a statement gives its rows as lists, in the order of its columns', async () => {
    await transport.run(insert('a', 'one', 1))
    const { rows } = await transport.run(select('a'))
    expect(rows.map((row) => [row[0], Number(row[1])])).toEqual([['one', 1]])
    expect((await transport.run(select('nobody'))).rows).toEqual([])
  })

  test('a statement tells how many rows it has affected', async () => {
    expect((await transport.run(insert('a', 'one'))).affected).toBe(1)
    expect((await transport.run(insert('b', 'one'))).affected).toBe(1)
    const all = { text: `update things set words = ${place(1)}`, parameters: ['two'] }
    expect((await transport.run(all)).affected).toBe(2)
    expect((await transport.run(update('nobody', 'x'))).affected).toBe(0)
    expect((await transport.run({ text: 'delete from things', parameters: [] })).affected).toBe(2)
  })

  test('an update that changes nothing counts as the mode of the connection says', async () => {
    await transport.run(insert('a', 'same'))
    const { affected } = await transport.run(update('a', 'same'))
    expect(affected).toBe(traits.countsMatched ? 1 : 0)
  })

  const texts: readonly (readonly [name: string, text: string])[] = [
    ['nothing', ''],
    ['blanks at both ends', '  a  '],
    ['quotes, back slashes and places', `'"\`\\ ? $1 :name %s -- /* */ ;`],
    ['line ends and tabs', 'a\r\nb\tc\n'],
    ['characters beyond ASCII', 'é ß 漢字 👩‍👩‍👧 \u{10FFFF}'],
    ['a mark of an encoding', '\uFEFFa'],
    ['JSON as it was written', '{"b":1.0,"a":[1e400,"\\u0041", 12345678901234567890]}'],
    ['what looks like a number or a time', '0012'],
    ['a megabyte', 'é'.repeat(512 * 1024)],
  ]
  test.each(texts)('text comes back exactly: %s', async (_name, text) => {
    await transport.run(insert('a', text))
    expect((await transport.run(select('a'))).rows[0]?.[0]).toBe(text)
  })

  test.each([0, -1, 1, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'a whole number stays what it is: %d',
    async (number) => {
      await transport.run(insert('a', null, driver.database.dialect === 'sqlite' ? BigInt(number) : number))
      const [row] = (await transport.run(select('a'))).rows
      expect(Number(row?.[1])).toBe(number)
      expect(String(row?.[1])).toBe(String(number))
    },
  )

  test('null stays null, among other values and alone', async () => {
    await transport.run(insert('a', null, null))
    expect((await transport.run(select('a'))).rows).toEqual([[null, null]])
  })

  test('a number limits a list, in a statement that is sent again and again', async () => {
    for (const id of ['a', 'b', 'c']) await transport.run(insert(id))
    const limited = (count: number) => ({
      text: `select id from things order by id limit ${place(1)}`,
      parameters: [driver.database.dialect === 'sqlite' ? BigInt(count) : count],
    })
    for (const count of [1, 2, 3, 2, 1]) {
      expect((await transport.run(limited(count))).rows.map(([id]) => id)).toEqual(['a', 'b', 'c'].slice(0, count))
    }
  })

  test('rows that a statement makes of its parameters keep every length, also when it is sent again', async () => {
    const count = 20
    const selects = Array.from({ length: count }, (_none, row) =>
      row === 0
        ? `select ${place(1)} as id, ${place(2)} as words`
        : `select ${place(2 * row + 1)}, ${place(2 * row + 2)}`,
    )
    const text = `insert into things (id, words) select given.id, given.words from (${selects.join(' union all ')}) given`
    for (const lengthOf of [() => 5, (row: number) => 1000 * row, (row: number) => 3000 * (count - row)]) {
      await driver.database.query('delete from things')
      const wordsOf = (row: number) => 'w'.repeat(lengthOf(row))
      const parameters = Array.from({ length: count }, (_none, row) => [`row-${row}`, wordsOf(row)]).flat()
      expect((await transport.transact([{ text, parameters }], [])).map(({ affected }) => affected)).toEqual([count])
      for (let row = 0; row < count; row++) {
        expect((await transport.run(select(`row-${row}`))).rows[0]?.[0]).toBe(wordsOf(row))
      }
    }
  })

  test('a batch gives a result for each statement, writes before reads', async () => {
    const results = await transport.transact([insert('a', 'one'), insert('b', 'two')], [select('b')])
    expect(results.map(({ affected }) => affected).slice(0, 2)).toEqual([1, 1])
    expect(results[2]?.rows.map(([words]) => words)).toEqual(['two'])
  })

  test('a batch happens whole or not at all', async () => {
    await transport.run(insert('taken'))
    const error = await failureOf(transport.transact([insert('a'), insert('taken'), insert('b')], []))
    expect(error).toMatchObject({ fault: 'unique_violation', isNotApplied: true })
    expect(await ids()).toEqual(['taken'])
    await transport.transact([insert('a'), insert('b')], [])
    expect(await ids()).toEqual(['a', 'b', 'taken'])
  })

  test('a gate that affects no row ends its batch, and nothing of it has happened', async () => {
    const closed = transport.dialect.gate.ending(update('nobody', 'x'))
    const error = await failureOf(transport.transact([insert('before'), ...closed, insert('after')], []))
    expect(error).toMatchObject({ isGateClosed: true, isNotApplied: true })
    expect(await ids()).toEqual([])
  })

  test('a gate that affects a row lets its batch happen', async () => {
    await transport.run(insert('a', 'one'))
    const open = transport.dialect.gate.ending(update('a', 'two'))
    const results = await transport.transact([...open, insert('b')], [select('a')])
    expect(results.at(-1)?.rows[0]?.[0]).toBe('two')
    expect(await ids()).toEqual(['a', 'b'])
  })

  test('after a batch that failed or was closed the next ones work', async () => {
    await transport.run(insert('taken'))
    for (let turn = 0; turn < 20; turn += 1) {
      const closed = transport.dialect.gate.ending(update('nobody', 'x'))
      await failureOf(turn % 2 === 0 ? transport.transact([insert('taken')], []) : transport.transact(closed, []))
      await transport.transact([insert(`n${turn}`)], [])
    }
    expect(await ids()).toHaveLength(21)
  })

  test('batches at once do not mix', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_none, index) => {
        const own = connection.transport()
        const isFailing = index % 2 === 0
        const second = isFailing ? insert(`first-${index}`) : insert(`second-${index}`)
        await own.transact([insert(`first-${index}`), second], []).catch(() => undefined)
      }),
    )
    const found = await ids()
    expect(found).toHaveLength(20)
    expect(found.filter((id) => Number(id.split('-')[1]) % 2 === 0)).toEqual([])
  })

  test('what is wrong is said by its class, without a value', async () => {
    const label = (id: string) => ({
      text: `insert into things (id, label) values (${place(1)}, ${place(2)})`,
      parameters: [id, 'hush'],
    })
    await transport.run(label('a'))
    const twice = await failureOf(transport.run(label('b')))
    expect(twice).toMatchObject({ fault: 'unique_violation', constraint: 'things_label_unique', isNotApplied: true })
    const missing = await failureOf(transport.run({ text: 'select no_such_column from things', parameters: [] }))
    expect(missing).toMatchObject({ fault: 'database_schema_outdated', isNotApplied: true })
    const noTable = await failureOf(transport.run({ text: 'select 1 from nothing_there', parameters: [] }))
    expect(noTable).toMatchObject({ fault: 'database_schema_outdated', isNotApplied: true })
    const orphan = await failureOf(
      transport.run({
        text: `insert into parts (id, thing_id) values (${place(1)}, ${place(2)})`,
        parameters: ['p', 'hush'],
      }),
    )
    expect(orphan).toMatchObject({ fault: 'foreign_key_violation', isNotApplied: true })
    for (const error of [twice, missing, noTable, orphan]) expect(error.message).not.toContain('hush')
  })

  test('each round trip is told to the observer, with the kinds of its parameters and never their values', async () => {
    const trips: { readonly statement: string; readonly types: readonly string[] }[] = []
    const observed = connection.transport({
      trip: (milliseconds, statement, types) => {
        expect(milliseconds).toBeGreaterThanOrEqual(0)
        trips.push({ statement, types: types() })
      },
    })
    await observed.run(insert('a', 'hush'))
    expect(trips).toHaveLength(1)
    expect(trips[0]?.types.slice(0, 2)).toEqual(['text', 'text'])
    expect(JSON.stringify(trips)).not.toContain('hush')
    await observed.transact([insert('b'), insert('c')], [])
    expect(trips.length).toBeGreaterThanOrEqual(2)
    expect(trips.map(({ statement }) => statement).join('\n')).toContain('insert into things')
  })

  testWhere(traits.snapshot === 'watched', 'a snapshot is confirmed, unless somebody wrote meanwhile', async () => {
    await transport.run(insert('a', 'before'))
    const quiet = await connection.snapshot()
    expect((await quiet.run(select('a'))).rows[0]?.[0]).toBe('before')
    await quiet.confirm?.()
    const disturbed = await connection.snapshot()
    expect((await disturbed.run(select('a'))).rows[0]?.[0]).toBe('before')
    expect((await disturbed.run(select('b'))).rows).toEqual([])
    await transport.run(insert('b'))
    expect(await failureOf(disturbed.confirm?.() ?? Promise.resolve())).toMatchObject({
      fault: 'database_busy',
      isNotApplied: true,
    })
    await Promise.all([quiet.close(), disturbed.close()])
  })

  testWhere(traits.snapshot === 'kept', 'a snapshot shows one moment, whatever is written meanwhile', async () => {
    await transport.run(insert('a', 'before'))
    const snapshot = await connection.snapshot()
    try {
      await transport.transact([update('a', 'after'), insert('b')], [])
      expect((await snapshot.run(select('a'))).rows[0]?.[0]).toBe('before')
      expect((await snapshot.run(select('b'))).rows).toEqual([])
    } finally {
      await snapshot.close()
    }
    expect((await transport.run(select('a'))).rows[0]?.[0]).toBe('after')
  })

  test('its limits hold: a statement of as many parameters as it takes passes', async () => {
    const count = Math.min(transport.limits.maxParameters, 1000)
    expect(transport.limits.maxBatchStatements).toBeGreaterThanOrEqual(50)
    await transport.run(insert('a'))
    const places = Array.from({ length: count }, (_none, index) => place(index + 1)).join(', ')
    const among = {
      text: `select id from things where id in (${places})`,
      parameters: Array.from({ length: count }, (_none, index) => (index === count - 1 ? 'a' : `no-${index}`)),
    }
    expect((await transport.run(among)).rows).toEqual([['a']])
  })

  testWhere(
    traits.canBeStopped,
    'a statement that takes longer than it may is ended, and the next one works',
    async () => {
      const quick = await driver.connect({ timeoutSeconds: 0.3 })
      try {
        const startedAt = performance.now()
        const error = await failureOf(quick.transport().run(slow(driver.database.dialect)))
        expect(error.fault).toBe('database_timeout')
        expect(performance.now() - startedAt).toBeLessThan(10_000)
        await quick.transport().run(insert('a'))
        expect(await ids()).toEqual(['a'])
      } finally {
        await quick.close()
      }
    },
  )

  testWhere(traits.canBeStopped, 'a statement may have more time than its database', async () => {
    const quick = await driver.connect({ timeoutSeconds: 0.05 })
    try {
      const { rows } = await quick.transport().run({ ...slow(driver.database.dialect, 0.3), timeoutSeconds: 30 })
      expect(rows).toHaveLength(1)
    } finally {
      await quick.close()
    }
  })

  /** A transport through a proxy that cuts its connection at the next statement. */
  async function withProxy(work: (proxied: Transport, proxy: CuttingProxy) => Promise<void>): Promise<void> {
    if (driver.server === undefined) throw new Error('a driver with a network has a server')
    const proxy = await startCuttingProxy(driver.server)
    const proxied = await driver.connect({ port: proxy.port })
    try {
      const own = proxied.transport()
      // So that it has a connection, and that the statement is prepared by then, where the driver does that.
      for (const id of ['one', 'two']) await own.run(insert(id))
      await own.run({ text: 'delete from things', parameters: [] })
      await work(own, proxy)
    } finally {
      await proxied.close()
      await proxy.close()
    }
  }

  testWhere(
    traits.hasNetwork,
    'a connection that breaks before the server has read is no certain failure, and nothing happened',
    async () => {
      await withProxy(async (proxied, proxy) => {
        proxy.cut('before')
        const error = await failureOf(proxied.run(insert('lost')))
        expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
        expect(await ids()).toEqual([])
      })
    },
  )

  testWhere(
    traits.hasNetwork,
    'one that breaks with the answer is told alike, and the write has happened',
    async () => {
      await withProxy(async (proxied, proxy) => {
        proxy.cut('after')
        const error = await failureOf(proxied.run(insert('lost')))
        expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
        expect(await ids()).toEqual(['lost'])
      })
    },
  )

  testWhere(traits.hasNetwork, 'after a lost connection the next statement makes a new one', async () => {
    await withProxy(async (proxied, proxy) => {
      proxy.cut('before')
      await failureOf(proxied.run(insert('lost')))
      proxy.cut('never')
      await proxied.run(insert('found'))
      expect(await ids()).toEqual(['found'])
    })
  })

  testWhere(traits.hasNetwork, 'a server that is not there is told as not reached', async () => {
    const nowhere = await driver.connect({ port: 1 })
    const error = await failureOf(nowhere.transport().run({ text: 'select 1', parameters: [] }))
    expect(error.fault).toBe('database_unreachable')
    await nowhere.close()
  })
}

const tablesOf = {
  sqlite: [
    'create table things (id text not null, words text, number integer, label text, constraint things_pk primary key (id))',
    'create table parts (id text primary key, thing_id text not null references things (id))',
    'create unique index things_label_unique on things (label)',
  ],
  postgres: [
    'create table things (id text collate "C" not null, words text, number bigint, label text, constraint things_pk primary key (id))',
    'create table parts (id text primary key, thing_id text collate "C" not null references things (id))',
    'create unique index things_label_unique on things (label)',
  ],
  mysql: [
    'create table things (id varchar(64) character set utf8mb4 collate utf8mb4_bin not null, words longtext character set utf8mb4 collate utf8mb4_bin, number bigint, label varchar(64), primary key (id))',
    'create table parts (id varchar(64) primary key, thing_id varchar(64) character set utf8mb4 collate utf8mb4_bin not null, foreign key (thing_id) references things (id))',
    'create unique index things_label_unique on things (label)',
  ],
} as const

function slow(dialect: TestDatabase['dialect'], seconds = 20): Statement {
  switch (dialect) {
    case 'postgres':
      return { text: `select pg_sleep(${seconds})`, parameters: [] }
    case 'mysql':
      return { text: `select sleep(${seconds})`, parameters: [] }
    case 'sqlite':
      return { text: 'select 1', parameters: [] }
  }
}
