import { newId } from '@millrace/api/ids'
import { newBackupRow } from '@millrace/api/backups/new-row'
import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark, readMark } from '@millrace/db/archive/mark'
import { RestoreError } from '@millrace/db/archive/restore-error'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import type { RowPage } from '@millrace/db/archive/row'
import type { Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeServers, type ServerDialect } from '../dialects.ts'
import { createUser } from '../executions/kit.ts'
import { holdTable, type HeldTable } from './held-table.ts'
import { watchedSample } from './sample.ts'
import { withOwn } from './with-own.ts'

const size = { users: 2, workflows: 2, executions: 2 }

/* SQLite has one writer at a time: there is no write under way while the mark is set. */
describeServers((dialect) => {
  let target: ReachedDatabase
  beforeAll(async () => {
    target = await reachDatabase(dialect)
  })
  afterAll(() => target.stop())

  beforeEach(async () => {
    for (const table of ['audit', 'users', 'backups']) await target.raw.query(`delete from ${table}`)
  })

  const releases: HeldTable['release'][] = []
  afterEach(async () => {
    for (const release of releases.splice(0)) await release()
  })

  const mark = () => readMark(target.database.transport())
  const users = async () => (await target.raw.query('select id from users')).length
  const isWaiting = async (statement: string) => (await target.raw.query(waiting[dialect](statement))).length > 0

  /** Begins a write whose gate has run, and whose event waits for a table that is held. */
  async function beginWrite(write: () => Promise<unknown>): Promise<HeldTable & { readonly told: Promise<string> }> {
    const held = await holdTable(target.raw, 'audit')
    releases.push(held.release)
    const told = write().then(
      () => 'done',
      (thrown: unknown) => String(thrown),
    )
    await vi.waitFor(async () => expect(await isWaiting('insert into _audit_')).toBe(true), { timeout: 10_000 })
    return { ...held, told }
  }

  async function restore(database: Database = target.database, isResumed = false, before?: () => Promise<unknown>) {
    const sample = watchedSample(size, 1)
    async function* pages(): AsyncGenerator<RowPage> {
      await before?.()
      yield* sample.pages
    }
    return loadRows(database, pages(), () => sample.finish(), { digest: 'sample', isResumed })
  }

  test.each(['a registration', 'the record of a backup'] as const)(
    '%s that is under way when a restore begins is told done, and is there: the restore ends before its first row',
    async (what) => {
      const store = target.database.store()
      const backup = newBackupRow({ name: 'taken', result: 'ok', createdAt: new Date() })
      const write = await beginWrite(() =>
        what === 'a registration' ? createUser(store) : recordBackup(store, backup, newId(new Date())),
      )
      let isOver = false
      const restoring = restore(target.database, false, write.release)
        .then(
          () => 'restored',
          (thrown: unknown) => (thrown instanceof RestoreError ? thrown.fault : String(thrown)),
        )
        .finally(() => {
          isOver = true
        })
      await vi.waitFor(async () => expect(isOver || (await isWaiting(beginning[dialect]))).toBe(true), {
        timeout: 10_000,
      })
      await write.release()
      expect(await write.told).toBe('done')
      expect(await restoring).toBe('not_empty')
      expect(await mark()).toBeUndefined()
      expect(await users()).toBe(what === 'a registration' ? 1 : 0)
      expect((await target.raw.query('select id from audit')).length).toBe(1)
    },
  )

  test('a write that does not end keeps a restore from beginning, and no mark is left', async () => {
    const write = await beginWrite(() => createUser(target.database.store()))
    await expect(restore(impatient(target.database))).rejects.toMatchObject({ fault: 'writes_under_way' })
    expect(await mark()).toBeUndefined()
    await write.release()
    expect(await write.told).toBe('done')
    expect(await users()).toBe(1)
  })

  test('a restore that was killed before it had looked again is not resumed over the rows of others', async () => {
    await HeldMark.set(target.database.transport(), 'sample')
    await insertUser(target)
    await expect(restore(target.database, true)).rejects.toMatchObject({ fault: 'not_empty' })
    expect(await mark()).toBeUndefined()
    expect(await users()).toBe(1)
  })

  test('a restore that was killed before it had looked again is resumed where nobody has written', async () => {
    await HeldMark.set(target.database.transport(), 'sample')
    await restore(target.database, true)
    expect(await mark()).toBeUndefined()
    expect(await users()).toBe(size.users)
    await (await HeldMark.set(target.database.transport(), 'emptied after the test'))?.begin()
    await abandonRestore(target.database)
  })

  test('a restore that begins while another takes its mark over has begun for that one too', async () => {
    const transport = target.database.transport()
    const held = await HeldMark.set(transport, 'sample')
    const read = await mark()
    if (held === undefined || read === undefined) throw new Error('there is no mark')
    await held.begin()
    const other = await HeldMark.takeOver(transport, read)
    expect([read.isBegun, other.isBegun]).toEqual([false, true])
    await expect(held.begin()).rejects.toMatchObject({ fault: 'taken_over' })
    await other.lift()
    await expect(HeldMark.takeOver(transport, read)).rejects.toMatchObject({ fault: 'taken_over' })
  })

  test('a restore that was killed before it had looked again is abandoned without the rows of others', async () => {
    await HeldMark.set(target.database.transport(), 'sample')
    await insertUser(target)
    expect(await abandonRestore(target.database)).toBe(0)
    expect(await mark()).toBeUndefined()
    expect(await users()).toBe(1)
  })
})

/** Finds statements that begin so and wait for a lock; on MariaDB, that run. */
const waiting: Record<ServerDialect, (statement: string) => string> = {
  postgres: (statement) =>
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%${statement}%'`,
  mysql: (statement) =>
    `select 1 from information_schema.processlist where db = database() and id <> connection_id() and info like '${statement}%'`,
}

/** What a restore waits in for those who write. */
const beginning: Record<ServerDialect, string> = { postgres: 'lock table', mysql: 'update _marks_' }

/** The database with a limit of a moment for what waits. */
function impatient(database: Database): Database {
  const brief = (statement: Statement): Statement => ({
    ...statement,
    ...(statement.text.startsWith('update `marks`') ? { timeoutSeconds: 1 } : {}),
    text: statement.text.replace(/(?<='lock_timeout', ')\w+/, '100ms'),
  })
  const transport = (): Transport => {
    const real = database.transport()
    return withOwn(real, {
      run: (statement) => real.run(brief(statement)),
      transact: (writes, reads) => real.transact(writes.map(brief), reads),
    })
  }
  return withOwn(database, { transport })
}

/** A user as one who wrote while the mark was being set leaves it. */
async function insertUser({ raw }: ReachedDatabase): Promise<void> {
  const at = `'2026-01-01 00:00:00'`
  await raw.query(
    `insert into users (id, username, username_key, email, email_key, password_hash, role, tokens_valid_from, created_at, updated_at)
      values ('late', 'late', 'late', 'late@example.org', 'late@example.org', 'none', 'user', ${at}, ${at}, ${at})`,
  )
}
