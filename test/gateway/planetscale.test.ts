import { DatabaseError, type Client, type Connection } from '@planetscale/database'
import { describe, expect, it } from 'vitest'
import { planetscaleDriver } from './drivers.ts'
import { startTestGateway, until } from './start.ts'

const awkwardText = `'"\`\\ \\n \u2028\u2029 😀 é \u0001 \u001f ? % </script> ${'9'.repeat(30)}`

async function startPlanetscale(options: Parameters<typeof startTestGateway>[1] = {}) {
  const started = await startTestGateway('mysql', options)
  return { ...started, client: planetscaleDriver(started.gateway, started.target) }
}

async function databaseErrorOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DatabaseError)) throw new Error('no DatabaseError', { cause: error })
  return error
}

async function valueOf(client: Client | Connection, expression: string, args: unknown[] = []): Promise<unknown> {
  const { rows } = await client.execute(`select ${expression} as v`, args, { as: 'array' })
  return (rows as unknown[][])[0]?.[0]
}

/** The shape of an error that has passed through vtgate and vttablet. */
function tabletError(errno: number, sqlState: string): RegExp {
  return new RegExp(
    `^target: \\S+\\.-\\.primary: vttablet: rpc error: code = \\w+ desc = [\\s\\S]+ \\(errno ${errno}\\) \\(sqlstate ${sqlState}\\) \\(CallerID: \\w+\\)$`,
    'u',
  )
}

describe('values through @planetscale/database', () => {
  it.each([
    ['bigint', 'bigint unsigned', '18446744073709551615', 'UINT64', '18446744073709551615'],
    ['int', 'int', -5, 'INT32', -5],
    ['tinyint', 'tinyint(1)', 1, 'INT8', 1],
    ['decimal', 'decimal(40,9)', '-1234567890123456789012345678901.123456789', 'DECIMAL', undefined],
    ['double', 'double', 0.1, 'FLOAT64', 0.1],
    ['text', 'text character set utf8mb4', awkwardText, 'TEXT', awkwardText],
    ['longtext', 'longtext character set utf8mb4 collate utf8mb4_bin', awkwardText, 'TEXT', awkwardText],
    ['varchar by bytes', 'varchar(99) character set utf8mb4 collate utf8mb4_bin', 'ä😀', 'VARCHAR', 'ä😀'],
    ['varbinary', 'varbinary(20)', new Uint8Array([0, 255, 39, 92]), 'VARBINARY', new Uint8Array([0, 255, 39, 92])],
    ['blob', 'longblob', new Uint8Array([0, 255]), 'BLOB', new Uint8Array([0, 255])],
    ['datetime', 'datetime(3)', '2026-02-28 12:34:56.789', 'DATETIME', '2026-02-28 12:34:56.789'],
    ['date', 'date', '2026-02-28', 'DATE', '2026-02-28'],
    ['enum', `enum('a','b')`, 'b', 'ENUM', 'b'],
    ['empty text', 'varchar(9)', '', 'VARCHAR', ''],
    ['NULL', 'int', null, 'INT32', null],
  ])('%s comes back with its type and every byte', async (_name, column, value, type, expected) => {
    const { client } = await startPlanetscale()
    await client.execute(`create table t (v ${column})`)
    await client.execute('insert into t values (?)', [value])
    const { rows, types } = await client.execute('select v from t')
    expect(types).toEqual({ v: type })
    expect(rows).toEqual([{ v: expected ?? value }])
  })

  it('fields say where they come from', async () => {
    const { client, target } = await startPlanetscale()
    await client.execute('create table t (id bigint unsigned primary key auto_increment)')
    const { fields } = await client.execute('select id as renamed from t as alias')
    expect(fields).toEqual([
      {
        name: 'renamed',
        type: 'UINT64',
        table: 'alias',
        orgTable: 't',
        database: target.dialect === 'mysql' ? target.database : '',
        orgName: 'id',
        columnLength: 20,
        charset: 63,
        flags: 16_931,
      },
    ])
  })

  it('a document of 1 MiB comes back byte for byte', async () => {
    const { client } = await startPlanetscale()
    const document = JSON.stringify({ text: awkwardText.repeat(Math.ceil(2 ** 20 / awkwardText.length)) })
    await client.execute('create table t (v longtext character set utf8mb4)')
    await client.execute('insert into t values (?)', [document])
    const { rows } = await client.execute<{ v: string }>('select v from t')
    expect(rows[0]?.v === document).toBe(true)
  })

  it('rows affected and the insert id are told', async () => {
    const { client } = await startPlanetscale()
    await client.execute('create table t (id bigint primary key auto_increment, a int)')
    expect(await client.execute('insert into t (a) values (1), (1)')).toMatchObject({ rowsAffected: 2, insertId: '1' })
    expect(await client.execute('delete from t where id = 9')).toMatchObject({ rowsAffected: 0, insertId: '0' })
  })

  it.each([
    [false, 1],
    [true, 2],
  ])(
    'with foundRows %s an update counts %i of two rows that matched and one that changed',
    async (foundRows, count) => {
      const { client } = await startPlanetscale({ foundRows })
      await client.execute('create table t (a int)')
      await client.execute('insert into t values (1), (2)')
      expect(await client.execute('update t set a = 1')).toMatchObject({ rowsAffected: count })
    },
  )
})

