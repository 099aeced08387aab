import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { listVersions, getVersion } from '@millrace/db/repositories/workflows/versions'
import { listWorkflows, type WorkflowListing } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { checkWorkflow, getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { explain } from './explain.ts'
import { fillDatabase } from './fill.ts'
import { recordedStatements } from './recorded.ts'

const now = new Date('2030-01-01T00:00:00.000Z')
const owner: UserCaller = { kind: 'user', userId: 'u1', issuedAt: now, mayAdminister: true, sessionId: 's1' }
const reader: UserCaller = { ...owner, userId: 'u7' }
const page: WorkflowListing = { scope: 'owned', order: 'createdAt', limit: 50 }
/** In the middle of what is there. */
const after = { at: new Date('2026-01-01T12:00:00.000Z'), id: 'w50000' }

/** Small tables may be read whole; these may not. */
const large = new Set(['workflows', 'workflow_versions', 'workflow_shares'])

interface Case {
  readonly what: string
  readonly act: (store: Store, after: { at: Date; id: string }) => Promise<unknown>
  /** The index that has to serve the page, where a list is meant. */
  readonly index?: string
}

const cases: readonly Case[] = [
  { what: 'one workflow', act: (store) => getWorkflow(store, reader, 'w500') },
  { what: 'the check of a permission', act: (store) => checkWorkflow(store, reader, 'w500', 'edit') },
  { what: 'one version', act: (store) => getVersion(store, reader, 'w500', 1) },
  { what: 'the versions of a workflow', act: (store) => listVersions(store, owner, 'w500', { limit: 50, below: 3 }) },
  {
    what: 'the first page of one’s own',
    act: (store) => listWorkflows(store, owner, page),
    index: 'workflows_owner_id_created_at_id_index',
  },
  {
    what: 'a later page of one’s own',
    act: (store, keyset) => listWorkflows(store, owner, { ...page, after: keyset }),
    index: 'workflows_owner_id_created_at_id_index',
  },
  {
    what: 'one’s own by update',
    act: (store, keyset) => listWorkflows(store, owner, { ...page, order: 'updatedAt', after: keyset }),
    index: 'workflows_owner_id_updated_at_id_index',
  },
  {
    what: 'the public ones',
    act: (store, keyset) => listWorkflows(store, { kind: 'anonymous' }, { ...page, scope: 'public', after: keyset }),
    index: 'workflows_is_public_created_at_id_index',
  },
  {
    what: 'the shared ones',
    act: (store, keyset) => listWorkflows(store, reader, { ...page, scope: 'shared', after: keyset }),
    index: 'workflow_shares_shared_with_user_id_workflow_id_index',
  },
  {
    what: 'all of a reader',
    act: (store, keyset) => listWorkflows(store, reader, { ...page, scope: 'all', after: keyset }),
    index: 'workflows_owner_id_created_at_id_index',
  },
  {
    what: 'a patch',
    act: (store) =>
      patchWorkflow(store, reader, 'w500', {
        change: { name: 'x' },
        ifRevision: [1],
        versionId: 'v-new',
        operation: 'op',
        at: now,
      }),
  },
  { what: 'a deletion', act: (store) => deleteWorkflow(store, reader, 'w500', [1], { operation: 'd', at: now }) },
]

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await fillDatabase(reached)
  }, 120_000)
  afterAll(() => reached.stop())

  test.each(cases)('on 100,000 workflows $what is served by its index', async ({ act, index }) => {
    const statements = await recordedStatements(reached, (store) => act(store, after))
    expect(statements.length).toBeGreaterThan(0)
    const accesses = (
      await Promise.all(statements.map((statement) => explain(reached.database.transport(), statement)))
    ).flat()
    expect(accesses.filter(({ table, index: used }) => large.has(table) && used === undefined)).toEqual([])
    if (index !== undefined) expect(accesses.map(({ index: used }) => used)).toContain(index)
  })
})
