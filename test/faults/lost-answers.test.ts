import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import type { Store } from '@millrace/db/store/store'
import { defaultRateLimits } from '@millrace/db/repositories/accounts/rate-limits'
import { findLogin, registerUser } from '@millrace/db/repositories/accounts/users'
import { listVersions } from '@millrace/db/repositories/workflows/versions'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { putShare } from '@millrace/db/repositories/workflows/shares-put'
import { deleteShare } from '@millrace/db/repositories/workflows/shares-remove'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy, type Loss, type LosingProxy } from './losing-proxy.ts'

const losses: readonly Loss[] = ['request', 'answer']
const now = new Date('2026-01-31T09:30:00.000Z')
const ada: UserCaller = { kind: 'user', userId: 'ada', issuedAt: now, mayAdminister: true }

function documentOf(text: string): DocumentText {
  const checked = checkDocument(text)
  if (!checked.ok) throw new Error(`no document: ${text}`)
  return checked.text
}

function newWorkflow(id: string) {
  const definition = documentOf('{"n":1}')
  return { id, versionId: `${id}v1`, name: id, description: null, definition, isPublic: false, createdAt: now }
}

function newUser(id: string) {
  return {
    id,
    username: id,
    usernameKey: id,
    email: `${id}@example.org`,
    emailKey: `${id}@example.org`,
    passwordHash: 'h',
    role: 'user' as const,
    createdAt: now,
  }
}

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let proxy: LosingProxy
  let store: Store
  let tripsOfBatch: number

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    proxy = await startLosingProxy(reached.gateway.url)
    await registerUser(reached.database.store(), newUser('ada'))
    // A database without batches takes one round trip per statement: each of them is lost in turn.
    tripsOfBatch = dialect === 'mysql' ? 4 : 1
  })
  beforeEach(async () => {
    // A database of its own for each test: the retry budget is one for a process.
    store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
  })
  afterAll(async () => {
    await proxy.close()
    await reached.stop()
  })

  describe.each(losses)('when the %s is lost at any trip', (loss) => {
    test('a read is repeated', async () => {
      proxy.loseNext(1, loss)
      expect(await findLogin(reached.database.store(), 'ada')).toMatchObject({ id: 'ada' })
      expect(await findLogin(store, 'ada')).toMatchObject({ id: 'ada' })
      expect(proxy.seen()).toBeGreaterThan(1)
    })

    test('a registration makes one user, and its caller learns that it did', async () => {
      for (let trip = 1; trip <= tripsOfBatch; trip += 1) {
        const id = `user-${loss}-${trip}`
        proxy.loseNext(trip, loss)
        expect(await registerUser(store, newUser(id))).toEqual({ ok: true, value: undefined })
        const again = await registerUser(store, { ...newUser(id), id: 'other' })
        expect(again).toEqual({ ok: false, refusal: 'username_taken' })
      }
    })

    test('a workflow is made once, with one version', async () => {
      for (let trip = 1; trip <= tripsOfBatch; trip += 1) {
        const id = `made-${loss}-${trip}`
        proxy.loseNext(trip, loss)
        expect(await createWorkflows(store, ada, [newWorkflow(id)])).toEqual({ ok: true, value: undefined })
        const versions = await listVersions(store, ada, id, { limit: 10 })
        expect(versions).toMatchObject({ value: { rows: [{ versionNumber: 1 }] } })
      }
    })

    test('with a key the first caller gets its own answer, not a replay', async () => {
      const id = `kept-${loss}`
      const answer = { status: 201, headers: {}, body: `{"id":"${id}"}` }
      proxy.loseNext(1, loss)
      const outcome = await createWorkflows(store, ada, [newWorkflow(id)], {
        key: id,
        fingerprint: 'f',
        answer,
        at: now,
      })
      expect(outcome).toEqual({ ok: true, value: undefined })
    })

    test('a patch is applied once', async () => {
      for (let trip = 1; trip <= tripsOfBatch; trip += 1) {
        const id = `patched-${loss}-${trip}`
        await createWorkflows(store, ada, [newWorkflow(id)])
        proxy.loseNext(trip, loss)
        const patched = await patchWorkflow(store, ada, id, {
          change: { definition: documentOf('{"n":2}') },
          ifRevision: [1],
          versionId: `${id}v2`,
          operation: `${id}op`,
          at: now,
        })
        expect(patched).toMatchObject({ ok: true, value: { revision: 2, versionNumber: 2, definition: '{"n":2}' } })
        expect(await listVersions(store, ada, id, { limit: 10 })).toMatchObject({
          value: { rows: [{ versionNumber: 2 }, { versionNumber: 1 }] },
        })
      }
    })

    test('a deletion is done once, and its caller is not told that there was nothing', async () => {
      for (let trip = 1; trip <= tripsOfBatch; trip += 1) {
        const id = `deleted-${loss}-${trip}`
        await createWorkflows(store, ada, [newWorkflow(id)])
        proxy.loseNext(trip, loss)
        expect(await deleteWorkflow(store, ada, id, [1], { operation: `${id}d`, at: now })).toEqual({
          ok: true,
          value: undefined,
        })
        expect(await getWorkflow(store, ada, id)).toEqual({ ok: false, refusal: 'not_found' })
      }
    })
  })

  test('whose share has ended since is told what they wrote, and nothing that others have written then', async () => {
    const bob: UserCaller = { ...ada, userId: 'bob' }
    await registerUser(store, newUser('bob'))
    const patchBy = (by: Store, caller: UserCaller, id: string, n: number) =>
      patchWorkflow(by, caller, id, {
        change: { definition: documentOf(`{"n":${n}}`) },
        ifRevision: 'any',
        versionId: `${id}v${n}`,
        operation: `${id}op${n}`,
        at: new Date(now.getTime() + n),
      })
    const sound = reached.database.store()
    const shared = async (id: string) => {
      await createWorkflows(sound, ada, [newWorkflow(id)])
      await putShare(sound, ada, id, {
        id: `${id}share`,
        target: { userId: 'bob' },
        permission: 'edit',
        at: now,
        attemptId: `${id}attempt`,
        rates: defaultRateLimits,
        operation: `${id}shared`,
      })
      return () => deleteShare(sound, ada, { workflowId: id, userId: 'bob', operation: `${id}ended`, at: now })
    }
    await shared('told')
    proxy.loseNext(0, 'answer')
    await patchBy(store, bob, 'told', 2)
    const last = proxy.seen()

    const endShare = await shared('told since')
    proxy.loseNext(last, 'answer', endShare)
    const told = await patchBy(store, bob, 'told since', 2)
    expect(told).toMatchObject({ ok: true, value: { definition: '{"n":2}', permission: 'edit' } })

    const endOtherShare = await shared('hidden')
    proxy.loseNext(last, 'answer', async () => {
      await endOtherShare()
      await patchBy(sound, ada, 'hidden', 3)
    })
    await expect(patchBy(store, bob, 'hidden', 2)).rejects.toMatchObject({ fault: 'database_unreachable' })
    expect(await getWorkflow(sound, ada, 'hidden')).toMatchObject({ value: { revision: 3, versionNumber: 3 } })
  })

  test('a database that never answers is an error that says so, after a bounded number of tries', async () => {
    const gone = (await openDatabase({ target: reached.target, gatewayUrl: 'http://127.0.0.1:9' })).store()
    await expect(listWorkflows(gone, ada, { scope: 'owned', order: 'createdAt', limit: 1 })).rejects.toMatchObject({
      fault: 'database_unreachable',
      retryAfterSeconds: 5,
    })
  })
})
