import { newBackupRow } from '@millrace/api/backups/new-row'
import type { UserCaller } from '@millrace/db/access/access'
import { listBackups, recordDrill } from '@millrace/db/repositories/backups/backups'
import { findBackup, type BackupResult } from '@millrace/db/repositories/backups/requests'
import { putBackup } from '@millrace/db/repositories/backups/runs'
import { backupMark } from '@millrace/db/schema/schema'
import type { Store } from '@millrace/db/store/store'
import { openDatabase } from '@millrace/drivers/open'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, createUser } from '../executions/kit.ts'
import { startLosingProxy } from '../faults/losing-proxy.ts'

const owner = 'a run'

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let root: UserCaller

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    root = await createUser(store, 'admin')
    await store.tidy([store.dialect.migration.takeLock(backupMark, owner, 3_600_000)])
    await record('2026-01-01T033000Z', 1, 'ok', after(10))
    await record('2026-01-02T033000Z', 2, 'ok', after(20))
    // None of those after it is a scheduled one that has succeeded and was verified.
    await record('2026-01-03T033000Z', 3, 'ok', null)
    await record('2026-01-04T033000Z', 4, 'failed: cut_off', after(40))
    await record('by a command', 5, 'ok', after(50))
    await record('2026-01-05T033000Z', 6, 'running', null)
  })
  afterAll(() => reached.stop())

  async function record(name: string, seconds: number, result: BackupResult, verifiedAt: Date | null): Promise<void> {
    const row = newBackupRow({ name, createdAt: after(seconds), result, verifiedAt })
    expect(await putBackup(store, owner, row)).toBe(true)
  }

  test('the latest is the newest scheduled one that has succeeded and was verified', async () => {
    expect(await findBackup(store, root, 'latest')).toMatchObject({ ok: true, value: { name: '2026-01-02T033000Z' } })
  })

  test.each(['2026-01-01T033000Z', '2026-01-03T033000Z'])('%s is found by its name', async (name) => {
    expect(await findBackup(store, root, { name })).toMatchObject({ ok: true, value: { name } })
  })

  test.each([
    ['has failed', '2026-01-04T033000Z'],
    ['is being taken', '2026-01-05T033000Z'],
    ['is not there', '2026-01-06T033000Z'],
  ])('one that %s is not found', async (_what, name) => {
    expect(await findBackup(store, root, { name })).toEqual({ ok: false, refusal: 'not_found' })
  })

  const drillOf = (name: string, sha256: string, seconds: number) => ({
    ...newBackupRow({ name, createdAt: after(0), result: 'ok', verifiedAt: after(seconds) }),
    sha256: sha256.repeat(64),
    drilledAt: after(seconds),
  })
  const drills = (sha256: string) =>
    reached.raw.query(`select name from backups where sha256 = '${sha256.repeat(64)}' and drilled_at is not null`)

  test('four drills at once of one archive are all recorded, in one row', async () => {
    await Promise.all([1, 2, 3, 4].map((seconds) => recordDrill(store, drillOf('four', 'a', seconds))))
    expect((await drills('a')).map(({ name }) => name)).toEqual(['four'])
    await recordDrill(store, drillOf('four', 'a', 5))
    await recordDrill(store, drillOf('four', 'a', 5))
    expect(await drills('a')).toHaveLength(1)
    await reached.raw.query(`delete from backups where name = 'four'`)
  })

  test('a drill of a file with other content takes the place of the one before; of a known archive it is noted there', async () => {
    await recordDrill(store, drillOf('a file', 'b', 9))
    await recordDrill(store, drillOf('a file', 'c', 2))
    await recordDrill(store, drillOf('another name', 'c', 3))
    expect(await drills('b')).toEqual([])
    expect((await drills('c')).map(({ name }) => name)).toEqual(['a file'])
    await reached.raw.query(`delete from backups where name = 'a file'`)
  })

  test.each(['request', 'answer'] as const)(
    'a drill of which each %s is lost once is recorded, after an earlier one too',
    async (loss) => {
      const proxy = await startLosingProxy(reached.gateway.url)
      onTestFinished(() => proxy.close())
      const losing = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
      await listBackups(losing, root, { limit: 1 })
      for (let trip = 1, isLost = true; isLost; trip += 1) {
        const name = `drilled ${trip}`
        const drilledAt = async () => {
          const listed = await listBackups(store, root, { limit: 100 })
          return listed.ok
            ? listed.value.filter((backup) => backup.name === name).map((backup) => backup.drilledAt)
            : []
        }
        for (const seconds of [1, 2]) {
          proxy.loseNext(trip, loss)
          await recordDrill(losing, drillOf(name, String(trip), seconds))
          if (seconds === 1) isLost = proxy.seen() >= trip
          expect(await drilledAt()).toEqual([after(seconds)])
        }
      }
      await reached.raw.query(`delete from backups where name like 'drilled %'`)
    },
  )

  test('nobody but an administrator finds or lists one', async () => {
    const user = await createUser(store)
    expect(await findBackup(store, user, 'latest')).toEqual({ ok: false, refusal: 'forbidden' })
    expect(await listBackups(store, user, { limit: 10 })).toEqual({ ok: false, refusal: 'forbidden' })
    expect(await listBackups(store, root, { limit: 10 })).toMatchObject({ value: { length: 6 } })
  })
})
