import { expect, test } from 'vitest'
import { statementsOf, type Suite } from './suite.ts'

/** Rows, counts, and values that come back as they went. */
export function valueConformance(suite: Suite): void {
  const { place, insert, update, select, ids } = statementsOf(suite)
  test('a statement gives its rows as lists, in the order of its columns', async () => {
    await suite.transport.run(insert('a', 'one', 1))
    const { rows } = await suite.transport.run(select('a'))
    expect(rows.map((row) => [row[0], Number(row[1])])).toEqual([['one', 1]])
    expect((await suite.transport.run(select('nobody'))).rows).toEqual([])
  })

  test('a statement tells how many rows it has affected', async () => {
    expect((await suite.transport.run(insert('a', 'one'))).affected).toBe(1)
    expect((await suite.transport.run(insert('b', 'one'))).affected).toBe(1)
    const all = { text: `update things set words = ${place(1)}`, parameters: ['two'] }
    expect((await suite.transport.run(all)).affected).toBe(2)
    expect((await suite.transport.run(update('nobody', 'x'))).affected).toBe(0)
    expect((await suite.transport.run({ text: 'delete from things', parameters: [] })).affected).toBe(2)
  })

  const { traits } = suite
  test('an update that changes nothing counts as the mode of the connection says', async () => {
    await suite.transport.run(insert('a', 'same'))
    const { affected } = await suite.transport.run(update('a', 'same'))
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
    await suite.transport.run(insert('a', text))
    expect((await suite.transport.run(select('a'))).rows[0]?.[0]).toBe(text)
  })

  test.each([0, -1, 1, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'a whole number stays what it is: %d',
    async (number) => {
      await suite.transport.run(insert('a', null, suite.driver.database.dialect === 'sqlite' ? BigInt(number) : number))
      const [row] = (await suite.transport.run(select('a'))).rows
      expect(Number(row?.[1])).toBe(number)
      expect(String(row?.[1])).toBe(String(number))
    },
  )

  const big = ['9223372036854775807', '-9223372036854775808', '9007199254740993', '-9007199254740993']
  test.each(big)('a whole number beyond the safe ones stays what it is, or is refused: %s', async (digits) => {
    const { dialect } = suite.driver.database
    const write = suite.transport.run(insert('a', null, dialect === 'sqlite' ? BigInt(digits) : digits))
    if (suite.transport.platform === 'd1') {
      // D1 binds doubles alone: the driver refuses what would come back as another number.
      await expect(write).rejects.toThrow(TypeError)
      expect(await ids()).toEqual([])
      return
    }
    await write
    expect(String((await suite.transport.run(select('a'))).rows[0]?.[1])).toBe(digits)
  })

  test.each(['0001-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'])(
    'a moment stays what it is, to the millisecond: %s',
    async (moment) => {
      const { createdAt } = suite.transport.dialect.tables.users
      await suite.transport.run({
        text: `insert into things (id, at) values (${place(1)}, ${place(2)})`,
        parameters: ['a', createdAt.mapToDriverValue(new Date(moment))],
      })
      const { rows } = await suite.transport.run({ text: 'select at from things', parameters: [] })
      expect(createdAt.mapFromDriverValue(rows[0]?.[0])).toEqual(new Date(moment))
    },
  )

  test.each([true, false])('a flag stays what it is: %s', async (isSet) => {
    const { isPublic } = suite.transport.dialect.tables.workflows
    await suite.transport.run({
      text: `insert into things (id, is_set) values (${place(1)}, ${place(2)})`,
      parameters: ['a', isPublic.mapToDriverValue(isSet)],
    })
    const { rows } = await suite.transport.run({ text: 'select is_set from things', parameters: [] })
    expect(isPublic.mapFromDriverValue(rows[0]?.[0])).toBe(isSet)
  })

  test('null stays null, among other values and alone', async () => {
    await suite.transport.run(insert('a', null, null))
    expect((await suite.transport.run(select('a'))).rows).toEqual([[null, null]])
  })

  test('a number limits a list, in a statement that is sent again and again', async () => {
    for (const id of ['a', 'b', 'c']) await suite.transport.run(insert(id))
    const limited = (count: number) => ({
      text: `select id from things order by id limit ${place(1)}`,
      parameters: [suite.driver.database.dialect === 'sqlite' ? BigInt(count) : count],
    })
    for (const count of [1, 2, 3, 2, 1]) {
      expect((await suite.transport.run(limited(count))).rows.map(([id]) => id)).toEqual(
        ['a', 'b', 'c'].slice(0, count),
      )
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
      await suite.driver.database.query('delete from things')
      const wordsOf = (row: number) => 'w'.repeat(lengthOf(row))
      const parameters = Array.from({ length: count }, (_none, row) => [`row-${row}`, wordsOf(row)]).flat()
      expect((await suite.transport.transact([{ text, parameters }], [])).map(({ affected }) => affected)).toEqual([
        count,
      ])
      for (let row = 0; row < count; row++) {
        expect((await suite.transport.run(select(`row-${row}`))).rows[0]?.[0]).toBe(wordsOf(row))
      }
    }
  })

  test('each round trip is told to the observer, with the kinds of its parameters and never their values', async () => {
    const trips: { readonly statement: string; readonly types: readonly string[] }[] = []
    const observed = suite.connection.transport({
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
}
