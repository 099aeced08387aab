import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark, readMark } from '@millrace/db/archive/mark'
import { openArchive } from '@millrace/db/archive/read'
import { restoreArchive } from '@millrace/db/archive/restore'
import type { Transport } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import Sqlite from 'libsql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { createUser } from '../executions/kit.ts'
import { archiveOf, fill, restored, streamOf } from './archives.ts'
import { watchedSample } from './sample.ts'
import { withOwn } from './with-own.ts'

const size = { users: 3, workflows: 4, executions: 5 }

describeDialectsByTest((dialect) => {
  let source: ReachedDatabase
  let archive: Buffer
  let target: ReachedDatabase
  beforeAll(async () => {
    source = await reachDatabase(dialect)
    await fill(source.database, size)
    archive = await archiveOf(source.database)
    target = await reachDatabase(dialect)
  })
  afterAll(async () => {
    await source.stop()
    await target.stop()
  })

  const mark = () => readMark(target.database.transport())

  /** The database of which every statement that changes the mark comes after `before`. */
  function beforeMark(before: () => Promise<unknown>): Database {
    const { database } = target
    const run: Transport['run'] = async (statement) => {
      if (/^update .?marks/.test(statement.text)) await before()
      return database.transport().run(statement)
    }
    return withOwn(database, { transport: () => withOwn(database.transport(), { run }) })
  }

  test('rows that come between the look and the mark end the load, and are left alone', async () => {
    let written = 0
    const database = beforeMark(async () => {
      written += 1
      if (written === 1) await createUser(target.database.store())
    })
    const sample = watchedSample(size, 1)
    const loading = loadRows(database, sample.pages, () => sample.finish(), { digest: 'sample', isResumed: false })
    await expect(loading).rejects.toMatchObject({ fault: 'not_empty' })
    expect(await mark()).toBeUndefined()
    expect((await target.raw.query('select id from users')).length).toBe(1)
    expect((await target.raw.query('select id from workflows')).length).toBe(0)
    for (const table of ['audit', 'users']) await target.raw.query(`delete from ${table}`)
  })

  test('a mark that is lifted while another takes it over is not set again, and one of another archive is left', async () => {
    const transport = target.database.transport()
    const held = await HeldMark.set(transport, 'sample')
    await held?.begin()
    const read = await mark()
    if (held === undefined || read === undefined) throw new Error('there is no mark')
    await held.lift()
    await expect(HeldMark.takeOver(transport, read)).rejects.toMatchObject({ fault: 'taken_over' })
    expect(await mark()).toBeUndefined()
    const another = await HeldMark.set(transport, 'another sample')
    await another?.begin()
    await expect(HeldMark.takeOver(transport, read)).rejects.toMatchObject({ fault: 'taken_over' })
    expect((await mark())?.digest).toBe('another sample')
    await another?.note('users', 7)
    const further = await mark()
    if (further === undefined) throw new Error('there is no mark')
    await another?.note('users', 8)
    await (await HeldMark.takeOver(transport, further)).lift()
    await expect(another?.note('users', 9)).rejects.toMatchObject({ fault: 'taken_over' })
  })

  test('a database whose proof fails stays marked', async () => {
    const sample = watchedSample(size, 1)
    const other = watchedSample(size, 2)
    for await (const page of other.pages) expect(page.entries.length).toBeGreaterThan(0)
    const loading = loadRows(target.database, sample.pages, () => other.finish(), {
      digest: 'sample',
      isResumed: false,
    })
    await expect(loading).rejects.toMatchObject({ fault: 'proof_failed' })
    expect(await mark()).toMatchObject({ digest: 'sample' })
    await abandonRestore(target.database)
  })

  test('an archive that is another by now than the one that was verified leaves the database marked', async () => {
    const reading = await openArchive(streamOf(archive), { identities: [], mostProblems: 1 })
    const verifiedSha256 = 'f'.repeat(64)
    const restoring = restoreArchive(target.database, reading, {
      digest: verifiedSha256,
      verifiedSha256,
      isResumed: false,
    })
    await expect(restoring).rejects.toThrow(/changed meanwhile/)
    expect(await mark()).toMatchObject({ digest: verifiedSha256 })
    await abandonRestore(target.database)
  })

  test('nothing that lives for a while outlives a restore: no attempt, and no session of a user that it brings', async () => {
    const at = dialect === 'sqlite' ? '1' : `'2026-01-01 00:00:00'`
    await target.raw.query(
      `insert into login_attempts (id, kind, name_key, network, attempted_at) values ('a', 'login', 'n', 'w', ${at})`,
    )
    const [user] = await source.raw.query('select id from users order by id limit 1')
    // Where a server enforces no foreign keys, a session may be there before its user; as SQLite's own shell leaves it.
    if (dialect === 'sqlite') leaveSession(target, String(user?.['id']))
    await restored(target.database, archive)
    expect(await target.raw.query('select id from login_attempts')).toEqual([])
    expect(await target.raw.query('select id from sessions')).toEqual([])
    expect((await target.raw.query('select id from users')).length).toBe(size.users)
  })
})

function leaveSession({ target }: ReachedDatabase, userId: string): void {
  if (target.via !== 'file') throw new TypeError('the database is no file')
  const database = new Sqlite(target.path)
  database.exec('pragma foreign_keys = off')
  const columns = 'id, family_id, user_id, refresh_sha256, created_at, last_used_at, expires_at'
  database.exec(`insert into sessions (${columns}) values ('s', 's', '${userId}', 'f', 1, 1, 4102444800000)`)
  database.close()
}
