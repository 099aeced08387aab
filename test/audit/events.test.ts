import type { UserCaller } from '@millrace/db/access/access'
import { newId } from '@millrace/api/ids'
import {
  eventQuery,
  ownerOf,
  ownerOfExecution,
  recordEvent,
  recordEvents,
  textMember,
  workflowOf,
  type AuditEvent,
} from '@millrace/db/repositories/audit/event'
import { listEvents, type AuditListing } from '@millrace/db/repositories/audit/list'
import type { Store } from '@millrace/db/store/store'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { createUser, createWorkflow, startExecution } from '../executions/kit.ts'

const at = new Date('2026-03-01T12:00:00.123Z')

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let administrator: UserCaller
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    administrator = await createUser(store, 'admin')
  })
  afterAll(() => reached.stop())

  /** A user of whom no event tells yet, not even that of its registration. */
  async function somebody(): Promise<UserCaller> {
    const user = await createUser(store)
    await forget(user)
    return user
  }
  const forget = ({ userId }: UserCaller) =>
    reached.raw.query(`delete from audit where owner_id = '${userId}' or actor_user_id = '${userId}'`)

  const eventOf = (by: UserCaller, event: Partial<AuditEvent> = {}): AuditEvent => ({
    id: newId(event.at ?? at),
    at,
    type: 'workflow.updated',
    actor: { kind: 'user', userId: by.userId, id: 'session-1' },
    subject: { type: 'workflow', id: 'w1' },
    origin: { requestId: 'request-1', network: '192.0.2.1' },
    ...event,
  })
  const record = (...events: readonly AuditEvent[]) =>
    store.tidy(events.map((event) => recordEvent(store.dialect, event)))
  async function list(caller: UserCaller, listing: Partial<AuditListing> = {}) {
    const listed = await listEvents(store, caller, { types: [], limit: 100, ...listing })
    if (!listed.ok) throw new Error(listed.refusal)
    return listed.value
  }
  const ids = async (caller: UserCaller, listing: Partial<AuditListing> = {}) =>
    (await list(caller, listing)).map(({ id }) => id)

  test('an event is told as it was recorded', async () => {
    const me = await somebody()
    const data = { members: ['name', 'définition "1"'], versionNumber: 3, isPublic: true, permission: null }
    const event = eventOf(me, { workflowId: 'w1', data })
    await record(event)
    expect(await list(me)).toEqual([
      {
        id: event.id,
        at,
        type: 'workflow.updated',
        actorKind: 'user',
        actorUserId: me.userId,
        actorId: 'session-1',
        subjectType: 'workflow',
        subjectId: 'w1',
        workflowId: 'w1',
        data: JSON.stringify(data),
        network: '192.0.2.1',
        requestId: 'request-1',
      },
    ])
  })

  test('what only the database knows is what it is in that batch', async () => {
    const me = await somebody()
    const workflowId = await createWorkflow(store, me)
    const execution = await startExecution(store, me, workflowId)
    await forget(me)
    const { workflows, users } = store.dialect.tables
    const version = sql`(select ${workflows.versionNumber} + 1 from ${workflows} where ${workflows.id} = ${workflowId})`
    const name = sql`(select ${users.username} from ${users} where ${users.id} = ${me.userId})`
    const nobody = sql`(select ${users.username} from ${users} where ${users.id} = 'nobody')`
    await reached.raw.query(`update users set username = 'a"\\\\é' where id = '${me.userId}'`)
    const event = eventOf(administrator, {
      actor: { kind: 'command', userId: null, id: null },
      subject: { type: 'execution', id: execution.id },
      workflowId: workflowOf(store.dialect, execution.id),
      ownerId: ownerOfExecution(store.dialect, execution.id),
      data: {
        status: 'pending',
        versionNumber: version,
        username: textMember(store.dialect, name),
        nobody: textMember(store.dialect, nobody),
        last: [],
      },
    })
    await record(event, eventOf(administrator, { ownerId: ownerOf(store.dialect, workflowId) }))
    const [, found] = (await list(me)).toSorted((a, b) => (a.id === event.id ? 1 : b.id === event.id ? -1 : 0))
    expect(found).toMatchObject({ id: event.id, workflowId, actorUserId: null })
    const [stored] = await reached.raw.query(`select username from users where id = '${me.userId}'`)
    expect(JSON.parse(String(found?.data))).toEqual({
      status: 'pending',
      versionNumber: 2,
      username: stored?.['username'],
      nobody: null,
      last: [],
    })
    expect(await ids(me)).toHaveLength(2)
  })

  test('several are one statement, and one under a condition is there only where it holds', async () => {
    const me = await somebody()
    const [first, second, third, fourth] = [eventOf(me), eventOf(me), eventOf(me), eventOf(me)]
    await store.tidy([
      recordEvents(store.dialect, [first, second]),
      recordEvent(store.dialect, third, { when: sql`1 = 1` }),
      recordEvent(store.dialect, fourth, { when: sql`1 = 0` }),
    ])
    expect((await ids(me)).toSorted()).toEqual([first, second, third].map(({ id }) => id).toSorted())
    expect(await store.read(eventQuery(store.dialect, third.id))).toHaveLength(1)
    expect(await store.read(eventQuery(store.dialect, fourth.id))).toEqual([])
  })

  test('a user sees what they did and what was done to theirs, each once; an administrator all; a key without the scope no more', async () => {
    const [me, other] = [await somebody(), await somebody()]
    const own = eventOf(me, { ownerId: me.userId })
    const byOther = eventOf(other, { ownerId: me.userId })
    const onOthers = eventOf(me, { ownerId: other.userId })
    const foreign = eventOf(other, { ownerId: other.userId })
    await record(own, byOther, onOthers, foreign)
    expect((await ids(me)).toSorted()).toEqual([own, byOther, onOthers].map(({ id }) => id).toSorted())
    const all = await ids(administrator)
    for (const { id } of [own, byOther, onOthers, foreign]) expect(all).toContain(id)
    expect(await ids({ ...administrator, mayAdminister: false })).not.toContain(foreign.id)
    // Whatever a user asks for, nothing else is found.
    expect(await ids(me, { actorUserId: other.userId })).toEqual([byOther.id])
    expect(await ids(await somebody(), { actorUserId: other.userId })).toEqual([])
  })

  test('filters by type, actor, subject, workflow and time, together', async () => {
    const me = await somebody()
    const later = new Date(at.getTime() + 1000)
    const [workflow, subject] = [crypto.randomUUID(), crypto.randomUUID()]
    const a = eventOf(me, { workflowId: workflow })
    const b = eventOf(me, { type: 'workflow.deleted', subject: { type: 'workflow', id: subject } })
    const c = eventOf(me, { type: 'workflow.shared', at: later, workflowId: workflow })
    await record(a, b, c)
    expect(await ids(me, { types: ['workflow.deleted'] })).toEqual([b.id])
    expect(await ids(me, { types: ['workflow.deleted', 'workflow.shared'] })).toEqual([c.id, b.id])
    expect(await ids(me, { subjectId: subject })).toEqual([b.id])
    expect(await ids(administrator, { subjectId: subject })).toEqual([b.id])
    expect(await ids(me, { subjectId: `${subject} ` })).toEqual([])
    expect(await ids(me, { workflowId: workflow })).toEqual([c.id, a.id])
    expect(await ids(administrator, { workflowId: workflow, types: ['workflow.updated'] })).toEqual([a.id])
    expect(await ids(me, { since: later })).toEqual([c.id])
    expect((await ids(me, { until: later })).toSorted()).toEqual([a.id, b.id].toSorted())
    expect(await ids(administrator, { actorUserId: me.userId, since: at, until: later })).toHaveLength(2)
  })

  test('pages by time and id skip nothing and show nothing twice', async () => {
    const me = await somebody()
    const events = Array.from({ length: 23 }, (_, number) =>
      eventOf(me, { at: new Date(at.getTime() + Math.floor(number / 5)), ownerId: me.userId }),
    )
    await store.tidy([recordEvents(store.dialect, events)])
    const whole = await ids(me)
    expect(whole.toSorted()).toEqual(events.map(({ id }) => id).toSorted())
    const seen: string[] = []
    for (let after: AuditListing['after']; ;) {
      const page = (await list(me, { limit: 4, after })).slice(0, 4)
      const last = page.at(-1)
      if (last === undefined) break
      seen.push(...page.map(({ id }) => id))
      after = { at: last.at, id: last.id }
    }
    expect(seen).toEqual(whole)
  })
})
