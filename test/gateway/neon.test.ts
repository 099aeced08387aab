import { NeonDbError } from '@neondatabase/serverless'
import { describe, expect, it } from 'vitest'
import { neonDriver } from './drivers.ts'
import { startTestGateway, until } from './start.ts'

const rawTypes = { getTypeParser: () => (value: string) => value }
const awkwardText = `'"\`\\ \\n \u2028\u2029 😀 é \u0001 \u001f $1 ? </script> ${'9'.repeat(30)}`

async function startNeon(options: Parameters<typeof startTestGateway>[1] = {}) {
  const started = await startTestGateway('postgres', options)
  return { ...started, sql: neonDriver(started.gateway, started.target) }
}

/** The error that a promise rejects with, as Neon's driver throws it. */
async function neonErrorOf(promise: Promise<unknown>): Promise<NeonDbError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof NeonDbError)) throw new Error('no NeonDbError', { cause: error })
  return error
}

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/sql`, { method: 'POST', body, headers })
}

describe('values through @neondatabase/serverless', () => {
  const texts = {
    int8: '9223372036854775807',
    numeric: '-123456789012345678901234567890.123456789',
    float8: '0.1',
    bool: 't',
    text: awkwardText,
    bytea: '\\x00ff10',
    uuid: '0190f5f0-0000-7000-8000-000000000000',
    json: '{"b": 1,  "a":1e400, "u":"\\u2028\\ud83d\\ude00", "n":123456789012345678901234567890}',
    date: '2026-02-28',
    timestamptz: '2026-02-28 12:34:56.789+00',
    'int4[]': '{1,NULL,3}',
    'text[]': '{"",NULL,"a,b","\\"\\\\"}',
  }

  it.each(Object.entries(texts))('%s comes back as the text that PostgreSQL sends', async (type, text) => {
    const { sql } = await startNeon()
    expect(await sql.query(`select $1::${type} as v`, [text], { types: rawTypes })).toEqual([{ v: text }])
  })

  it('NULL, the empty string and infinite times come back as they are', async () => {
    const { sql } = await startNeon()
    const rows = await sql.query(
      `select null::text a, '' b, 'infinity'::timestamptz c, '-infinity'::date d, 'NaN'::float8 e`,
      [],
      { types: rawTypes },
    )
    expect(rows).toEqual([{ a: null, b: '', c: 'infinity', d: '-infinity', e: 'NaN' }])
  })

  it('a document of 1 MiB comes back byte for byte', async () => {
    const { sql } = await startNeon()
    const document = JSON.stringify({ text: awkwardText.repeat(Math.ceil(2 ** 20 / awkwardText.length)) })
    const [row] = await sql.query('select $1::json as v', [document], { types: rawTypes })
    expect(row?.['v'] === document).toBe(true)
  })

  it('times are in GMT, as Neon gives them, whatever zone the server is set to', async () => {
    const { sql } = await startNeon()
    const rows = await sql.query(`select '2026-07-01T12:00:00+02:00'::timestamptz::text v`)
    expect(rows).toEqual([{ v: '2026-07-01 10:00:00+00' }])
  })

  it('parameters of any JSON type become the text that Neon makes of them', async () => {
    const { gateway, target } = await startNeon()
    if (target.dialect !== 'postgres') throw new Error('not PostgreSQL')
    const url = `postgresql://${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}@x/y`
    const query = 'select $1::text a, $2::text b, $3::text c, $4::text d, $5::text e'
    const params = [true, 1.5, { a: [1] }, [1, null, 'x"\\', ['y']], null]
    const response = await post(gateway.url, JSON.stringify({ query, params }), {
      'neon-connection-string': url,
      'neon-raw-text-output': 'true',
    })
    expect(await response.json()).toMatchObject({
      rowAsArray: false,
      rows: [{ a: 'true', b: '1.5', c: '{"a":[1]}', d: '{1,NULL,"x\\"\\\\",{"y"}}', e: null }],
    })
  })
})

