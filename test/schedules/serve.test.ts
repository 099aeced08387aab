import { serveSchedules } from '@millrace/api/services/scheduler'
import { timetableOf } from '@millrace/api/schedules/timetable'
import { newId } from '@millrace/api/ids'
import type { UserCaller } from '@millrace/db/access/access'
import { listEvents } from '@millrace/db/repositories/audit/list'
import type { ScheduleView } from '@millrace/db/repositories/schedules/schedules'
import { getSchedule } from '@millrace/db/repositories/schedules/schedules'
import { changeSchedule, createSchedule } from '@millrace/db/repositories/schedules/write'
import type { Store } from '@millrace/db/store/store'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { createUser, createWorkflow, documentOf, share } from '../executions/kit.ts'
import { drawnFrom, isLong } from '../sampling.ts'

const minute = 60_000

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  afterAll(() => reached.stop())
  // A scheduler serves whatever is due, other tests' schedules as well.
  beforeEach(() => reached.raw.query('update schedules set next_at = null'))

  const serve = (at: Date, by: Store = store) => serveSchedules({ store: by, clock: () => at, log: () => undefined })

  /** A schedule as the service makes one, that was made at a moment. */
  async function plan(by: UserCaller, workflowId: string, given: Partial<ScheduleView> & { readonly from: Date }) {
    const { from, cron = '*/10 * * * *', timeZone = 'UTC', ...rest } = given
    const schedule: ScheduleView = {
      ...{ id: newId(from), workflowId, name: 'a schedule', cron, timeZone, input: documentOf('{"a": 1}') },
      ...{ maxAttempts: 4, isEnabled: true, disabledReason: null, overlap: 'allow', catchUp: 'latest' },
      ...{ nextAt: timetableOf(cron, timeZone).after(from) ?? null, lastAt: null, lastExecutionId: null },
      ...{ revision: 1, createdBy: by.userId, createdAt: from, updatedAt: from },
      ...rest,
    }
    const made = await createSchedule(store, by, schedule, { eventId: newId(from) })
    if (!made.ok) throw new Error(made.refusal)
    return schedule
  }
  async function read(by: UserCaller, { id }: { readonly id: string }): Promise<ScheduleView> {
    const found = await getSchedule(store, by, id, 'view')
    if (!found.ok) throw new Error(found.refusal)
    return found.value
  }
  const executionsOf = (scheduleId: string) =>
    reached.raw.query(
      `select id, status, user_id, version_number, max_attempts, last_seq from executions where schedule_id = '${scheduleId}' order by created_at, id`,
    )
  /** Planned times that were served, by the audit. */
  async function servedTimes(by: UserCaller, { id }: { readonly id: string }): Promise<readonly string[]> {
    const listed = await listEvents(store, by, { types: ['execution.started'], limit: 10_000 })
    if (!listed.ok) throw new Error(listed.refusal)
    return listed.value
      .filter(({ actorId }) => actorId === id)
      .map(({ data }) => (JSON.parse(data) as { plannedAt: string }).plannedAt)
      .toSorted()
  }
  async function people(): Promise<{
    readonly owner: UserCaller
    readonly editor: UserCaller
    readonly workflowId: string
  }> {
    const [owner, editor] = [await createUser(store), await createUser(store)]
    const workflowId = await createWorkflow(store, owner)
    await share(reached, workflowId, editor, 'edit')
    return { owner, editor, workflowId }
  }

  test('a planned time starts one execution, as its maker, with its history and event', async () => {
    const { owner, editor, workflowId } = await people()
    const schedule = await plan(editor, workflowId, { from: new Date('2026-03-01T12:05:00Z') })
    expect(await serve(new Date('2026-03-01T12:09:59Z'))).toMatchObject({ started: 0 })
    expect(await serve(new Date('2026-03-01T12:10:07Z'))).toMatchObject({ started: 1 })
    expect(await serve(new Date('2026-03-01T12:10:30Z'))).toMatchObject({ started: 0 })
    const [execution, ...others] = await executionsOf(schedule.id)
    expect(others).toEqual([])
    expect(execution).toMatchObject({ status: 'pending', user_id: editor.userId })
    expect([execution?.['version_number'], execution?.['max_attempts'], execution?.['last_seq']].map(Number)).toEqual([
      1, 4, 1,
    ])
    const history = await reached.raw.query(
      `select seq, type, actor from execution_history where execution_id = '${String(execution?.['id'])}'`,
    )
    expect(history.map((entry) => [Number(entry['seq']), entry['type'], entry['actor']])).toEqual([
      [1, 'created', editor.userId],
    ])
    expect(await read(owner, schedule)).toMatchObject({
      nextAt: new Date('2026-03-01T12:20:00Z'),
      lastAt: new Date('2026-03-01T12:10:00Z'),
      lastExecutionId: execution?.['id'],
      revision: 1,
    })
    const events = await listEvents(store, owner, {
      types: ['execution.started'],
      subjectId: String(execution?.['id']),
      limit: 5,
    })
    expect(events).toMatchObject({
      value: [{ actorKind: 'schedule', actorUserId: editor.userId, actorId: schedule.id, workflowId }],
    })
  })

  test('what is late by less than five minutes is served each, what is later once for the newest or not at all', async () => {
    const { owner, workflowId } = await people()
    const from = new Date('2026-04-01T00:00:00Z')
    const every = { from, cron: '* * * * *' }
    const late = await plan(owner, workflowId, every)
    await serve(new Date('2026-04-01T00:03:30Z'))
    expect(await servedTimes(owner, late)).toEqual(['01', '02', '03'].map((at) => `2026-04-01T00:${at}:00.000Z`))
    await changeSchedule(store, owner, {
      schedule: await read(owner, late),
      change: { isEnabled: false, nextAt: null },
      ...{ type: 'schedule.disabled', members: ['isEnabled'], eventId: newId(from), at: from },
    })
    const [latest, none] = [
      await plan(owner, workflowId, every),
      await plan(owner, workflowId, { ...every, catchUp: 'none' }),
    ]
    const rare = await plan(owner, workflowId, { from, cron: '@hourly', catchUp: 'none' })
    await serve(new Date('2026-04-01T02:10:30Z'))
    expect(await servedTimes(owner, latest)).toEqual(['2026-04-01T02:10:00.000Z'])
    expect(await servedTimes(owner, none)).toEqual(
      ['06', '07', '08', '09', '10'].map((at) => `2026-04-01T02:${at}:00.000Z`),
    )
    expect(await servedTimes(owner, rare)).toEqual([])
    expect(await read(owner, rare)).toMatchObject({ nextAt: new Date('2026-04-01T03:00:00Z'), lastAt: null })
  })

  test('schedules that fail hold up no other, however many they are', async () => {
    const { owner, workflowId } = await people()
    const at = new Date('2026-05-01T12:00:00Z')
    const failing = await Promise.all(
      Array.from({ length: 51 }, () => plan(owner, workflowId, { from: new Date(at.getTime() - 30 * minute) })),
    )
    const last = await plan(owner, workflowId, { from: new Date(at.getTime() - 12 * minute) })
    const isFailing = new Set<unknown>(failing.map(({ id }) => id))
    const breaking: Store = {
      ...store,
      apply(write) {
        if (write.gate.parameters.some((value) => isFailing.has(value))) throw new Error('planted')
        return store.apply(write)
      },
    }
    expect(await serve(at, breaking)).toMatchObject({ started: 1 })
    expect(await executionsOf(last.id)).toHaveLength(1)
    for (const { id } of failing.slice(0, 2)) expect(await executionsOf(id)).toEqual([])
  })

  test('one that skips starts none while its last execution is unfinished', async () => {
    const { owner, workflowId } = await people()
    const schedule = await plan(owner, workflowId, { from: new Date('2026-05-01T00:00:00Z'), overlap: 'skip' })
    await serve(new Date('2026-05-01T00:10:00Z'))
    expect(await serve(new Date('2026-05-01T00:20:00Z'))).toMatchObject({ started: 0, passedOver: 1 })
    expect(await read(owner, schedule)).toMatchObject({ nextAt: new Date('2026-05-01T00:30:00Z'), isEnabled: true })
    await reached.raw.query(`update executions set status = 'completed' where schedule_id = '${schedule.id}'`)
    expect(await serve(new Date('2026-05-01T00:30:00Z'))).toMatchObject({ started: 1, passedOver: 0 })
    expect(await executionsOf(schedule.id)).toHaveLength(2)
  })

  test.each([
    [
      'its share was taken away',
      (editor: string) => `delete from workflow_shares where shared_with_user_id = '${editor}'`,
      /may no longer start/,
    ],
    [
      'it may only look by now',
      (editor: string) => `update workflow_shares set permission = 'view' where shared_with_user_id = '${editor}'`,
      /may no longer start/,
    ],
    [
      'it was disabled',
      (editor: string) => `update users set disabled_at = created_at where id = '${editor}'`,
      /is disabled/,
    ],
    [
      'it has left',
      (editor: string) => `update schedules set created_by = null where created_by = '${editor}'`,
      /has left/,
    ],
  ])('a schedule whose maker may not start it ends with the reason: %s', async (_what, statement, reason) => {
    const { owner, editor, workflowId } = await people()
    const schedule = await plan(editor, workflowId, { from: new Date('2026-06-01T00:00:00Z') })
    const { userId: another } = await createUser(store)
    await reached.raw.query(`update users set disabled_at = created_at where id = '${another}'`)
    await reached.raw.query(statement(editor.userId))
    expect(await serve(new Date('2026-06-01T00:10:00Z'))).toMatchObject({ started: 0, disabled: 1 })
    expect(await executionsOf(schedule.id)).toEqual([])
    expect(await read(owner, schedule)).toMatchObject({
      isEnabled: false,
      nextAt: null,
      disabledReason: expect.stringMatching(reason),
      revision: 2,
    })
    const events = await listEvents(store, owner, { types: ['schedule.disabled'], subjectId: schedule.id, limit: 5 })
    expect(events).toMatchObject({ value: [{ actorKind: 'system', workflowId }] })
  })

  test('one that allows executions starts as an executor too, and nothing is started while a restore is under way', async () => {
    const { owner, editor, workflowId } = await people()
    const schedule = await plan(editor, workflowId, { from: new Date('2026-07-01T00:00:00Z') })
    await share(reached, workflowId, editor, 'execute')
    await reached.raw.query("update marks set value = '{}' where name = 'restore'")
    const during = await serve(new Date('2026-07-01T00:10:00Z'))
    await reached.raw.query("update marks set value = null where name = 'restore'")
    expect(during).toMatchObject({ started: 0, disabled: 0 })
    expect(await serve(new Date('2026-07-01T00:10:00Z'))).toMatchObject({ started: 1 })
    expect(await servedTimes(owner, schedule)).toEqual(['2026-07-01T00:10:00.000Z'])
  })

  /** Through both changes of the clock in three zones, and hours that no zone changes. */
  const stretches = [
    ['Europe/Berlin', '2026-03-28T20:00:00Z', '2026-10-24T20:00:00Z'],
    ['America/New_York', '2026-03-08T02:00:00Z', '2026-11-01T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T10:00:00Z', '2026-10-03T10:00:00Z'],
  ] as const
  /** In the long form more than 10,000 planned times, in the short one those of one zone; in both, no look is later than what counts as missed. */
  const form = isLong
    ? { cron: '* * * * *', hours: 15, lookMinutes: 4 }
    : { cron: '*/30 * * * *', hours: 6, lookMinutes: 30 }

  test(
    'five schedulers start each planned time once, through both changes of the clock',
    { timeout: isLong ? 3_600_000 : 300_000 },
    async () => {
      const stores = Array.from({ length: 5 }, () => reached.database.store())
      let planned = 0
      for (const [timeZone, ...beginnings] of drawnFrom(stretches, 1, `zones ${dialect}`)) {
        for (const beginning of beginnings) planned += await expectEachOnce(stores, timeZone, new Date(beginning))
      }
      process.stdout.write(`${dialect}: ${planned} planned times, each started once by one of five schedulers\n`)
      expect(planned).toBeGreaterThan(isLong ? 10_000 : 40)
    },
  )

  /** @returns how many planned times there were */
  async function expectEachOnce(stores: readonly Store[], timeZone: string, from: Date): Promise<number> {
    const { cron, hours, lookMinutes } = form
    const until = new Date(from.getTime() + hours * 60 * minute)
    const { owner, workflowId } = await people()
    const schedules = await Promise.all([1, 2].map(() => plan(owner, workflowId, { from, cron, timeZone })))
    const expected: string[] = []
    const timetable = timetableOf(cron, timeZone)
    for (let at = timetable.after(from); at !== undefined && at <= until; at = timetable.after(at)) {
      expected.push(at.toISOString())
    }
    let started = 0
    // Each looks at its own moment, some of them late.
    for (let tick = from.getTime(); tick <= until.getTime(); tick += lookMinutes * minute) {
      const served = await Promise.all(
        stores.map((by, number) => serve(new Date(Math.min(tick + number * 7000, until.getTime())), by)),
      )
      started += served.reduce((sum, run) => sum + run.started, 0)
    }
    for (const schedule of schedules) {
      expect(await servedTimes(owner, schedule)).toEqual(expected)
      expect(await executionsOf(schedule.id)).toHaveLength(expected.length)
    }
    expect(started).toBe(expected.length * schedules.length)
    await reached.raw.query('update schedules set next_at = null')
    return started
  }
})
