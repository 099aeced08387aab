import { fork } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LibsqlError } from '@libsql/client/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startGateway } from '@millrace/gateway'
import { libsqlDriver } from './drivers.ts'
import { startTestGateway, until } from './start.ts'

async function startLibsql(options: Parameters<typeof startTestGateway>[1] = {}) {
  const started = await startTestGateway('sqlite', options)
  return { ...started, client: libsqlDriver(started.gateway) }
}

async function libsqlErrorOf(promise: Promise<unknown>): Promise<LibsqlError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof LibsqlError)) throw new Error('no LibsqlError', { cause: error })
  return error
}

describe('through @libsql/client', () => {
  it('values of every type come back', async () => {
    const { client } = await startLibsql()
    const args = [null, 9_223_372_036_854_775_807n, 0.1, '\u2028😀\\"', new Uint8Array([0, 255])]
    const { rows } = await client.execute({ sql: 'select ? a, ? b, ? c, ? d, ? e', args })
    expect({ ...rows[0] }).toEqual({
      a: null,
      b: 9_223_372_036_854_775_807n,
      c: 0.1,
      d: '\u2028😀\\"',
      e: new Uint8Array([0, 255]).buffer,
    })
  })

  it('a batch is all or nothing, and says which statement failed', async () => {
    const { client } = await startLibsql()
    await client.execute('create table t (a unique)')
    const failing = client.batch(['insert into t values (1)', 'insert into t values (1)'], 'write')
    expect(await libsqlErrorOf(failing)).toMatchObject({ code: 'SQLITE_CONSTRAINT', statementIndex: 1 })
    await client.batch(['insert into t values (1)', 'insert into t values (2)'], 'write')
    expect((await client.execute('select count(*) n from t')).rows[0]?.['n']).toBe(2n)
  })

  it('a write is done after EXPLAIN of one, on the only connection', async () => {
    const { client } = await startLibsql({ urlOptions: 'pool_size=1&max_overflow=0' })
    await client.execute('create table t (a)')
    await client.execute('explain delete from t')
    await client.execute('explain query plan update t set a = 2')
    await client.execute('insert into t values (1)')
    expect((await client.execute('select a from t')).rows.map((row) => row['a'])).toEqual([1n])
  })

  it('interactive transactions commit and roll back, and give their connection back', async () => {
    const { client, gateway } = await startLibsql()
    await client.execute('create table t (a)')
    const lost = await client.transaction('write')
    await lost.execute('insert into t values (1)')
    expect(gateway.status().checkedOut).toBe(1)
    await lost.rollback()
    const kept = await client.transaction('write')
    await kept.execute('insert into t values (2)')
    await kept.commit()
    expect((await client.execute('select a from t')).rows.map((row) => row['a'])).toEqual([2n])
    expect(gateway.status().checkedOut).toBe(0)
  })

  it('a read transaction keeps its state while others write', async () => {
    const { client } = await startLibsql()
    await client.execute('create table t (a)')
    const reader = await client.transaction('read')
    await reader.execute('select * from t')
    await client.execute('insert into t values (1)')
    expect((await reader.execute('select * from t')).rows).toHaveLength(0)
    await reader.commit()
  })

  it('a migration of the driver can run with foreign keys off, which stays with it', async () => {
    const { client } = await startLibsql()
    await client.migrate([
      'create table p (id integer primary key)',
      'create table c (p references p)',
      'insert into c values (9)',
    ])
    expect(await libsqlErrorOf(client.execute('insert into c values (9)'))).toMatchObject({ code: 'SQLITE_CONSTRAINT' })
  })

  it('several statements at once run as a sequence', async () => {
    const { client } = await startLibsql()
    await client.executeMultiple('create table t (a); insert into t values (1); insert into t values (2);')
    expect((await client.execute('select a from t')).rows).toHaveLength(2)
  })
})

describe('the file', () => {
  it('is made for its owner only, and in WAL mode', async () => {
    const { client, target } = await startLibsql()
    if (target.via !== 'file') throw new Error('no file')
    expect(statSync(target.path).mode & 0o777).toBe(0o600)
    const { rows } = await client
      .batch(['pragma journal_mode', 'pragma synchronous', 'pragma foreign_keys'], 'read')
      .then((results) => ({ rows: results.map((result) => result.rows[0]?.[0]) }))
    expect(rows).toEqual(['wal', 2n, 1n])
  })

  it('in a directory that is missing is an error that says so', async () => {
    const { target } = await startLibsql()
    if (target.via !== 'file') throw new Error('no file')
    const missing = { ...target, path: join(dirname(target.path), 'missing', 'workflows.db') }
    await expect(startGateway({ target: missing })).rejects.toThrow(/missing.*Its directory has to exist/u)
  })

  it('that is no database is an error', async () => {
    const { target } = await startLibsql()
    if (target.via !== 'file') throw new Error('no file')
    await expect(startGateway({ target: { ...target, path: fileURLToPath(import.meta.url) } })).rejects.toMatchObject({
      code: 'SQLITE_NOTADB',
    })
  })
})

