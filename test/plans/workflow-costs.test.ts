import type { UserCaller } from '@millrace/db/access/access'
import { listAllUsers } from '@millrace/db/repositories/accounts/administered-users'
import { listSessions } from '@millrace/db/repositories/accounts/sessions'
import { listEvents } from '@millrace/db/repositories/audit/list'
import { getSettings, putSettings } from '@millrace/db/repositories/settings/settings'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { listShares } from '@millrace/db/repositories/workflows/shares'
import { getVersion, listVersions } from '@millrace/db/repositories/workflows/versions'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import type { Store } from '@millrace/db/store/store'
import { documentOf } from '../executions/kit.ts'
import { describeCosts } from './describe-costs.ts'
import { fillDatabase } from './fill.ts'

/* Of workflows and what belongs to users: what each act’s statements are estimated to cost. */

const now = new Date('2030-01-01T00:00:00.000Z')
/** Owns half of all workflows. */
const owner: UserCaller = { kind: 'user', userId: 'u1', issuedAt: now, mayAdminister: true }
const listing = { order: 'createdAt', limit: 50 } as const
const hold = () => ({ operation: crypto.randomUUID(), at: now })

function list(store: Store, given: Partial<Parameters<typeof listWorkflows>[2]>) {
  return listWorkflows(store, owner, { scope: 'all', ...listing, ...given })
}

const acts: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'a read': (store) => getWorkflow(store, owner, 'w2'),
  'a list': (store) => list(store, {}),
  'a list of shared ones': (store) => list(store, { scope: 'shared' }),
  'a list of public ones': (store) => list(store, { scope: 'public' }),
  'a list by change': (store) => list(store, { order: 'updatedAt', updatedSince: new Date(0) }),
  'a later page': (store) => list(store, { after: { at: now, id: 'w2' } }),
  'a creation': (store) =>
    createWorkflows(store, owner, [
      {
        id: crypto.randomUUID(),
        versionId: crypto.randomUUID(),
        name: 'new',
        description: null,
        definition: documentOf('{}'),
        isPublic: false,
        createdAt: now,
      },
    ]),
  'an update': (store) =>
    patchWorkflow(store, owner, 'w4', {
      change: { definition: documentOf(`{"id":"${crypto.randomUUID()}"}`) },
      ifRevision: 'any',
      versionId: crypto.randomUUID(),
      ...hold(),
    }),
  'a deletion': (store) => deleteWorkflow(store, owner, 'w6', 'any', hold()),
  'a history': (store) => listVersions(store, owner, 'w2', { limit: 50 }),
  'a version': (store) => getVersion(store, owner, 'w2', 1),
  'a list of shares': (store) => listShares(store, owner, 'w2', { limit: 50 }),
  'a list of events': (store) => listEvents(store, owner, { types: [], limit: 50 }),
  'a list of users': (store) => listAllUsers(store, owner, { limit: 50 }),
  'a list of sessions': (store) => listSessions(store, owner, { limit: 50, at: now }),
  settings: (store) => getSettings(store, owner),
  'a change of settings': (store) =>
    putSettings(store, owner, 'any', { data: documentOf('{}'), id: crypto.randomUUID(), ...hold() }),
}

const sizes = [
  ['a fresh database', { count: 20, isAnalyzed: false }],
  ['100,000 workflows, never analysed', { count: 100_000, isAnalyzed: false }],
  ['100,000 workflows, analysed', { count: 100_000, isAnalyzed: true }],
] as const

describeCosts(sizes, fillDatabase, acts)
