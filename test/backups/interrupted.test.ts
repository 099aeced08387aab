import { keyOfBackup } from '@millrace/api/backups/names'
import { runBackups, type BackupParts, type Occasion } from '@millrace/api/backups/run'
import { serverLimits } from '@millrace/api/backups/limits'
import type { LogEntry } from '@millrace/api/log'
import { listScheduledBackups } from '@millrace/db/repositories/backups/runs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { MemoryBucket } from './memory-bucket.ts'

const dayMilliseconds = 24 * 60 * 60 * 1000
/** What a run asks of its bucket until its backup counts: each may never answer. */
const calls = ['head', 'createMultipartUpload', 'uploadPart', 'complete', 'get']

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let bucket: MemoryBucket
  let entries: LogEntry[]
  let now = Date.parse('2026-01-01T03:30:00.000Z')
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())
  beforeEach(async () => {
    await reached.raw.query('delete from backups')
    bucket = new MemoryBucket()
  })

  async function run(occasion: Occasion, changes: Partial<BackupParts> = {}): Promise<void> {
    now += dayMilliseconds
    entries = []
    await runBackups(
      {
        database: reached.database,
        bucket,
        settings: { backupRecipients: [], backupIdentity: undefined, backupKeep: { days: 9, weeks: 0, months: 0 } },
        clock: () => new Date(now),
        log: (entry) => entries.push(entry),
        limits: serverLimits,
        // One that is killed here renews nothing; its lease is ended by the test.
        leaseTiming: { leaseMilliseconds: 600_000, renewalMilliseconds: 3_600_000 },
        ...changes,
      },
      occasion,
    )
  }

  const backups = () => listScheduledBackups(reached.database.store())
  const mark = async () => (await reached.raw.query(`select owner, value from marks where name = 'backup'`))[0]

  /** Begins a run and ends it while the bucket leaves one call without an answer. */
  async function interruptAt(call: number, occasion: Occasion): Promise<void> {
    const stopping = new AbortController()
    bucket.plan({ call, kind: 'kill' })
    const running = run(occasion, { signal: stopping.signal })
    await bucket.killed
    bucket.plan(undefined)
    stopping.abort()
    await running
  }

  test.each(drawnFrom(calls, 3, 'calls that are interrupted'))(
    'a run told to end during %s leaves its backup to the next tick, and nothing that counts as one',
    async (name) => {
      await interruptAt(calls.indexOf(name), 'schedule')
      expect(entries.filter(({ level }) => level === 'error')).toEqual([])
      expect(await mark()).toEqual({ owner: null, value: null })
      expect([...bucket.objects.keys()]).toEqual([])
      expect([...bucket.uploads.values()].filter(({ parts }) => parts.size > 0)).toEqual([])
      expect((await backups()).map(({ result, verifiedAt }) => ({ result, verifiedAt }))).toEqual([
        { result: 'requested', verifiedAt: null },
      ])
      await run('tick')
      const [taken, ...others] = await backups()
      expect(others).toEqual([])
      expect(taken).toMatchObject({ result: 'ok', verifiedAt: new Date(now) })
      expect([...bucket.objects.keys()]).toEqual([keyOfBackup(taken?.name ?? '')])
    },
  )

  test('a process that is gone before all is removed has another one take the backup, when its lease has run out', async () => {
    const stopping = new AbortController()
    bucket.plan({ call: calls.indexOf('uploadPart'), kind: 'kill' })
    void run('schedule', { signal: stopping.signal })
    await bucket.killed
    // Whatever is asked of the bucket next never answers: the upload's abortion.
    bucket.plan({ call: 0, kind: 'kill' })
    stopping.abort()
    await bucket.killed
    expect((await backups()).map(({ result }) => result)).toEqual(['requested'])
    bucket.plan(undefined)
    await run('tick')
    expect((await backups()).map(({ result }) => result)).toEqual(['requested'])
    const past = dialect === 'sqlite' ? '0' : `'2020-01-01 00:00:00'`
    await reached.raw.query(`update marks set lease_until = ${past} where name = 'backup'`)
    await run('tick')
    expect((await backups()).map(({ result }) => result)).toEqual(['ok'])
    expect(bucket.objects.size).toBe(1)
  })

  test('a run that is told to end before it begins takes nothing', async () => {
    await run('schedule', { signal: AbortSignal.abort() })
    expect([await backups(), bucket.calls, entries]).toEqual([[], [], []])
  })
})
