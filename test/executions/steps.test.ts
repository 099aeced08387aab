import type { UserCaller } from '@millrace/db/access/access'
import type { ExecutionView } from '@millrace/db/repositories/executions/executions'
import { checkExecution, getExecution } from '@millrace/db/repositories/executions/executions'
import { createExecution, retryExecution, type IdempotentCreation } from '@millrace/db/repositories/executions/create'
import { cancelExecution, removeExecution, resumeExecution } from '@millrace/db/repositories/executions/control'
import { renewLease, reportExecution, type Report } from '@millrace/db/repositories/executions/work'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, claim, createUser, createWorkflow, documentOf, share, startExecution } from './kit.ts'

const stale = { ok: false, refusal: 'fence_stale' }
const invalid = { ok: false, refusal: 'invalid_transition' }
const notFound = { ok: false, refusal: 'not_found' }
const forbidden = { ok: false, refusal: 'forbidden' }

const hold = (seconds = 20) => ({ operation: randomUUID(), at: after(seconds) })
const fresh = () => ({ id: randomUUID(), input: null, dueAt: null, maxAttempts: 3, createdAt: after(2) })
const next = () => ({ id: randomUUID(), createdAt: after(30) })
const answerFor = () => ({ status: 201, headers: {}, body: 'x' })

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let owner: UserCaller
  let workflowId: string
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    owner = await createUser(store)
    workflowId = await createWorkflow(store, owner)
  })
  afterAll(() => reached.stop())

  const tripsOf = async (step: (observed: Store) => Promise<unknown>) => {
    let trips = 0
    await step(reached.database.store({ trip: () => (trips += 1) }))
    return trips
  }
  const report = (id: string, given: Partial<Report>, caller = owner) =>
    reportExecution(store, caller, id, {
      fence: 1,
      step: 'keep',
      dueAt: null,
      leaseUntil: undefined,
      ...hold(),
      ...given,
    })
  const get = async (id: string): Promise<ExecutionView> => {
    const found = await getExecution(store, owner, id)
    if (!found.ok) throw new Error(found.refusal)
    return found.value
  }
  const claimed = async (given: Parameters<typeof startExecution>[3] = {}): Promise<string> => {
    const own = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, own, given)
    expect(await claim(store, owner, { workflowIds: [own] })).toMatchObject([{ id, fence: 1 }])
    return id
  }

  describe('report', () => {
    test('state is kept as its exact text, and the lease stays unless leaseSeconds says otherwise', async () => {
      const id = await claimed()
      const state = documentOf('{ "b":1.0, "a" : 1e400 }')
      const answer = await report(id, { state })
      expect(answer).toMatchObject({
        ok: true,
        value: { status: 'running', state, leaseUntil: after(70), updatedAt: after(20) },
      })
      expect(answer).toEqual({ ok: true, value: await get(id) })
      expect(await report(id, { leaseUntil: after(300) })).toMatchObject({ value: { state, leaseUntil: after(300) } })
      expect(await report(id, { state: null })).toMatchObject({ value: { state: null, leaseUntil: after(300) } })
    })

    test('completed and failed end it, give up the lease and keep the error', async () => {
      const [done, failed] = [await claimed(), await claimed()]
      const error = documentOf('{"code":"boom","message":"it broke"}')
      expect(await report(done, { step: 'complete' })).toMatchObject({
        value: { status: 'completed', completedAt: after(20), leaseUntil: null, error: null, fence: 1 },
      })
      expect(await report(failed, { step: 'fail', error })).toMatchObject({
        value: { status: 'failed', completedAt: after(20), leaseUntil: null, error },
      })
      expect(await report(done, { step: 'fail' })).toEqual(invalid)
      expect(await get(done)).toMatchObject({ status: 'completed', error: null })
    })

    test('paused waits for resume, or until it is due', async () => {
      const [waiting, due] = [await claimed(), await claimed()]
      expect(await report(waiting, { step: 'pause' })).toMatchObject({
        value: { status: 'paused', leaseUntil: null, dueAt: null, completedAt: null },
      })
      await report(due, { step: 'pause', dueAt: after(100) })
      const reclaim = async (seconds: number, id: string) =>
        claim(store, owner, { at: after(seconds), workflowIds: [(await get(id)).workflowId] })
      expect(await reclaim(99, due)).toEqual([])
      expect(await reclaim(100, due)).toMatchObject([{ id: due, fence: 2, attempts: 2, status: 'running' }])
      expect(await reclaim(9999, waiting)).toEqual([])
      expect(await resumeExecution(store, owner, waiting, hold())).toMatchObject({
        value: { status: 'pending', dueAt: null, fence: 1 },
      })
      expect(await reclaim(21, waiting)).toMatchObject([{ id: waiting, fence: 2 }])
    })

    test('given back is pending again, and with its attempts used up failed with the error sent', async () => {
      const [again, last] = [await claimed(), await claimed({ maxAttempts: 1 })]
      const error = documentOf('{"code":"shutdown","message":"bye"}')
      expect(await report(again, { step: 'giveBack', error })).toMatchObject({
        value: { status: 'pending', leaseUntil: null, dueAt: null, completedAt: null, attempts: 1 },
      })
      expect(await report(last, { step: 'giveBack', error, dueAt: after(50) })).toMatchObject({
        value: { status: 'failed', error, completedAt: after(20), leaseUntil: null },
      })
      expect(await resumeExecution(store, owner, again, hold())).toEqual(invalid)
    })

    test('another fence is refused before any other conflict, and changes nothing', async () => {
      const id = await claimed()
      const before = await get(id)
      for (const fence of [0, 2]) {
        expect(await report(id, { fence, state: documentOf('1'), step: 'complete' })).toEqual(stale)
        expect(await renewLease(store, owner, id, { fence, leaseUntil: after(99), ...hold() })).toEqual(stale)
      }
      expect(await get(id)).toEqual(before)
      await report(id, { step: 'pause' })
      expect(await report(id, { fence: 2 })).toEqual(stale)
      expect(await report(id, {})).toEqual(invalid)
      expect(await renewLease(store, owner, id, { fence: 1, leaseUntil: after(99), ...hold() })).toEqual(invalid)
    })

    test('working it takes the owner or an administrator; others are told no more than they may know', async () => {
      const id = await claimed()
      const { workflowId: own } = await get(id)
      const [stranger, editor, administrator] = [
        await createUser(store),
        await createUser(store),
        await createUser(store, 'admin'),
      ]
      await share(reached, own, editor, 'edit')
      expect(await report(id, { step: 'complete' }, stranger)).toEqual(notFound)
      expect(await report(id, { step: 'complete' }, editor)).toEqual(forbidden)
      expect(await report(id, { step: 'complete' }, { ...administrator, mayAdminister: false })).toEqual(notFound)
      expect(await report(id, { step: 'complete' }, { ...owner, issuedAt: after(-9) })).toEqual({
        ok: false,
        refusal: 'unauthenticated',
      })
      expect(await get(id)).toMatchObject({ status: 'running' })
      expect(await report(id, { step: 'complete' }, administrator)).toMatchObject({ value: { status: 'completed' } })
    })
  })

  describe('cancel', () => {
    test('ends every unfinished one at once and moves the fence', async () => {
      const running = await claimed()
      const pending = await startExecution(store, owner, workflowId)
      expect(await cancelExecution(store, owner, running, hold())).toMatchObject({
        value: { status: 'cancelled', fence: 2, leaseUntil: null, completedAt: after(20) },
      })
      expect(await cancelExecution(store, owner, pending.id, hold())).toMatchObject({
        value: { status: 'cancelled', fence: 1 },
      })
      expect(await report(running, { state: documentOf('1') })).toEqual(stale)
      expect(await cancelExecution(store, owner, running, hold())).toEqual(invalid)
      expect(await get(running)).toMatchObject({ state: null, fence: 2, updatedAt: after(20) })
    })

    test('takes the permission execute', async () => {
      const { id } = await startExecution(store, owner, workflowId)
      const [viewer, runner, stranger] = [await createUser(store), await createUser(store), await createUser(store)]
      await share(reached, workflowId, viewer, 'view')
      await share(reached, workflowId, runner, 'execute')
      expect(await cancelExecution(store, viewer, id, hold())).toEqual(forbidden)
      expect(await cancelExecution(store, stranger, id, hold())).toEqual(notFound)
      expect(await get(id)).toMatchObject({ status: 'pending', fence: 0 })
      expect(await cancelExecution(store, runner, id, hold())).toMatchObject({ value: { status: 'cancelled' } })
    })
  })

  test('one that has ended is deleted, also within the millisecond in which it ended', async () => {
    const { id } = await startExecution(store, owner, workflowId)
    expect(await removeExecution(store, owner, id, hold())).toEqual({ ok: false, refusal: 'execution_active' })
    expect(await cancelExecution(store, owner, id, hold())).toMatchObject({ value: { updatedAt: hold().at } })
    expect(await removeExecution(store, owner, id, hold())).toEqual({ ok: true, value: undefined })
    expect(await getExecution(store, owner, id)).toEqual(notFound)
  })

  describe('create', () => {
    test('binds to the version of that moment and takes the permission execute', async () => {
      const own = await createWorkflow(store, owner)
      const [viewer, runner] = [await createUser(store), await createUser(store)]
      await share(reached, own, viewer, 'view')
      await share(reached, own, runner, 'execute')
      const first = await startExecution(store, runner, own)
      const change = { definition: documentOf('{"two":2}') }
      await patchWorkflow(store, owner, own, { change, ifRevision: 'any', versionId: randomUUID(), ...hold() })
      const second = await startExecution(store, runner, own, { createdAt: after(1) })
      expect([first, second]).toMatchObject([
        { versionNumber: 1, userId: runner.userId },
        { versionNumber: 2, userId: runner.userId },
      ])
      expect((await claim(store, owner, { limit: 2, workflowIds: [own] })).map((item) => item.definition)).toEqual([
        '{}',
        '{"two":2}',
      ])
      expect(await createExecution(store, viewer, own, fresh())).toEqual(forbidden)
      expect(await createExecution(store, await createUser(store), own, fresh())).toEqual(notFound)
      expect(await createExecution(store, owner, randomUUID(), fresh())).toEqual(notFound)
    })

    test('under a key makes one, whoever asks again and however many at once', async () => {
      const own = await createWorkflow(store, owner)
      const request: IdempotentCreation = {
        key: randomUUID(),
        fingerprint: 'f',
        at: after(2),
        answerFor: ({ id, workflowName, versionNumber }) => ({
          status: 201,
          headers: {},
          body: `${id} ${workflowName} ${versionNumber}`,
        }),
      }
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map(() => createExecution(reached.database.store(), owner, own, fresh(), request)),
      )
      const [made] = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []))
      if (made === undefined) throw new Error('none was made')
      const body = `${made.id} workflow ${own} 1`
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
      expect(outcomes.filter(({ ok }) => !ok)).toEqual(
        [1, 2, 3].map(() => ({ ok: false, refusal: 'replay', answer: { status: 201, headers: {}, body } })),
      )
      expect(made).toEqual(await get(made.id))
      expect(await claim(store, owner, { limit: 50, workflowIds: [own] })).toHaveLength(1)
      expect(await createExecution(store, owner, own, fresh(), { ...request, fingerprint: 'g' })).toEqual({
        ok: false,
        refusal: 'idempotency_key_reused',
      })
    })

    test('a refused one leaves no key behind', async () => {
      const viewer = await createUser(store)
      const own = await createWorkflow(store, owner)
      await share(reached, own, viewer, 'view')
      const request = { key: randomUUID(), fingerprint: 'f', at: after(2), answerFor }
      expect(await createExecution(store, viewer, own, fresh(), request)).toEqual(forbidden)
      await share(reached, own, viewer, 'execute')
      expect(await createExecution(store, viewer, own, fresh(), request)).toMatchObject({ ok: true })
    })

    test('takes one round trip, under a key two; on MySQL six and seven', async () => {
      const own = await createWorkflow(store, owner)
      const request = { key: randomUUID(), fingerprint: 'f', at: after(2), answerFor }
      const creating = (idempotent?: IdempotentCreation) =>
        tripsOf(async (observed) => {
          expect(await createExecution(observed, owner, own, fresh(), idempotent)).toMatchObject({ ok: true })
        })
      expect([await creating(), await creating(request)]).toEqual(dialect === 'mysql' ? [6, 7] : [1, 2])
    })
  })

  test('under a key, a start and a retry tell the name that the workflow has when they are made', async () => {
    const id = await claimed()
    await report(id, { step: 'complete' })
    const { workflowId: own } = await get(id)
    /** Renames the workflow once the first look at it is over. */
    const renaming = (name: string): Store => {
      let isRenamed = false
      return {
        ...store,
        async read(query) {
          const rows = await store.read(query)
          const patch = { change: { name }, ifRevision: 'any', versionId: randomUUID(), ...hold() } as const
          if (!isRenamed) await patchWorkflow(store, owner, own, patch)
          isRenamed = true
          return rows
        },
      }
    }
    const request = (): IdempotentCreation => ({
      ...{ key: randomUUID(), fingerprint: 'f', at: after(2) },
      answerFor: ({ workflowName }) => ({ status: 201, headers: {}, body: workflowName }),
    })
    const [start, again] = [request(), request()]
    expect(await createExecution(renaming('second'), owner, own, fresh(), start)).toMatchObject({
      value: { workflowName: 'second' },
    })
    expect(await retryExecution(renaming('third'), owner, id, next(), again)).toMatchObject({
      value: { workflowName: 'third' },
    })
    expect(await createExecution(store, owner, own, fresh(), start)).toMatchObject({ answer: { body: 'second' } })
    expect(await retryExecution(store, owner, id, next(), again)).toMatchObject({ answer: { body: 'third' } })
  })

  describe('retry', () => {
    test('makes a new pending one with the same input and version, of one that has ended', async () => {
      const input = documentOf('{"in": 1.50}')
      const id = await claimed({ input, maxAttempts: 7 })
      const { workflowId: own } = await get(id)
      expect(await retryExecution(store, owner, id, next())).toEqual(invalid)
      await report(id, { step: 'fail', state: documentOf('{"s":1}') })
      const change = { definition: documentOf('{"newer":true}') }
      await patchWorkflow(store, owner, own, { change, ifRevision: 'any', versionId: randomUUID(), ...hold() })
      const before = await get(id)
      const retried = await retryExecution(store, owner, id, next())
      if (!retried.ok) throw new Error(retried.refusal)
      expect(retried.value).toEqual({
        ...before,
        id: retried.value.id,
        status: 'pending',
        state: null,
        error: null,
        attempts: 0,
        fence: 0,
        startedAt: null,
        completedAt: null,
        createdAt: after(30),
        updatedAt: after(30),
      })
      expect(retried.value).toMatchObject({ input, versionNumber: 1, maxAttempts: 7 })
      expect(await get(id)).toEqual(before)
    })

    test('under a key makes one and keeps the very answer', async () => {
      const id = await claimed({ input: documentOf('[1]') })
      await report(id, { step: 'complete' })
      const request = {
        key: randomUUID(),
        fingerprint: 'f',
        at: after(30),
        answerFor: (made: ExecutionView) => ({ status: 201, headers: {}, body: JSON.stringify(made) }),
      }
      const first = await retryExecution(store, owner, id, next(), request)
      if (!first.ok) throw new Error(first.refusal)
      const answer = { status: 201, headers: {}, body: JSON.stringify(await get(first.value.id)) }
      expect(await retryExecution(store, owner, id, next(), request)).toEqual({ ok: false, refusal: 'replay', answer })
    })
  })

  test('whoever started an execution sees it after its share has ended, and may do nothing more', async () => {
    const own = await createWorkflow(store, owner)
    const runner = await createUser(store)
    await share(reached, own, runner, 'execute')
    const { id } = await startExecution(store, runner, own)
    await reached.raw.query(`delete from workflow_shares where workflow_id = '${own}'`)
    expect(await getExecution(store, runner, id)).toMatchObject({ ok: true, value: { id } })
    expect(await checkExecution(store, runner, id, 'view')).toEqual({ ok: true, value: undefined })
    expect(await cancelExecution(store, runner, id, hold())).toEqual(forbidden)
  })

  test('that a workflow is public opens nothing of its executions', async () => {
    const own = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, own)
    const change = { isPublic: true }
    await patchWorkflow(store, owner, own, { change, ifRevision: 'any', versionId: randomUUID(), ...hold() })
    const stranger = await createUser(store)
    expect(await getExecution(store, stranger, id)).toEqual(notFound)
    expect(await cancelExecution(store, stranger, id, hold())).toEqual(notFound)
    const made = { id: randomUUID(), input: null, dueAt: null, maxAttempts: 3, createdAt: after(2) }
    expect(await createExecution(store, stranger, own, made)).toEqual(forbidden)
  })

  test('steps take one round trip, on MySQL one per statement; a refusal one more at most', async () => {
    const id = await claimed()
    const trips = [
      await tripsOf((observed) => getExecution(observed, owner, id)),
      await tripsOf((observed) => renewLease(observed, owner, id, { fence: 1, leaseUntil: after(90), ...hold() })),
      await tripsOf((observed) => renewLease(observed, owner, id, { fence: 9, leaseUntil: after(90), ...hold() })),
      await tripsOf((observed) =>
        reportExecution(observed, owner, id, {
          fence: 1,
          step: 'pause',
          dueAt: null,
          leaseUntil: undefined,
          ...hold(),
        }),
      ),
      await tripsOf((observed) => resumeExecution(observed, owner, id, hold())),
      await tripsOf((observed) => cancelExecution(observed, owner, id, hold())),
      await tripsOf((observed) => retryExecution(observed, owner, id, { id: randomUUID(), createdAt: after(30) })),
    ]
    expect(trips).toEqual(dialect === 'mysql' ? [1, 1, 2, 5, 6, 6, 6] : [1, 1, 2, 1, 1, 1, 1])
  })
})