describe('the session', () => {
  it('is as MySQL 8 has it, whatever the server’s defaults', async () => {
    const { client } = await startPlanetscale()
    expect(await valueOf(client, '@@session.time_zone')).toBe('+00:00')
    expect(await valueOf(client, '@@session.character_set_client')).toBe('utf8mb4')
    expect(await valueOf(client, '@@session.character_set_results')).toBe('utf8mb4')
    expect(await valueOf(client, '@@session.sql_mode')).toBe(
      'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    )
    expect(await valueOf(client, '@@session.tx_isolation')).toBe('REPEATABLE-READ')
  })

  it('leaves nothing on the connection for the next statement', async () => {
    const { client } = await startPlanetscale({ urlOptions: 'pool_size=1&max_overflow=0' })
    await client.execute(`set time_zone = '+05:00'`)
    await client.execute('set @secret = 42')
    await client.execute('set names latin1')
    await client.execute(`select get_lock('mine', 0)`)
    expect(await valueOf(client, '@@session.time_zone')).toBe('+00:00')
    expect(await valueOf(client, '@secret')).toBeNull()
    expect(await valueOf(client, '?', ['ä😀'])).toBe('ä😀')
    expect(await valueOf(client, `is_free_lock('mine')`)).toBe(1)
  })
})

describe('errors', () => {
  it.each([
    ['syntax', 'selec 1', 'INVALID_ARGUMENT', 1064, '42000'],
    ['a table that is missing', 'select * from nowhere', 'NOT_FOUND', 1146, '42S02'],
    ['a column that is missing', 'select nothing_such', 'NOT_FOUND', 1054, '42S22'],
    ['two statements', 'select 1; select 2', 'INVALID_ARGUMENT', 1064, '42000'],
    ['a value that is cut', `insert into t (id, s) values (2, 'toolong')`, 'INVALID_ARGUMENT', 1406, '22001'],
    ['unique', 'insert into t (id) values (1)', 'ALREADY_EXISTS', 1062, '23000'],
    ['foreign key', 'insert into t (id, b) values (2, 9)', 'FAILED_PRECONDITION', 1452, '23000'],
    ['not null', 'insert into t (id) values (null)', 'INVALID_ARGUMENT', 1048, '23000'],
    ['check', 'insert into t (id, a) values (2, -1)', 'UNKNOWN', 4025, '23000'],
  ])('%s has its code, number and state', async (_name, query, code, errno, sqlState) => {
    const { client } = await startPlanetscale()
    await client.execute(
      'create table t (id int primary key, a int check (a > 0), b int references t (id), s varchar(3)) engine = innodb',
    )
    await client.execute('insert into t (id) values (1)')
    const error = await databaseErrorOf(client.execute(query))
    expect(error.body.code).toBe(code)
    expect(error.message).toMatch(tabletError(errno, sqlState))
  })

  it('of a wrong user or password are 401', async () => {
    const { gateway, target } = await startPlanetscale()
    const error = await databaseErrorOf(planetscaleDriver(gateway, target, 'wrong').execute('select 1'))
    expect(error).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })

  it('of a database that is missing or forbidden are the server’s', async () => {
    const { database } = await startPlanetscale()
    const { gateway, target } = await startTestGateway('mysql', {
      database: { ...database, url: `${database.url}_missing` },
    })
    const error = await databaseErrorOf(planetscaleDriver(gateway, target).execute('select 1'))
    expect(error.message).toMatch(tabletError(1049, '42000'))
  })

  it('of a server that can’t be reached are UNAVAILABLE, errno 2003', async () => {
    const { database } = await startPlanetscale()
    const url = new URL(database.url.replace(/^[a-z+]+:/u, 'mysql:'))
    url.port = '1'
    const { gateway, target } = await startTestGateway('mysql', { database: { ...database, url: url.href } })
    const error = await databaseErrorOf(planetscaleDriver(gateway, target).execute('select 1'))
    expect(error.body.code).toBe('UNAVAILABLE')
    expect(error.message).toMatch(tabletError(2003, 'HY000'))
  })

  it('of a connection that breaks under a statement are errno 2013', async () => {
    const { client, gateway } = await startPlanetscale()
    const error = await databaseErrorOf(client.execute('kill connection_id()'))
    expect(error.message).toMatch(/\(errno (?:2013|1317|1927)\)/u)
    await until(() => gateway.status().checkedOut === 0)
    expect(await valueOf(client, '1')).toBe(1)
  })
})

describe('transactions', () => {
  it('commit what they did, and hold a connection only while they are open', async () => {
    const { client, gateway } = await startPlanetscale()
    await client.execute('create table t (id int primary key) engine = innodb')
    const seen = await client.transaction(async (tx) => {
      await tx.execute('insert into t values (1)')
      const outside = await valueOf(client, '(select count(*) from t)')
      return { outside, checkedOut: gateway.status().checkedOut }
    })
    expect(seen).toEqual({ outside: '0', checkedOut: 1 })
    expect(await valueOf(client, '(select count(*) from t)')).toBe('1')
    expect(gateway.status().checkedOut).toBe(0)
  })

  it('leave nothing when one of their statements fails', async () => {
    const { client, gateway } = await startPlanetscale()
    await client.execute('create table t (id int primary key) engine = innodb')
    const failing = client.transaction(async (tx) => {
      await tx.execute('insert into t values (1)')
      await tx.execute('insert into t values (1)')
    })
    expect((await databaseErrorOf(failing)).body.code).toBe('ALREADY_EXISTS')
    expect(await valueOf(client, '(select count(*) from t)')).toBe('0')
    expect(gateway.status().checkedOut).toBe(0)
  })

  it('that were given up by a deadlock do nothing more until their ROLLBACK', async () => {
    const { client } = await startPlanetscale()
    await client.execute('create table t (id int primary key, a int) engine = innodb')
    await client.execute('insert into t values (1, 0), (2, 0)')
    const [one, two] = [client.connection(), client.connection()]
    for (const connection of [one, two]) await connection.execute('begin')
    await one.execute('update t set a = 1 where id = 1')
    await two.execute('update t set a = 2 where id = 2')
    const outcomes = await Promise.allSettled([
      one.execute('update t set a = 1 where id = 2'),
      two.execute('update t set a = 2 where id = 1'),
    ])
    const victim = outcomes[0].status === 'rejected' ? one : two
    const winner = victim === one ? two : one
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(1)
    expect((await databaseErrorOf(victim.execute('update t set a = 9'))).body.code).toBe('ABORTED')
    expect((await databaseErrorOf(victim.execute('commit'))).body.code).toBe('ABORTED')
    await victim.execute('rollback')
    await winner.execute('commit')
    expect(await valueOf(client, '(select count(*) from t where a = 9)')).toBe('0')
    await victim.execute('update t set a = 7')
    expect(await valueOf(client, '(select count(*) from t where a = 7)')).toBe('2')
  })

  it('that are abandoned give their locks back, and can’t be gone on with', async () => {
    const { client, gateway, log } = await startPlanetscale({ limits: { transactionIdleSeconds: 0.3 } })
    await client.execute('create table t (id int primary key) engine = innodb')
    const abandoned = client.connection()
    await abandoned.execute('begin')
    await abandoned.execute('insert into t values (1)')
    await until(() => gateway.status().checkedOut === 0)
    await client.execute('insert into t values (1)')
    const error = await databaseErrorOf(abandoned.execute('insert into t values (2)'))
    expect(error.body.code).toBe('ABORTED')
    expect(error.message).toMatch(/ended at .+ \(exceeded timeout: 0\.3s\) \(errno 1317\) \(sqlstate 70100\)/u)
    await abandoned.execute('rollback')
    await abandoned.execute('insert into t values (3)')
    expect(await valueOf(client, '(select group_concat(id order by id) from t)')).toBe('1,3')
    expect(log.map((entry) => entry.event)).toContain('transaction_ended')
  })

  it('of several sessions are apart, and of one session follow each other', async () => {
    const { client } = await startPlanetscale()
    await client.execute('create table t (id int primary key auto_increment, a int) engine = innodb')
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        client.transaction(async (tx) => {
          await Promise.all(Array.from({ length: 3 }, () => tx.execute('insert into t (a) values (?)', [index])))
        }),
      ),
    )
    expect(await valueOf(client, '(select count(*) from t)')).toBe('24')
  })

  it('without a statement that changes anything can be read only at one state', async () => {
    const { client } = await startPlanetscale()
    await client.execute('create table t (id int primary key) engine = innodb')
    const reader = client.connection()
    await reader.execute('start transaction with consistent snapshot, read only')
    await client.execute('insert into t values (1)')
    expect(await valueOf(reader, '(select count(*) from t)')).toBe('0')
    await reader.execute('commit')
    expect(await valueOf(reader, '(select count(*) from t)')).toBe('1')
  })
})

