import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions, type Claim } from '@millrace/db/repositories/executions/claim'
import type { Statement } from '@millrace/db/sql/statement'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import type { TestDatabase } from '../dialects.ts'
import { targetOf } from '../target.ts'
import { createUser, createWorkflow, startExecution } from '../executions/kit.ts'
import { migratedDatabase } from '../templates.ts'
import { watchedStore } from '../watched-store.ts'
import { mostRead, type ReadNode } from './explain.ts'
import { fillWithExecutions } from './fill-executions.ts'
import { literalOf } from './literals.ts'

/* A claim is planned once for a connection, which may be before the first execution is there. */

const at = new Date('2030-01-01T00:00:00.000Z')
const owner: UserCaller = { kind: 'user', userId: 'u2', issuedAt: at, mayAdminister: false }
const one: Claim = {
  operation: 'o',
  worker: 'w',
  limit: 1,
  at,
  leaseUntil: new Date('2030-01-01T00:01:00.000Z'),
  workflowIds: ['w2'],
}
const claims: Readonly<Record<string, Claim>> = {
  one,
  'one alone in its process': { ...one, workers: ['w'] },
  'eight together': { ...one, workers: Array.from({ length: 8 }, (_, place) => `w${place}`) },
  'thirty-two together': { ...one, workers: Array.from({ length: 32 }, (_, place) => `w${place}`) },
  'one of all workflows': { ...one, workflowIds: undefined },
  fifty: { ...one, limit: 50 },
}

/** What a process sends that has just been given one of the same workflow. */
const ofHead = 'the next of a queue'

describe('postgres', () => {
  let raw: TestDatabase
  let session: pg.Client
  const prepared = new Map<string, readonly Statement[]>()

  beforeAll(async () => {
    raw = await migratedDatabase('postgres')
    session = new pg.Client({ connectionString: raw.url })
    await session.connect()
    for (const [name, claim] of Object.entries(claims)) prepared.set(name, await statementsOf(claim))
    prepared.set(ofHead, await statementsOfHead())
    for (const [name, statements] of prepared) {
      await inTransaction(statements, async ({ text, parameters }) => {
        await session.query(`prepare "${name}" as ${text}`)
        await session.query(`explain execute "${name}"(${literals(parameters)})`)
      })
    }
    await fillWithExecutions({ raw }, { count: 5000, isAnalyzed: false })
  })
  afterAll(async () => {
    await session.end()
    await raw.drop()
  })

  test.each([...Object.keys(claims), ofHead])(
    'a claim of %s that was planned in an empty database reads no more of 5,000 executions than it looks at',
    async (name) => {
      const read = await mostReadBy(name)
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThanOrEqual(150)
    },
  )

  test.each(['as it was planned in an empty database', 'as it is planned with the numbers of the table'])(
    'a claim, %s, reads none of the 2,000 executions of its workflow that are running',
    async (plan) => {
      await session.query('begin')
      await session.query(running(2000))
      if (plan.includes('numbers')) await session.query('analyze executions')
      await session.query('commit')
      try {
        for (const name of prepared.keys()) expect(await mostReadBy(name), name).toBeLessThanOrEqual(150)
      } finally {
        await session.query(`delete from executions where id like 'r%'`)
      }
    },
  )

  test('a claim that is planned where all executions are running ones of its workflow reads none of them', async () => {
    for (const [name, statements] of prepared) {
      await inTransaction(statements, async ({ parameters }) => {
        await session.query('delete from execution_history')
        await session.query('delete from executions')
        await session.query(running(5000))
        await session.query('analyze executions')
        expect(await mostReadOf(name, parameters), name).toBeLessThanOrEqual(150)
      })
    }
  })

  async function mostReadBy(name: string): Promise<number> {
    let read = 0
    await inTransaction(prepared.get(name) ?? [], async ({ parameters }) => {
      read = await mostReadOf(name, parameters)
    })
    return read
  }

  async function mostReadOf(name: string, parameters: Statement['parameters']): Promise<number> {
    const { rows } = await session.query<{ readonly 'QUERY PLAN': readonly { readonly Plan: ReadNode }[] }>(
      `explain (analyze, format json) execute "${name}"(${literals(parameters)})`,
    )
    return Math.max(...(rows[0]?.['QUERY PLAN'] ?? []).map(({ Plan }) => mostRead(Plan)))
  }

  async function statementsOf(claim: Claim): Promise<readonly Statement[]> {
    const database = await openNativeDatabase({ target: targetOf(raw.url), log: () => undefined })
    const statements: Statement[] = []
    const store = watchedStore(database.transport(), { statement: (sent) => void statements.push(sent) })
    await claimExecutions(store, owner, claim)
    await database.close()
    return statements
  }

  /** As of the owner's claim of its own workflow, though given to another one, whose executions are gone again. */
  async function statementsOfHead(): Promise<readonly Statement[]> {
    const database = await openNativeDatabase({ target: targetOf(raw.url), log: () => undefined })
    const sent: Statement[] = []
    const store = watchedStore(database.transport(), { statement: (statement) => void sent.push(statement) })
    const other = { ...(await createUser(store)), issuedAt: at, mayAdminister: false }
    const workflowId = await createWorkflow(store, other)
    for (const _ of ['first', 'second']) await startExecution(store, other, workflowId)
    await claimExecutions(store, other, { ...one, workflowIds: [workflowId] })
    sent.length = 0
    const claimed = await claimExecutions(store, other, { ...one, operation: 'next', workflowIds: [workflowId] })
    expect(claimed).toMatchObject({ ok: true, value: { items: [{ attempts: 1 }] } })
    expect(sent.map(({ text }) => text.includes('head as materialized'))).toEqual([false, true])
    await raw.query('delete from execution_history')
    await raw.query('delete from executions')
    await database.close()
    const owns = new Map<unknown, string>([
      [workflowId, 'w2'],
      [other.userId, owner.userId],
    ])
    return sent.map(({ text, parameters }) => ({
      text,
      parameters: parameters.map((value) => owns.get(value) ?? value),
    }))
  }

  /** The statement itself behind those that come before it, and nothing of it stays. */
  async function inTransaction(statements: readonly Statement[], act: (last: Statement) => Promise<void>) {
    const [before, last] = statements
    if (before === undefined || last === undefined) throw new Error('a claim is two statements')
    await session.query('begin')
    await session.query(before.text, [...before.parameters])
    await act(last)
    await session.query('rollback')
  }
})

function running(count: number): string {
  return `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, lease_until, created_at, updated_at) select 'r' || i, 'w2', 'u2', 'running', 1, 1, 3, 1, timestamptz '2031-01-01' + i * interval '1 second', '2026-01-01', '2026-01-01' from generate_series(1, ${count}) i`
}

function literals(parameters: Statement['parameters']): string {
  return parameters.map(literalOf).join(', ')
}
