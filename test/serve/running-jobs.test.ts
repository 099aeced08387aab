import type { Occasion } from '@millrace/api/backups/run'
import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import type { LogEntry } from '@millrace/api/log'
import { openDatabase } from '@millrace/drivers/open'
import { databaseError } from '@millrace/db/sql/errors'
import { takeMissedSlot, takeSlot } from '@millrace/db/store/time-slot'
import { startJobs, type Jobs } from '@millrace/server/jobs'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBucket } from '../backups/memory-bucket.ts'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy } from '../faults/losing-proxy.ts'
import { openDoor } from '../servers/door.ts'

const patience = { timeout: 30_000, interval: 20 }

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let occasions: Occasion[]
  let work: (occasion: Occasion) => Promise<void>
  let entries: LogEntry[]
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())
  beforeEach(async () => {
    occasions = []
    entries = []
    work = () => Promise.resolve()
    await reached.raw.query('delete from backups')
    await reached.raw.query(`delete from marks where name like 'slot.%'`)
  })

  const backups: ScheduledBackups = {
    bucket: new MemoryBucket(),
    run(occasion) {
      occasions.push(occasion)
      return work(occasion)
    },
  }

  /** As a process that starts then. */
  function startAt(time: string, database = reached.database): Jobs {
    const ahead = Date.parse(time) - Date.now()
    const jobs = startJobs({
      database,
      backups,
      log: (entry) => entries.push(entry),
      settings: { executionKeepMilliseconds: undefined, auditKeepMilliseconds: 400 * 86_400_000 },
      clock: () => new Date(Date.now() + ahead),
    })
    onTestFinished(() => jobs.stop())
    return jobs
  }

  const slots = async () => {
    const rows = await reached.raw.query(`select name, value from marks where name like 'slot.%' order by name`)
    return Object.fromEntries(rows.map(({ name, value }) => [String(name), String(value)]))
  }

  const noteBackup = (at: string, result: string) => {
    const name = `${at.slice(0, 19).replaceAll(':', '')}Z`
    const createdAt = dialect === 'sqlite' ? String(Date.parse(at)) : `'${at.slice(0, 19).replace('T', ' ')}'`
    const isEncrypted = dialect === 'postgres' ? 'false' : '0'
    return reached.raw.query(
      `insert into backups (name, is_encrypted, result, created_at) values ('${name}', ${isEncrypted}, '${result}', ${createdAt})`,
    )
  }

  test('each job is done at its time, once among all processes', async () => {
    startAt('2026-01-02T03:29:59.500Z')
    startAt('2026-01-02T03:29:59.500Z')
    await vi.waitFor(async () => {
      expect(occasions.toSorted()).toEqual(['schedule', 'tick'])
      expect(Object.values(await slots())).toEqual(Array.from({ length: 4 }, () => '2026-01-02T03:30:00.000Z'))
    }, patience)
    expect(entries.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('at its end it begins no more, and waits for what runs', async () => {
    let finish: () => void = () => undefined
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    work = (occasion) => (occasion === 'schedule' ? finished : Promise.resolve())
    const jobs = startAt('2026-01-02T03:29:59.500Z')
    await vi.waitFor(() => expect(occasions).toContain('schedule'), patience)
    let isStopped = false
    const stopped = jobs.stop().finally(() => {
      isStopped = true
    })
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(isStopped).toBe(false)
    finish()
    await stopped
  })

  test('a job that fails is told, and the others run', async () => {
    work = (occasion) => (occasion === 'tick' ? Promise.reject(new Error('no bucket')) : Promise.resolve())
    startAt('2026-01-02T03:29:59.500Z')
    await vi.waitFor(() => {
      expect(occasions.toSorted()).toEqual(['schedule', 'tick'])
      expect(entries).toContainEqual(expect.objectContaining({ event: 'sweep_failed', what: 'backup-requests' }))
    }, patience)
  })

  test('a daily backup whose time passed while nothing ran is taken at the start, once among all', async () => {
    await startAt('2026-01-01T12:00:00.000Z').stop()
    // A database that was never served before has missed nothing.
    expect(occasions).toEqual([])
    await noteBackup('2026-01-01T13:00:00.000Z', 'ok')
    const jobs = [startAt('2026-01-03T12:00:00.000Z'), startAt('2026-01-03T12:00:00.000Z')]
    for (const one of jobs) await one.stop()
    expect(occasions.toSorted()).toEqual(['schedule', 'tick'])
    await startAt('2026-01-03T12:04:00.000Z').stop()
    expect(occasions.toSorted()).toEqual(['schedule', 'tick'])
  })

  test.each([
    ['ok', []],
    ['failed: bucket_failed', ['schedule']],
  ])('where a backup since has the result %s, taken at the start are %j', async (result, taken) => {
    await startAt('2026-01-01T12:00:00.000Z').stop()
    await noteBackup('2026-01-03T04:00:00.000Z', result)
    await startAt('2026-01-03T12:00:00.000Z').stop()
    expect(occasions.filter((occasion) => occasion === 'schedule')).toEqual(taken)
  })

  test('what was due every few minutes while nothing ran is done at the start, once among all', async () => {
    await startAt('2026-01-01T12:00:00.000Z').stop()
    expect(occasions).toEqual([])
    const jobs = [startAt('2026-01-01T12:06:00.000Z'), startAt('2026-01-01T12:07:00.000Z')]
    for (const one of jobs) await one.stop()
    expect(occasions).toEqual(['tick'])
    expect(await slots()).toMatchObject({
      'slot.backup-requests': '2026-01-01T12:05:00.000Z',
      'slot.sweep': '2026-01-01T12:05:00.000Z',
      'slot.schedules': '2026-01-01T12:07:00.000Z',
    })
  })

  test.each([
    ['at the start', '2026-01-02T12:01:00.000Z', 1],
    ['when it is due', '2026-01-02T03:29:59.500Z', 2],
  ])(
    'with a database that is away %s, the daily backup is taken when it is back, once among all',
    async (_when, time, slotsMissed) => {
      await startAt('2026-01-01T12:00:00.000Z').stop()
      const door = await openDoor()
      onTestFinished(() => door.close())
      const database = await openDatabase({ target: reached.target, gatewayUrl: door.url })
      const jobs = [startAt(time, database), startAt(time, database)]
      const failed = () =>
        entries.flatMap((entry) => (entry.event === 'sweep_failed' && entry.what === 'backup' ? [entry.what] : []))
      await vi.waitFor(() => expect(failed()).toHaveLength(2 * slotsMissed), patience)
      expect(occasions).toEqual([])
      door.leadTo(reached.gateway.port)
      await vi.waitFor(() => expect(occasions).toContain('schedule'), patience)
      const slot = '2026-01-02T03:30:00.000Z'
      await vi.waitFor(async () => expect(await slots()).toMatchObject({ 'slot.backup': slot }), patience)
      await noteBackup('2026-01-02T13:00:00.000Z', 'ok')
      for (const one of jobs) await one.stop()
      await startAt('2026-01-02T14:00:00.000Z').stop()
      expect(occasions.filter((occasion) => occasion === 'schedule')).toEqual(['schedule'])
      // Said once of each slot, however often it was tried.
      expect(failed()).toHaveLength(2 * slotsMissed)
    },
  )

  test('a database that goes away after the slot was taken loses the backup of the day no more than one before', async () => {
    await startAt('2026-01-01T12:00:00.000Z').stop()
    const failures = [databaseError('database_unreachable', 'it is gone', { isNotApplied: true })]
    work = (occasion) => {
      const failure = occasion === 'schedule' ? failures.pop() : undefined
      return failure === undefined ? Promise.resolve() : Promise.reject(failure)
    }
    const jobs = startAt('2026-01-02T12:01:00.000Z')
    await vi.waitFor(
      () => expect(occasions.filter((occasion) => occasion === 'schedule')).toEqual(['schedule', 'schedule']),
      patience,
    )
    await jobs.stop()
  })

  test('a clock that was hours ahead and is set right keeps no job from its time', async () => {
    await startAt('2026-01-01T20:00:00.000Z').stop()
    expect(occasions).toEqual([])
    startAt('2026-01-01T12:04:59.500Z')
    await vi.waitFor(async () => {
      expect(occasions).toContain('tick')
      expect(await slots()).toMatchObject({
        'slot.backup-requests': '2026-01-01T12:05:00.000Z',
        'slot.schedules': '2026-01-01T12:05:00.000Z',
        'slot.sweep': '2026-01-01T12:05:00.000Z',
      })
    }, patience)
  })

  test('a slot whose answer was lost is the one’s that took it', async () => {
    await startAt('2026-01-01T12:00:00.000Z').stop()
    const proxy = await startLosingProxy(reached.gateway.url)
    onTestFinished(() => proxy.close())
    const database = await openDatabase({ target: reached.target, gatewayUrl: proxy.url })
    // What is asked once for each connection has been asked then.
    await takeSlot(database.store(), { job: 'other', slot: new Date(0), owner: 'one', now: new Date(0) })
    const slot = new Date('2026-01-02T03:30:00.000Z')
    const request = { job: 'backup', slot, owner: 'one', now: slot }
    for (const take of [takeSlot, takeMissedSlot]) {
      await reached.raw.query(`update marks set value = '2026-01-01T03:30:00.000Z' where name = 'slot.backup'`)
      proxy.loseNext(1, 'answer')
      await expect(take(database.store(), request)).rejects.toMatchObject({ name: 'DatabaseError' })
      expect(await slots()).toMatchObject({ 'slot.backup': '2026-01-02T03:30:00.000Z' })
      expect(await take(database.store(), { ...request, owner: 'another' })).toBe(false)
      expect(await take(database.store(), request)).toBe(true)
    }
  })
})
