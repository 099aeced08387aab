import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { createExecution } from '@millrace/db/repositories/executions/create'
import { listExecutions, type ExecutionListing } from '@millrace/db/repositories/executions/list'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { explain } from './explain.ts'
import { fillWithExecutions } from './fill-executions.ts'
import { executionsRead, keysRead, recordedStatements } from './recorded.ts'

const now = new Date('2030-01-01T00:00:00.000Z')
const soon = new Date('2030-01-01T00:01:00.000Z')

function caller(userId: string): UserCaller {
  return { kind: 'user', userId, issuedAt: now, mayAdminister: true, sessionId: 's1' }
}

/** One of a thousand, whose workflow has a hundred executions; the owner of the large workflow; an administrator. */
const [few, many, administrator] = [caller('u7'), caller('u2'), caller('u1')]

const ofWorkflow = 'executions_workflow_id_status_due_at_created_at_id_index'
const ofEveryone = 'executions_status_due_at_created_at_id_index'
const page: ExecutionListing = { statuses: [], limit: 50 }
const hold = { operation: 'o', at: now }

function claim(store: Store, by: UserCaller, workflowIds?: readonly string[]) {
  const request = { operation: crypto.randomUUID(), worker: 'w', limit: 10, at: now, leaseUntil: soon, workflowIds }
  return claimExecutions(store, by, request)
}

interface Case {
  readonly what: string
  readonly act: (store: Store) => Promise<unknown>
  /** Indexes by which executions must be read. */
  readonly indexes?: readonly string[]
  /** Indexes that lead through everyone's executions. */
  readonly not?: readonly string[]
}

const cases: readonly Case[] = [
  { what: 'one', act: (store) => getExecution(store, few, 'x500') },
  {
    what: 'an owner’s claim among others’ backlog',
    act: (store) => claim(store, { ...few, mayAdminister: false }),
    indexes: [ofWorkflow],
    not: [ofEveryone],
  },
  {
    what: 'a claim of named workflows',
    act: (store) => claim(store, { ...few, mayAdminister: false }, ['w7', 'w8']),
    indexes: [ofWorkflow],
    not: [ofEveryone],
  },
  { what: 'a claim from a large backlog', act: (store) => claim(store, many), indexes: [ofWorkflow] },
  { what: 'an administrator’s claim', act: (store) => claim(store, administrator), indexes: [ofEveryone] },
  {
    what: 'a list',
    act: (store) => listExecutions(store, { ...few, mayAdminister: false }, page),
    indexes: ['executions_workflow_id_created_at_id_index', 'executions_user_id_created_at_id_index'],
    not: ['executions_created_at_id_index'],
  },
  {
    what: 'a later page',
    act: (store) => listExecutions(store, many, { ...page, after: { at: new Date('2026-01-01T12:00:00Z'), id: 'x1' } }),
    indexes: ['executions_workflow_id_created_at_id_index', 'executions_user_id_created_at_id_index'],
  },
  {
    what: 'a list of one workflow’s',
    act: (store) => listExecutions(store, { ...many, mayAdminister: false }, { ...page, workflowId: 'w2' }),
    indexes: ['executions_workflow_id_created_at_id_index'],
    not: ['executions_created_at_id_index'],
  },
  {
    what: 'an administrator’s list',
    act: (store) => listExecutions(store, administrator, page),
    indexes: ['executions_created_at_id_index'],
  },
  {
    what: 'a creation',
    act: (store) =>
      createExecution(store, few, 'w7', { id: 'new', input: null, dueAt: null, maxAttempts: 3, createdAt: now }),
  },
  { what: 'a heartbeat', act: (store) => renewLease(store, few, 'x500', { fence: 0, leaseUntil: soon, ...hold }) },
  {
    what: 'a report',
    act: (store) =>
      reportExecution(store, few, 'x500', { fence: 0, step: 'complete', dueAt: null, leaseUntil: undefined, ...hold }),
  },
  { what: 'a cancellation', act: (store) => cancelExecution(store, few, 'x500', hold) },
]

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await fillWithExecutions(reached)
  }, 120_000)
  afterAll(() => reached.stop())

  test.each(cases)(
    'among 100,000 executions $what is served by its indexes',
    async ({ act, indexes = [], not = [] }) => {
      const statements = await recordedStatements(reached, act)
      expect(statements.length).toBeGreaterThan(0)
      const transport = reached.database.transport()
      const accesses = (await Promise.all(statements.map((statement) => explain(transport, statement)))).flat()
      const ofExecutions = accesses.filter(({ table }) => table === 'executions')
      expect(ofExecutions.length).toBeGreaterThan(0)
      expect(ofExecutions.filter(({ index }) => index === undefined)).toEqual([])
      const used = ofExecutions.map(({ index }) => index)
      expect(used).toEqual(expect.arrayContaining([...indexes]))
      expect(used.filter((index) => not.includes(index ?? ''))).toEqual([])
    },
  )

  // The others read along the index for each parent; MySQL would read, sort and lock all keys of a join.
  if (dialect === 'mysql') {
    test.each([
      { what: 'the first claim', workflowIds: undefined, claims: 1 },
      { what: 'a later claim', workflowIds: undefined, claims: 2 },
      { what: 'a claim of named workflows', workflowIds: ['w2', 'w7'], claims: 1 },
    ])('$what reads no more executions than it looks at, of 20,000 that are due', async ({ workflowIds, claims }) => {
      // This database has no session: a caller of one would read nothing.
      const owner: UserCaller = { kind: 'user', userId: 'u2', issuedAt: now, mayAdminister: false }
      const statements = await recordedStatements(reached, async (store) => {
        for (let claimed = 0; claimed < claims; claimed += 1) await claim(store, owner, workflowIds)
      })
      const updates = statements.filter(({ text }) => text.startsWith('update'))
      expect(updates).toHaveLength(claims)
      const read = await executionsRead(reached, updates.slice(-1))
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(3000)
    })

    test.each([
      { what: 'without names', workflowIds: undefined },
      { what: 'of a small workflow', workflowIds: ['w7'] },
      { what: 'of a large workflow', workflowIds: ['w2'] },
      { what: 'of eight workflows', workflowIds: ['w2', 'w7', 'w8', 'w9', 'w10', 'w11', 'w12', 'w13'] },
    ])('an administrator’s claim $what begins where something is due, among 40,000', async ({ workflowIds }) => {
      const admin: UserCaller = { kind: 'user', userId: 'u1', issuedAt: now, mayAdminister: true }
      const statements = await recordedStatements(reached, (store) => claim(store, admin, workflowIds))
      const [update, ...others] = statements.filter(({ text }) => text.startsWith('update'))
      if (update === undefined) throw new Error('the claim has sent no update')
      expect(others).toEqual([])
      const read = await keysRead(reached, update)
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(5000)
    })
  }
})
