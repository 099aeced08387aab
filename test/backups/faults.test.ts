import { keyOfBackup } from '@millrace/api/backups/names'
import { runBackups, type BackupParts, type Occasion } from '@millrace/api/backups/run'
import { scheduledLimits } from '@millrace/api/backups/limits'
import type { LogEntry } from '@millrace/api/log'
import { openArchive } from '@millrace/db/archive/read'
import { restoreArchive } from '@millrace/db/archive/restore'
import { verifyArchive } from '@millrace/db/archive/verify'
import {
  addBackup,
  changeBackup,
  endBackup,
  listScheduledBackups,
  noteBegun,
  postponeBackup,
  putBackup,
  removeBackup,
} from '@millrace/db/repositories/backups/runs'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { Connection } from '@millrace/db/sql/transport'
import { createDatabase } from '@millrace/db/store/database'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { digestTables } from '../contract/table-digests.ts'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { createUser, createWorkflow } from '../executions/kit.ts'
import { drawnFrom, isLong } from '../sampling.ts'
import { MemoryBucket, type Fault } from './memory-bucket.ts'

const dayMilliseconds = 24 * 60 * 60 * 1000

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let bucket: MemoryBucket
  let entries: LogEntry[]
  let now = Date.parse('2026-01-01T03:30:00.000Z')
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    const store = reached.database.store()
    const owner = await createUser(store)
    for (let count = 0; count < 20; count += 1) await createWorkflow(store, owner)
    bucket = new MemoryBucket()
    await run('schedule')
  })
  afterAll(() => reached.stop())

  function partsOf(changes: Partial<BackupParts> = {}): BackupParts {
    return {
      database: reached.database,
      bucket,
      settings: { backupRecipients: [], backupIdentity: undefined, backupKeep: { days: 2, weeks: 0, months: 0 } },
      clock: () => new Date(now),
      log: (entry) => entries.push(entry),
      limits: { ...scheduledLimits, partBytes: 1500 },
      // A run that is killed here renews nothing; its lease is ended by `expire`.
      leaseTiming: { leaseMilliseconds: 600_000, renewalMilliseconds: 3_600_000 },
      ...changes,
    }
  }

  /** A day later. */
  async function run(occasion: Occasion, changes: Partial<BackupParts> = {}): Promise<void> {
    now += dayMilliseconds
    entries = []
    await runBackups(partsOf(changes), occasion)
  }

  async function runWith(fault: Fault | undefined): Promise<void> {
    // Each run leaves an event: without them each backup has as many parts, and calls, as the one before it.
    await reached.raw.query(`delete from audit where type like 'backup.%'`)
    bucket.plan(fault)
    await Promise.race([run('schedule'), bucket.killed])
    await expireLease()
  }

  async function expireLease(): Promise<void> {
    const past = dialect === 'sqlite' ? '0' : `'2020-01-01 00:00:00'`
    await reached.raw.query(`update marks set lease_until = ${past} where name = 'backup' and owner is not null`)
  }

  const backups = () => listScheduledBackups(reached.database.store())

  async function isWhole(name: string): Promise<boolean> {
    const stored = bucket.objects.get(keyOfBackup(name) ?? '')
    if (stored === undefined) return false
    const { isWhole: isRight } = await verifyArchive(new Blob([stored.bytes.slice()]).stream(), { identities: [] })
    return isRight
  }

  /** What holds after every run, whatever became of it. */
  async function expectNewestIsThere(): Promise<void> {
    const newest = (await backups()).find(({ verifiedAt }) => verifiedAt !== null)
    expect(newest).toBeDefined()
    expect(await isWhole(newest?.name ?? '')).toBe(true)
  }

  /** What holds after a run that succeeded. */
  async function expectInOrder(): Promise<void> {
    const rows = await backups()
    expect(rows[0]).toMatchObject({ result: 'ok', createdAt: new Date(now), verifiedAt: new Date(now) })
    const there = rows.filter(({ result }) => result === 'ok').map(({ name }) => keyOfBackup(name) ?? '')
    expect([...bucket.objects.keys()].toSorted()).toEqual(there.toSorted())
    // One whose id nobody was told can only be ended by R2; it holds nothing.
    expect([...bucket.uploads.values()].filter(({ parts }) => parts.size > 0)).toEqual([])
    for (const { name } of rows.filter(({ result }) => result === 'ok')) expect(await isWhole(name)).toBe(true)
  }

  /** A bucket that gives other bytes than it was given. */
  function givingOther(change: (bytes: Uint8Array) => Uint8Array): BackupParts['bucket'] {
    return {
      createMultipartUpload: (key, options) => bucket.createMultipartUpload(key, options),
      resumeMultipartUpload: (key, id) => bucket.resumeMultipartUpload(key, id),
      head: (key) => bucket.head(key),
      list: (options) => bucket.list(options),
      delete: (key) => bucket.delete(key),
      async get(key) {
        const stored = await bucket.get(key)
        if (stored === null) return null
        const bytes = new Uint8Array(await new Response(stored.body).arrayBuffer())
        return { ...stored, body: new Blob([change(bytes).slice()]).stream() }
      },
    }
  }

  function withFlippedBit(bytes: Uint8Array): Uint8Array {
    const changed = bytes.slice()
    changed.set([(changed.at(-40) ?? 0) ^ 1], changed.length - 40)
    return changed
  }

  async function settingsFor(backupIdentity: string | undefined) {
    const backupRecipients = [await identityToRecipient(await generateIdentity())]
    return { backupRecipients, backupIdentity, backupKeep: { days: 2, weeks: 0, months: 0 } }
  }

  test('an encrypted backup that comes back with another bit is none', async () => {
    bucket.plan(undefined)
    await run('schedule', { bucket: givingOther(withFlippedBit), settings: await settingsFor(undefined) })
    expect((await backups())[0]).toMatchObject({ result: 'failed: read_back_differs', verifiedAt: null })
    await expectNewestIsThere()
  })

  test('a whole archive that is another one than was written is no backup', async () => {
    const earlier = await bucket.get([...bucket.objects.keys()].toSorted().at(-1) ?? '')
    const other = new Uint8Array(await new Response(earlier?.body).arrayBuffer())
    const store = reached.database.store()
    await createWorkflow(store, await createUser(store))
    await run('schedule', { bucket: givingOther(() => other) })
    expect((await backups())[0]).toMatchObject({ result: 'failed: read_back_differs', verifiedAt: null })
    await expectNewestIsThere()
  })

  test('a backup whose object has vanished is no longer one', async () => {
    const [newest] = (await backups()).filter(({ result }) => result === 'ok')
    bucket.objects.delete(keyOfBackup(newest?.name ?? '') ?? '')
    await run('schedule')
    const found = (await backups()).find(({ name }) => name === newest?.name)
    expect(found).toMatchObject({ result: 'failed: missing', verifiedAt: null })
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_missing', name: newest?.name }))
    await expectInOrder()
  })

  test('an identity that does not open the backup drills nothing', async () => {
    await run('schedule', { settings: await settingsFor(await generateIdentity()) })
    expect((await backups())[0]).toMatchObject({ result: 'ok', isEncrypted: true, drilledAt: null })
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_drill_failed' }))
    // What follows looks at backups that need no identity.
    for (const [key, { customMetadata }] of bucket.objects) {
      if (customMetadata['encrypted'] === 'true') bucket.objects.delete(key)
    }
    await run('schedule')
    await expectInOrder()
  })

  /** Every call of a run in the long form; in the short one the first of each kind, and some others by seed. */
  function callsThatFail(calls: readonly string[], kind: string): readonly number[] {
    const first = calls.flatMap((name, call) => (calls.indexOf(name) === call ? [call] : []))
    const others = drawnFrom([...calls.keys()], 3, `${dialect} ${kind}`)
    return isLong ? [...calls.keys()] : [...new Set([...first, ...others])]
  }

  test.each(['fail', 'kill'] as const)(
    'each call of the bucket may %s: the newest backup stays, the next run mends',
    { timeout: 180_000 },
    async (kind) => {
      // From the fourth day on, each run deletes what is no longer kept.
      for (let day = 0; day < 4; day += 1) await runWith(undefined)
      const met = new Set<string>()
      for (const call of callsThatFail([...bucket.calls], kind)) {
        await runWith({ call, kind })
        met.add(bucket.calls[call] ?? 'none')
        await expectNewestIsThere()
        bucket.plan(undefined)
        await run('schedule')
        await expectInOrder()
      }
      const all = ['head', 'createMultipartUpload', 'uploadPart', 'complete', 'get', 'list', 'delete']
      expect([...met].toSorted()).toEqual(expect.arrayContaining(all.toSorted()))
    },
  )

  test('what a run that was killed has begun is ended by the next tick, and its upload is aborted', async () => {
    bucket.plan(undefined)
    await run('schedule')
    const part = bucket.calls.indexOf('uploadPart')
    await runWith({ call: part, kind: 'kill' })
    expect([...bucket.uploads.values()].some(({ parts }) => parts.size > 0)).toBe(true)
    bucket.plan(undefined)
    await run('tick')
    expect([...bucket.uploads.values()].some(({ parts }) => parts.size > 0)).toBe(false)
    expect((await backups())[0]).toMatchObject({ result: 'failed: cut_off' })
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_cut_off', mayLinger: false }))
    await expectNewestIsThere()
  })

  test('a run that may ask D1 nothing more says so in the log, and the next tick ends it', async () => {
    bucket.plan(undefined)
    const database = createDatabase(withQueriesOfASnapshot(3))
    await expect(run('schedule', { database })).rejects.toMatchObject({ fault: 'internal' })
    const cause = expect.stringContaining('Too many API requests')
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_failed', cause, cure: 'millrace backup' }))
    await expireLease()
    await run('tick')
    expect((await backups())[0]).toMatchObject({ result: 'failed: cut_off' })
    await expectNewestIsThere()
  })

  /** The same database; once a snapshot has read so often, it answers nothing more, as D1 does within one invocation. */
  function withQueriesOfASnapshot(most: number): Connection {
    const { database } = reached
    let left = most
    const refuseBeyond = () => {
      if (left > 0) return
      const message = 'D1: Too many API requests by single Worker invocation.'
      throw new DatabaseError('internal', { message, fix: 'millrace backup', isNotApplied: true })
    }
    return {
      dialect: database.dialect,
      transport(observer) {
        const transport = database.transport(observer)
        return {
          dialect: transport.dialect,
          limits: transport.limits,
          run: async (statement) => {
            refuseBeyond()
            return transport.run(statement)
          },
          transact: async (writes, reads) => {
            refuseBeyond()
            return transport.transact(writes, reads)
          },
        }
      },
      async snapshot() {
        const snapshot = await database.snapshot()
        return {
          dialect: snapshot.dialect,
          run: async (statement) => {
            refuseBeyond()
            left -= 1
            return snapshot.run(statement)
          },
          close: () => snapshot.close(),
        }
      },
      poolStatus: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  }

  /** The bucket, with something that happens before a call. */
  function bucketWith(before: Partial<Record<'get' | 'list', () => Promise<unknown>>>): BackupParts['bucket'] {
    return {
      createMultipartUpload: (key, options) => bucket.createMultipartUpload(key, options),
      resumeMultipartUpload: (key, id) => bucket.resumeMultipartUpload(key, id),
      head: (key) => bucket.head(key),
      delete: (key) => bucket.delete(key),
      async list(options) {
        await before.list?.()
        return bucket.list(options)
      },
      async get(key) {
        await before.get?.()
        return bucket.get(key)
      },
    }
  }

  const overtake = () => reached.raw.query(`update marks set owner = 'another' where name = 'backup'`)
  const endOther = () => reached.raw.query(`update marks set owner = null, lease_until = null where name = 'backup'`)

  test('a run that was overtaken writes nothing more', async () => {
    bucket.plan(undefined)
    const before = await backups()
    const isOvertaken = partsOf({
      clock: () => new Date(now + 1000),
      bucket: bucketWith({ get: overtake }),
    })
    await runBackups(isOvertaken, 'schedule')
    const after = await backups()
    expect(after.filter(({ result }) => result === 'ok')).toEqual(before.filter(({ result }) => result === 'ok'))
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_failed', fault: 'overtaken' }))
    await endOther()
    await run('schedule')
    await expectInOrder()
  })

  test('a run that is overtaken before it prunes removes no object', async () => {
    bucket.plan(undefined)
    const before = [...bucket.objects.keys()]
    const settings = { backupRecipients: [], backupIdentity: undefined, backupKeep: { days: 1, weeks: 0, months: 0 } }
    await run('schedule', { settings, bucket: bucketWith({ list: overtake }) })
    expect([...bucket.objects.keys()]).toEqual(expect.arrayContaining(before))
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_pruning_failed', fault: 'overtaken' }))
    expect(entries).not.toContainEqual(expect.objectContaining({ event: 'backups_pruned' }))
    await endOther()
    await run('schedule', { settings })
    await expectInOrder()
  })

  test('a run that fails once it was overtaken leaves the object, which may be that of the other run', async () => {
    bucket.plan(undefined)
    const before = new Set(bucket.objects.keys())
    const get = async () => {
      await overtake()
      throw new Error('the bucket does not answer')
    }
    await run('schedule', { bucket: bucketWith({ get }) })
    expect([...bucket.objects.keys()].filter((key) => !before.has(key))).toHaveLength(1)
    expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_failed', fault: 'overtaken' }))
    await endOther()
    await run('schedule')
    await expectInOrder()
  })

  test('of a run whose lease another has no write changes a row, and each write of the holder only its own', async () => {
    const store = reached.database.store()
    const [newest] = await listScheduledBackups(store)
    if (newest === undefined) throw new Error('there is no backup')
    const changed = { ...newest, result: 'failed: overtaken', verifiedAt: null }
    const another = { ...changed, name: '2025-12-31T033000Z' }
    const end = () => ({ id: randomUUID(), at: new Date(now) })
    const begun = { name: newest.name, uploadId: null, isTrial: false }
    await reached.raw.query(`update marks set owner = 'holder' where name = 'backup'`)
    try {
      const before = await digestTables(reached.raw)
      expect(await noteBegun(store, 'overtaken', begun)).toBe(false)
      await putBackup(store, 'overtaken', changed)
      await addBackup(store, 'overtaken', another, end())
      expect(await endBackup(store, 'overtaken', changed, end())).toBe(false)
      await postponeBackup(store, 'overtaken', changed)
      await changeBackup(store, 'overtaken', newest.name, { verifiedAt: null })
      await removeBackup(store, 'overtaken', newest.name)
      // Of a name that is there nothing is added, whoever asks.
      await addBackup(store, 'holder', changed, end())
      expect(await digestTables(reached.raw)).toEqual(before)
      await addBackup(store, 'holder', another, end())
      await removeBackup(store, 'holder', another.name)
      const after = await digestTables(reached.raw)
      expect({ ...after, audit: '' }).toEqual({ ...before, audit: '' })
      expect(after['audit']).not.toEqual(before['audit'])
    } finally {
      await reached.raw.query(`update marks set owner = null where name = 'backup'`)
    }
  })

  test('the schedule leaves a database alone into which others restore, so that the restore succeeds', async () => {
    bucket.plan(undefined)
    await run('schedule')
    const [{ name } = { name: '' }] = await backups()
    const stored = bucket.objects.get(keyOfBackup(name) ?? '')?.bytes.slice() ?? new Uint8Array()
    const verdict = await verifyArchive(new Blob([stored]).stream(), { identities: [] })
    if (!verdict.isWhole) throw new Error('the backup is damaged')
    const { contentSha256, tables } = verdict.archive
    const restored = await reachDatabase(dialect)
    onTestFinished(() => restored.stop())
    const reading = await openArchive(new Blob([stored]).stream(), { identities: [], mostProblems: 1 })
    let runs = 0
    async function* withRuns(): typeof reading.pages {
      for (;;) {
        const page = await reading.pages.next()
        if (page.done === true) return page.value
        yield page.value
        if ((runs += 1) === 1) await run('schedule', { database: restored.database })
      }
    }
    const options = { digest: contentSha256, verifiedSha256: contentSha256, isResumed: false }
    const found = await restoreArchive(restored.database, { ...reading, pages: withRuns() }, options)
    expect(found).toEqual(tables)
    expect(runs).toBeGreaterThan(1)
    expect(entries).toEqual([{ level: 'info', event: 'backup_skipped', reason: 'a restore is under way' }])
    expect(await listScheduledBackups(restored.database.store())).toEqual([])
  })

  test.each([
    ['rows', { rows: 5 }, 'too_large'],
    ['text', { contentCharacters: 1000 }, 'too_large'],
    ['time', { runSeconds: 0 }, 'out_of_time'],
  ] as const)('more %s than one run takes fails loudly and points to the command line', async (_what, limit, fault) => {
    await run('schedule', { limits: { ...scheduledLimits, partBytes: 1500, ...limit } })
    expect(entries).toContainEqual(
      expect.objectContaining({
        level: 'error',
        event: 'backup_failed',
        fault,
        cure: expect.stringContaining('millrace backup'),
      }),
    )
    expect((await backups())[0]).toMatchObject({ result: `failed: ${fault}`, verifiedAt: null })
    await expectNewestIsThere()
    await run('schedule')
    await expectInOrder()
  })

  test('what another database left in the bucket is noted, unverified, and not removed as unknown', async () => {
    const [newest] = bucket.objects.values()
    if (newest === undefined) throw new Error('there is no backup')
    const name = '2025-06-01T033000Z'
    bucket.objects.set(keyOfBackup(name) ?? '', newest)
    bucket.objects.set('backups/notes.txt', newest)
    const backupKeep = { days: 400, weeks: 0, months: 0 }
    await run('schedule', { settings: { backupRecipients: [], backupIdentity: undefined, backupKeep } })
    expect((await backups()).find((backup) => backup.name === name)).toMatchObject({ result: 'ok', verifiedAt: null })
    expect(bucket.objects.has('backups/notes.txt')).toBe(true)
    bucket.objects.delete('backups/notes.txt')
  })
})
