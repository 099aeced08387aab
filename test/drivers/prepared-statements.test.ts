import { connectNative, isNative } from '@millrace/drivers/native/open'
import type { ConnectionLogEntry } from '@millrace/drivers/native/log'
import type { Connection, Transport } from '@millrace/db/sql/transport'
import type { Statement } from '@millrace/db/sql/statement'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { startOwnMariadb } from '../servers/own.ts'

/* What a native connection keeps of the statements that are sent again and again. */

/** In letters: what differs in its numbers alone is of one shape. */
const lettersOf = (number: number) => String(number).replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')
const ofAName = (name: string): Statement => ({ text: `select $1::text as ${name}`, parameters: ['x'] })
const listOf = (length: number): Statement => ({
  text: `select 1 as list where 'x' in (${Array.from({ length }, (_none, index) => `$${index + 1}`).join(', ')})`,
  parameters: Array.from({ length }, () => 'x'),
})

describe('postgres', () => {
  let database: TestDatabase
  let connection: Connection
  let transport: Transport
  let log: ConnectionLogEntry[]

  beforeEach(async () => {
    database = await freshDatabase('postgres')
    log = []
  })
  afterEach(async () => {
    await connection.close()
    await database.drop()
  })

  async function connect(poolSize: number): Promise<void> {
    const target = targetOf(database.url)
    if (target.via !== 'gateway' || !isNative(target)) throw new Error('a server is reached by its address')
    const options = { ...target.options, poolSize, maxOverflow: 0 }
    const write = (entry: ConnectionLogEntry) => void log.push(entry)
    connection = await connectNative({ ...target, options }, { timeoutSeconds: 20, log: write })
    transport = connection.transport()
  }

  async function runTwice(statement: Statement): Promise<void> {
    for (let use = 0; use < 2; use += 1) await transport.run(statement)
  }

  /** Those that the connection has prepared, by their texts, with the time at which it did. */
  async function prepared(like: string): Promise<ReadonlyMap<string, string>> {
    const { rows } = await transport.run({
      text: `select statement, prepare_time from pg_prepared_statements where statement like '${like}'`,
      parameters: [],
    })
    return new Map(rows.map(([text, time]) => [String(text), String(time)]))
  }

  test('outdated by a change of a table are planned anew on each connection, without an error', async () => {
    await connect(3)
    await database.query('create table things (id text, number integer)')
    await database.query("insert into things values ('first', 7)")
    const all: Statement = { text: 'select * from things, pg_sleep($1)', parameters: ['0.1'] }
    const add: Statement = { text: 'insert into things (id) values ($1)', parameters: ['second'] }
    const atOnce = () => Promise.all([1, 2, 3].map(() => transport.run(all)))
    for (let use = 0; use < 3; use += 1) await atOnce()
    const inBatch: Statement = { text: 'select * from things where id = $1', parameters: ['first'] }
    for (let use = 0; use < 9; use += 1) await transport.transact([], [inBatch])

    await database.query('alter table things alter column number type text')
    for (const { rows } of await atOnce()) expect(rows).toMatchObject([['first', '7', '']])
    await database.query('alter table things add column another text')
    const [, read] = await transport.transact([add], [inBatch])
    expect(read?.rows).toEqual([['first', '7', null]])
    expect(await database.query("select id from things where id = 'second'")).toHaveLength(1)

    await atOnce()
    expect([...(await prepared('select * from things, %')).keys()]).toEqual([all.text])
    expect(log).toMatchObject([{ level: 'warn', event: 'plans_outdated' }])
  })

  test('of lists of each length take no place of others, and what comes later has one', async () => {
    await connect(1)
    const many = Array.from({ length: 100 }, (_none, index) => ofAName(`hot_${lettersOf(index)}`))
    for (const statement of many) await runTwice(statement)
    const before = await prepared('select $1::text as hot%')
    expect(before.size).toBe(100)

    for (let round = 0; round < 2; round += 1)
      for (let length = 1; length <= 300; length += 1) await runTwice(listOf(length))

    expect(await prepared('select $1::text as hot%')).toEqual(before)
    const lists = await prepared('select 1 as list%')
    expect(lists.size).toBeLessThanOrEqual(20)
    // The last ones, of which one that is sent again and again is.
    expect([...lists.keys()]).toContain(listOf(300).text)
    await runTwice(ofAName('later'))
    expect((await prepared('select $1::text as later')).size).toBe(1)
  })

  test('that are used least recently give way, and those in use stay', async () => {
    await connect(1)
    const hot = ofAName('hot')
    await runTwice(hot)
    const before = await prepared(hot.text)
    for (let index = 0; index < 400; index += 1) {
      await runTwice(ofAName(`other_${lettersOf(index)}`))
      await transport.run(hot)
    }
    expect(await prepared(hot.text)).toEqual(before)
    const others = await prepared('select $1::text as other%')
    expect(others.size).toBeLessThan(300)
    expect(others.size).toBeGreaterThan(200)
    expect([...others.keys()]).toContain(ofAName(`other_${lettersOf(399)}`).text)
    expect([...others.keys()]).not.toContain(ofAName('other_a').text)
    // What has given way is prepared again.
    await runTwice(ofAName('other_a'))
    expect((await prepared('select $1::text as other\\_a')).size).toBe(1)
  })

  test('in a batch of more of them than have a place all run', async () => {
    await connect(1)
    const batch = Array.from({ length: 400 }, (_none, index) => ofAName(`batch_${lettersOf(index)}`))
    for (let use = 0; use < 3; use += 1) {
      const results = await transport.transact([], batch)
      expect(results.map(({ rows }) => rows)).toEqual(batch.map(() => [['x']]))
    }
    expect((await prepared('select $1::text as batch%')).size).toBeLessThanOrEqual(300)
  })

  test('that failed half-way are parsed again', async () => {
    await connect(1)
    const good = ofAName('good')
    const bad: Statement = { text: 'select 1 / $1::int as bad', parameters: ['0'] }
    await transport.run(good)
    await expect(transport.run(bad)).rejects.toThrow('22012')
    // Both have a name now, and the server comes to the first alone.
    await expect(transport.transact([], [bad, good])).rejects.toThrow('22012')
    const results = await transport.transact([], [good, { ...bad, parameters: ['1'] }])
    expect(results.map(({ rows }) => rows)).toEqual([[['x']], [['1']]])
    expect((await prepared(good.text)).size).toBe(1)
  })
})

describe('mysql', () => {
  test('of a server that prepares no more are sent as text, and the log says so once for a connection', async () => {
    const server = await startOwnMariadb(['--max-prepared-stmt-count=1'])
    const log: ConnectionLogEntry[] = []
    try {
      const target = targetOf(server.url(await server.createDatabase()))
      if (target.via !== 'gateway' || !isNative(target)) throw new Error('a server is reached by its address')
      const options = { ...target.options, poolSize: 1, maxOverflow: 0 }
      const write = (entry: ConnectionLogEntry) => void log.push(entry)
      const connection = await connectNative({ ...target, options }, { timeoutSeconds: 20, log: write })
      try {
        const transport = connection.transport()
        const value = '\'a\' ? \\ "b" 雪'
        for (const name of ['one', 'two', 'three']) {
          const text = `select cast(? as char) as ${name}, '?' as quoted, ? is null as is_null limit ?`
          const { rows } = await transport.run({ text, parameters: [value, null, 1] })
          expect([name, ...(rows[0] ?? []).map(String)]).toEqual([name, value, '?', '1'])
        }
      } finally {
        await connection.close()
      }
      expect(log.map(({ event }) => event)).toEqual(['statements_unprepared'])
    } finally {
      await server.remove()
    }
  })
})
