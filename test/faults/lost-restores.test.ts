import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import { defaultRateLimits as rates } from '@millrace/db/repositories/accounts/rate-limits'
import { registerUser } from '@millrace/db/repositories/accounts/users'
import { listVersions } from '@millrace/db/repositories/workflows/versions'
import { restoreVersion } from '@millrace/db/repositories/workflows/versions-restore'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { transferWorkflow } from '@millrace/db/repositories/workflows/transfer'
import type { Store } from '@millrace/db/store/store'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy, type Loss, type LosingProxy } from './losing-proxy.ts'

const losses: readonly Loss[] = ['request', 'answer']
const now = new Date('2026-01-31T09:30:00.000Z')
const ada: UserCaller = { kind: 'user', userId: 'ada', issuedAt: now, mayAdminister: true }

/** The most trips that a restore or a transfer takes; those beyond what there is lose nothing. */
const mostTrips = 6

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
  const email = `${id}@example.org`
  const user = { id, username: id, usernameKey: id, email, emailKey: email, passwordHash: 'h', createdAt: now }
  return { ...user, role: 'user' as const }
}

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let proxy: LosingProxy
  let store: Store

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    proxy = await startLosingProxy(reached.gateway.url)
    for (const id of ['ada', 'grace']) await registerUser(reached.database.store(), newUser(id))
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
    test('a version is restored once', async () => {
      for (let trip = 1; trip <= mostTrips; trip += 1) {
        const id = `restored-${loss}-${trip}`
        await createWorkflows(reached.database.store(), ada, [newWorkflow(id)])
        proxy.loseNext(trip, loss)
        const outcome = await restoreVersion(store, ada, id, {
          versionNumber: 1,
          ifRevision: [1],
          changeNotes: null,
          versionId: `${id}v2`,
          operation: `${id}op`,
          at: now,
        })
        expect(outcome).toMatchObject({ ok: true, value: { versionNumber: 2, revision: 2 } })
        const versions = await listVersions(reached.database.store(), ada, id, { limit: 10 })
        expect(versions.ok && versions.value.rows.map(({ versionNumber }) => versionNumber)).toEqual([2, 1])
      }
    })

    test('a workflow is given away once, and the old owner keeps edit', async () => {
      for (let trip = 1; trip <= mostTrips; trip += 1) {
        const id = `given-${loss}-${trip}`
        await createWorkflows(reached.database.store(), ada, [newWorkflow(id)])
        proxy.loseNext(trip, loss)
        const outcome = await transferWorkflow(store, ada, id, {
          usernameKey: 'grace',
          ifRevision: [1],
          lookup: { id: `${id}lookup`, kind: 'lookup', nameKey: ada.userId, network: 'n', rates, at: now },
          shareId: `${id}share`,
          operation: `${id}op`,
          at: now,
        })
        expect(outcome).toMatchObject({ ok: true, value: { ownerId: 'grace', permission: 'edit', revision: 2 } })
        expect(await getWorkflow(reached.database.store(), ada, id)).toMatchObject({ ok: true, value: { revision: 2 } })
      }
    })

    test('a batch is made once, all of it', async () => {
      for (let trip = 1; trip <= mostTrips; trip += 1) {
        const ids = [1, 2, 3].map((n) => `batch-${loss}-${trip}-${n}`)
        const [first = '', ...others] = ids
        proxy.loseNext(trip, loss)
        const outcome = await createWorkflows(store, ada, [newWorkflow(first), ...others.map(newWorkflow)])
        expect(outcome).toEqual({ ok: true, value: undefined })
        const listing = { scope: 'owned', q: `batch-${loss}-${trip}-`, order: 'createdAt', limit: 10 } as const
        const listed = await listWorkflows(reached.database.store(), ada, listing)
        expect(listed.ok && listed.value.rows.map(({ id }) => id).toSorted()).toEqual(ids)
      }
    })
  })
})