describe('results', () => {
  it('have the fields, the command and the count that Neon sends', async () => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key, name varchar(10))')
    const inserted = await sql.query(`insert into t values (1, 'a'), (2, 'b') returning id`, [], { fullResults: true })
    expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [{ id: 1 }, { id: 2 }] })
    const selected = await sql.query('select name from t order by id', [], { fullResults: true, arrayMode: true })
    expect(selected).toMatchObject({
      command: 'SELECT',
      rowCount: 2,
      rowAsArray: true,
      rows: [['a'], ['b']],
      fields: [{ name: 'name', dataTypeID: 1043, columnID: 2, dataTypeSize: -1, dataTypeModifier: 14, format: 'text' }],
    })
    expect(selected.fields[0]?.tableID).toBeGreaterThan(0)
  })

  it('hold every column in array mode, also when names are alike', async () => {
    const { sql } = await startNeon()
    expect(await sql.query('select 1 a, 2 a', [], { arrayMode: true })).toEqual([[1, 2]])
  })
})

describe('errors', () => {
  it.each([
    ['syntax', 'selec 1', '42601'],
    ['a table that is missing', 'select * from nowhere', '42P01'],
    ['a column that is missing', 'select nothing_such', '42703'],
    ['an unreadable value', `select 'x'::int`, '22P02'],
    ['a parameter that is missing', 'select $1::int', '08P01'],
    ['two statements', 'select 1; select 2', '42601'],
  ])('%s has its SQLSTATE', async (_name, text, code) => {
    const { sql } = await startNeon()
    expect((await neonErrorOf(sql.query(text))).code).toBe(code)
  })

  it.each([
    ['unique', `insert into t values (1, 5, 1)`, '23505', 't_pkey'],
    ['check', `insert into t values (2, -1, 1)`, '23514', 't_a_check'],
    ['foreign key', `insert into t values (2, 5, 9)`, '23503', 't_b_fkey'],
  ])('a violated %s constraint is named', async (_name, text, code, constraint) => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key, a int check (a > 0), b int references t)')
    await sql.query('insert into t values (1, 5, 1)')
    expect(await neonErrorOf(sql.query(text))).toMatchObject({ code, constraint, table: 't', schema: 'public' })
  })

  it('have all of PostgreSQL’s fields', async () => {
    const { sql } = await startNeon()
    const error = await neonErrorOf(sql.query(`select 1 where nothing_such = 1`))
    expect(error).toMatchObject({
      message: 'column "nothing_such" does not exist',
      severity: 'ERROR',
      code: '42703',
      position: '16',
      file: 'parse_relation.c',
      routine: expect.any(String),
      line: expect.stringMatching(/^\d+$/u),
    })
  })

  it('of a wrong user or password are those of PostgreSQL', async () => {
    const { gateway, target } = await startNeon()
    const sql = neonDriver(gateway, target, 'wrong')
    expect((await neonErrorOf(sql.query('select 1'))).code).toBe('28P01')
  })

  it('of a database that is missing are the server’s', async () => {
    const { database } = await startNeon()
    const { gateway, target } = await startTestGateway('postgres', {
      database: { ...database, url: `${database.url}_missing` },
    })
    expect((await neonErrorOf(neonDriver(gateway, target).query('select 1'))).code).toBe('3D000')
  })

  it('of a server that can’t be reached are 08006', async () => {
    const { database } = await startNeon()
    const url = new URL(database.url.replace(/^[a-z+]+:/u, 'postgresql:'))
    url.port = '1'
    const { gateway, target } = await startTestGateway('postgres', { database: { ...database, url: url.href } })
    expect((await neonErrorOf(neonDriver(gateway, target).query('select 1'))).code).toBe('08006')
  })

  it('of a connection that breaks under a statement are not those of a server that was never reached', async () => {
    const { sql, gateway } = await startNeon()
    expect((await neonErrorOf(sql.query('select pg_terminate_backend(pg_backend_pid())'))).code).toBe('57P01')
    expect(await sql.query('select 1 a')).toEqual([{ a: 1 }])
    expect(gateway.status().checkedOut).toBe(0)
  })

  it.each([
    ['no JSON', '{', {}],
    ['no query', '{}', {}],
    ['half a surrogate pair', `{"query":"select $1::text","params":["\\ud800"]}`, {}],
    ['an isolation level that there is not', '{"queries":[]}', { 'neon-batch-isolation-level': 'Chaos' }],
  ])('%s is refused with 400 and no echo of the body', async (_name, body, headers) => {
    const { gateway, target } = await startNeon()
    if (target.dialect !== 'postgres') throw new Error('not PostgreSQL')
    const url = `postgresql://${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}@x/y`
    const response = await post(gateway.url, body, {
      'neon-connection-string': url,
      'neon-raw-text-output': 'true',
      ...headers,
    })
    expect(response.status).toBe(400)
    const answer = await response.text()
    expect(answer).toContain('"message"')
    expect(answer).not.toContain('select')
  })
})