describe('locks', () => {
  it('fifty writers at once all get their turn', async () => {
    const { client, gateway } = await startLibsql({ urlOptions: 'pool_size=5&max_overflow=50' })
    await client.execute('create table t (a integer primary key, b)')
    await client.execute('insert into t values (1, 0)')
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const tx = await client.transaction('write')
        const { rows } = await tx.execute('select b from t where a = 1')
        await tx.execute({ sql: 'update t set b = ? where a = 1', args: [bigintOf(rows[0]?.['b']) + 1n] })
        await tx.commit()
      }),
    )
    expect((await client.execute('select b from t')).rows[0]?.['b']).toBe(50n)
    expect(gateway.status().checkedOut).toBe(0)
  })

  it('readers are not held up by a writer', async () => {
    const { client } = await startLibsql()
    await client.execute('create table t (a)')
    const writer = await client.transaction('write')
    await writer.execute('insert into t values (1)')
    expect((await client.execute('select count(*) n from t')).rows[0]?.['n']).toBe(0n)
    await writer.commit()
  })

  it('a writer that waits for longer than the limit gets SQLITE_BUSY, and the one that works goes on', async () => {
    const { client, database } = await startLibsql({ limits: { lockSeconds: 0.3 } })
    await client.execute('create table t (a)')
    await withLockHeld(database.url, async () => {
      expect((await libsqlErrorOf(client.execute('insert into t values (1)'))).code).toBe('SQLITE_BUSY')
      expect((await client.execute('select count(*) n from t')).rows[0]?.['n']).toBe(0n)
    })
    await client.execute('insert into t values (2)')
    expect((await client.execute('select a from t')).rows.map((row) => row['a'])).toEqual([2n])
  })

  it('a writer waits for another process', async () => {
    const { client, database } = await startLibsql()
    await client.execute('create table t (a)')
    const waiting = await withLockHeld(database.url, () => {
      const inserted = client.execute('insert into t values (1)')
      return Promise.resolve({ inserted })
    })
    expect((await waiting.inserted).rowsAffected).toBe(1)
  })

  it('two gateways in two processes count to the same number', async () => {
    const { client, database } = await startLibsql()
    await client.execute('create table t (a integer primary key, b)')
    await client.execute('insert into t values (1, 0)')
    const other = await startOther('gateway', database.url)
    const others = libsqlDriver({ url: other.url, port: 0, status: never, close: never, fetch: never })
    const increment = (through: typeof client) =>
      through.batch(['update t set b = b + 1 where a = 1', 'select b from t'], 'write')
    await Promise.all(Array.from({ length: 100 }, (_, index) => increment(index % 2 === 0 ? client : others)))
    expect((await client.execute('select b from t')).rows[0]?.['b']).toBe(100n)
  })

  it('an abandoned transaction gives the write lock back', async () => {
    const { client, gateway } = await startLibsql({ limits: { lockSeconds: 0.3, streamIdleSeconds: 0.6 } })
    await client.execute('create table t (a)')
    const abandoned = await client.transaction('write')
    await abandoned.execute('insert into t values (1)')
    await client.execute('insert into t values (2)')
    expect((await libsqlErrorOf(abandoned.execute('insert into t values (3)'))).code).toBe('TRANSACTION_TIMEOUT')
    await until(() => gateway.status().checkedOut === 0)
    expect((await client.execute('select a from t')).rows.map((row) => row['a'])).toEqual([2n])
  })

  it('a commit survives the end of the process without warning', async () => {
    const { database } = await startLibsql()
    const other = await startOther('gateway', database.url)
    const others = libsqlDriver({ url: other.url, port: 0, status: never, close: never, fetch: never })
    await others.batch(['create table t (a)', 'insert into t values (1)'], 'write')
    const open = await others.transaction('write')
    await open.execute('insert into t values (2)')
    await other.kill()
    expect(await database.query('select a from t')).toEqual([{ a: 1n }])
  })
})

function bigintOf(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new Error('no bigint')
  return value
}

function never(): never {
  throw new Error('not this process’s gateway')
}

/** Another process on the same file: a gateway, or a holder of the write lock. */
async function startOther(
  role: 'gateway' | 'lock',
  url: string,
): Promise<{ readonly url: string; kill(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('other-process.ts', import.meta.url)), [role, url], { stdio: 'inherit' })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  const [message] = (await once(child, 'message')) as [string]
  return { url: message, kill }
}

async function withLockHeld<T>(url: string, act: () => Promise<T>): Promise<T> {
  const holder = await startOther('lock', url)
  try {
    return await act()
  } finally {
    await holder.kill()
  }
}