describe('sessions', () => {
  it('can be made and closed; closing one rolls back', async () => {
    const { client, gateway, target } = await startPlanetscale()
    if (target.dialect !== 'mysql') throw new Error('not MySQL')
    await client.execute('create table t (id int primary key) engine = innodb')
    const connection = client.connection()
    await connection.refresh()
    await connection.execute('begin')
    await connection.execute('insert into t values (1)')
    const session: unknown = Reflect.get(connection, 'session')
    await fetch(`${gateway.url}/psdb.v1alpha1.Database/CloseSession`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${target.user}:${target.password}`)}` },
      body: JSON.stringify({ session }),
    })
    expect(gateway.status().checkedOut).toBe(0)
    expect(await valueOf(client, '(select count(*) from t)')).toBe('0')
  })
})

describe('in strict mode', () => {
  it.each([
    'create table c (p int, foreign key (p) references t (id))',
    'create table c (p int references t (id))',
    'alter table t add constraint x foreign key (id) references t (id)',
  ])('foreign keys are refused as PlanetScale refuses them: %s', async (ddl) => {
    const { client } = await startPlanetscale({ strict: true })
    await client.execute('create table t (id int primary key)')
    const error = await databaseErrorOf(client.execute(ddl))
    expect(error.message).toBe('VT10001: foreign key constraints are not allowed')
  })

  it('a table whose comment only speaks of foreign keys is not', async () => {
    const { client } = await startPlanetscale({ strict: true })
    const ddl = `create table t (id int comment 'no foreign key (x) references y') /* references */`
    await expect(client.execute(ddl)).resolves.toMatchObject({ rowsAffected: 0 })
  })
})