describe('batches', () => {
  it('are one transaction: all or nothing', async () => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key)')
    const failing = sql.transaction([
      sql.query('insert into t values (1)'),
      sql.query('insert into t values (1)'),
      sql.query('insert into t values (2)'),
    ])
    expect((await neonErrorOf(failing)).code).toBe('23505')
    expect(await sql.query('select * from t')).toEqual([])
    await sql.transaction([sql.query('insert into t values (1)'), sql.query('insert into t values (2)')])
    expect(await sql.query('select count(*)::int n from t')).toEqual([{ n: 2 }])
  })

  it('have the isolation level and the mode that were asked for', async () => {
    const { sql } = await startNeon()
    const level = sql.query(
      `select current_setting('transaction_isolation') l, current_setting('transaction_read_only') r`,
    )
    const options = { isolationLevel: 'RepeatableRead', readOnly: true } as const
    expect(await sql.transaction([level], options)).toEqual([[{ l: 'repeatable read', r: 'on' }]])
    expect(await sql.transaction([level])).toEqual([[{ l: 'read committed', r: 'off' }]])
    const write = sql.transaction([sql.query('create table t (a int)')], { readOnly: true })
    expect((await neonErrorOf(write)).code).toBe('25006')
  })

  it('can’t end their transaction half-way', async () => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key)')
    const failing = sql.transaction([
      sql.query('insert into t values (1)'),
      sql.query('rollback'),
      sql.query('insert into t values (2)'),
    ])
    expect((await neonErrorOf(failing)).code).toBe('2D000')
    expect(await sql.query('select * from t')).toEqual([])
  })

  it('that fail only when they commit leave nothing', async () => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key, b int references t deferrable initially deferred)')
    const failing = sql.transaction([
      sql.query('insert into t values (1, 9)'),
      sql.query('insert into t values (2, 2)'),
    ])
    expect((await neonErrorOf(failing)).code).toBe('23503')
    expect(await sql.query('select * from t')).toEqual([])
  })

  it('without a query do nothing', async () => {
    const { sql } = await startNeon()
    expect(await sql.transaction([])).toEqual([])
  })

  it('have given their locks back when their error is answered', async () => {
    const { sql } = await startNeon()
    await sql.query('create table t (id int primary key)')
    await sql.query('insert into t values (1)')
    await neonErrorOf(sql.transaction([sql.query('select * from t for update'), sql.query('selec')]))
    expect(await sql.query('select id from t for update nowait')).toEqual([{ id: 1 }])
  })
})

describe('connections', () => {
  it('are as new for each request', async () => {
    const { sql } = await startNeon({ urlOptions: 'pool_size=1&max_overflow=0' })
    await sql.query(`set statement_timeout = '17s'`)
    await sql.query('create temp table scratch (a int)')
    await sql.query('select pg_advisory_lock(42)')
    await sql.query('begin')
    const rows = await sql.query(
      `select current_setting('statement_timeout') s, to_regclass('scratch') t,
        (select count(*)::int from pg_locks where locktype = 'advisory') l`,
    )
    expect(rows).toEqual([{ s: '0', t: null, l: 0 }])
  })

  it('are given back when the client goes away, and its statement ends', async () => {
    const { sql, gateway, database } = await startNeon()
    const gone = new AbortController()
    // The driver's promise sends nothing until it is waited for.
    const query = sql.query('select pg_sleep(60) as napping', [], { fetchOptions: { signal: gone.signal } })
    const waiting = neonErrorOf(query)
    const napping = async () =>
      (
        await database.query(
          `select 1 from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'`,
        )
      ).length
    await until(async () => (await napping()) === 1)
    gone.abort()
    expect((await waiting).message).toContain('abort')
    await until(() => gateway.status().checkedOut === 0)
    expect(await napping()).toBe(0)
  })
})
