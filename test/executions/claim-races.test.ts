import { startGateway, type Gateway } from '@millrace/gateway'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, testWhere, type TestDatabase } from '../dialects.ts'
import { after, claim, createUser, createWorkflow, startExecution } from './kit.ts'

const claimers = 50

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let secondGateway: Gateway
  let stores: readonly Store[]
  let retries = 0
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    secondGateway = await startGateway({ target: reached.target })
    const databases = await Promise.all(
      [reached.gateway, secondGateway].map(({ url }) =>
        openDatabase({ target: reached.target, gatewayUrl: url, onRetry: () => (retries += 1) }),
      ),
    )
    stores = databases.flatMap((database) => Array.from({ length: claimers / 2 }, () => database.store()))
  })
  afterAll(async () => {
    await secondGateway.close()
    await reached.stop()
  })

  const store = () => reached.database.store()

  async function makeMany(caller: UserCaller, workflowId: string, count: number): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for (let done = 0; done < count; done += 1) {
      ids.add((await startExecution(store(), caller, workflowId, { createdAt: after(done / 1000) })).id)
    }
    return ids
  }

  test('of 50 claimers at once over two gateways each gets its share, none gets one twice and none is missed', async () => {
    const owner = await createUser(store())
    const workflowId = await createWorkflow(store(), owner)
    const ids = await makeMany(owner, workflowId, claimers * 2)
    retries = 0
    const claimed = await Promise.all(stores.map((each) => claim(each, owner, { limit: 2 })))
    // They wait for each other; none is thrown out as the victim of a deadlock.
    expect(retries).toBe(0)
    expect(claimed.map((items) => items.length)).toEqual(stores.map(() => 2))
    const given = claimed.flat()
    expect(given.map(({ fence, attempts }) => [fence, attempts])).toEqual(given.map(() => [1, 1]))
    expect(new Set(given.map(({ id }) => id))).toEqual(ids)
    expect(await claim(store(), owner, { limit: 50 })).toEqual([])
  })

  test('leases that ran out are each given once more, while workers report, renew and cancel', async () => {
    const owner = await createUser(store())
    const workflowId = await createWorkflow(store(), owner)
    const ids = [...(await makeMany(owner, workflowId, claimers))]
    expect(await claim(store(), owner, { limit: 50, at: after(1), leaseUntil: after(5) })).toHaveLength(50)
    const act = (id: string, index: number) => {
      const hold = { operation: randomUUID(), at: after(5) }
      if (index % 3 === 0) return cancelExecution(store(), owner, id, hold)
      if (index % 3 === 1) return renewLease(store(), owner, id, { fence: 1, leaseUntil: after(60), ...hold })
      const report = { fence: 1, step: 'complete', dueAt: null, leaseUntil: undefined } as const
      return reportExecution(store(), owner, id, { ...report, ...hold })
    }
    const [claimed, acted] = await Promise.all([
      Promise.all(
        stores.slice(0, 20).map((each) => claim(each, owner, { limit: 2, at: after(6), leaseUntil: after(66) })),
      ),
      Promise.all(ids.slice(0, 30).map(act)),
    ])
    const given = claimed.flat().map(({ id }) => id)
    expect(new Set(given).size).toBe(given.length)
    for (const [index, id] of ids.slice(0, 30).entries()) {
      const found = await getExecution(store(), owner, id)
      if (!found.ok) throw new Error(found.refusal)
      const { status, fence } = found.value
      if (index % 3 === 0) expect(status).toBe('cancelled')
      // Either the worker wrote in time, and no claim took it, or the claim did, and the worker was shut out.
      else if (acted[index]?.ok === true)
        expect({ fence, isGiven: given.includes(id) }).toEqual({ fence: 1, isGiven: false })
      else
        expect({ fence, status, isGiven: given.includes(id) }).toEqual({ fence: 2, status: 'running', isGiven: true })
    }
  })

  test('owners and administrators who claim at once share what is there', async () => {
    const owner = await createUser(store())
    const administrator = await createUser(store(), 'admin')
    const workflowId = await createWorkflow(store(), owner)
    const ids = await makeMany(owner, workflowId, 30)
    const given: string[] = []
    const work = async (each: Store, caller: UserCaller) => {
      for (;;) {
        const items = await claim(each, caller, { limit: 1, workflowIds: [workflowId] })
        if (items.length === 0) return
        given.push(...items.map(({ id }) => id))
      }
    }
    await Promise.all(stores.slice(0, 10).map((each, index) => work(each, index % 2 === 0 ? owner : administrator)))
    expect(given.toSorted()).toEqual([...ids].toSorted())
  })

  /** What a claim meets whose statement has looked already, and takes hold of nothing yet. */
  const meanwhile = {
    'was given back until later': `status = 'pending', due_at = '${after(100).toISOString()}', lease_until = null`,
    'was paused until later': `status = 'paused', due_at = '${after(100).toISOString()}', lease_until = null`,
    'was paused until it is resumed': `status = 'paused', lease_until = null`,
    'was renewed': `lease_until = '${after(100).toISOString()}'`,
    'was renewed, and due before it was claimed': `lease_until = '${after(100).toISOString()}', due_at = '${after(1).toISOString()}'`,
    'was completed': `status = 'completed', lease_until = null, completed_at = '${after(9).toISOString()}'`,
  }
  for (const [name, change] of Object.entries(meanwhile)) {
    // Elsewhere a claim looks and takes hold at once.
    testWhere(dialect === 'postgres', `a claim leaves what ${name} after it looked`, async () => {
      const { owner, id, workflowId } = await lostLease()
      const waiting = await makeClaimsWait(reached.raw)
      try {
        const claimed = claim(store(), owner, { limit: 2, at: after(10), workflowIds: [workflowId] })
        await waiting.untilOneWaits()
        await reached.raw.query(`update executions set ${change} where id = '${id}'`)
        await waiting.end()
        expect(await claimed).toEqual([])
      } finally {
        await waiting.end()
      }
      expect(await getExecution(store(), owner, id)).toMatchObject({ value: { fence: 1, attempts: 1 } })
    })
  }

  const givenUp = {
    'was given back': `status = 'pending', due_at = null, lease_until = null`,
    'was paused until a moment that has come': `status = 'paused', due_at = '${after(6).toISOString()}', lease_until = null`,
  }
  for (const [name, change] of Object.entries(givenUp)) {
    testWhere(dialect === 'postgres', `a claim of what ${name} after it looked tells of no lost lease`, async () => {
      for (const maxAttempts of [3, 1]) {
        const { owner, id, workflowId } = await lostLease({ maxAttempts })
        const waiting = await makeClaimsWait(reached.raw)
        const claimed = claim(store(), owner, { limit: 2, at: after(10), workflowIds: [workflowId] })
        try {
          await waiting.untilOneWaits()
          await reached.raw.query(`update executions set ${change} where id = '${id}'`)
        } finally {
          await waiting.end()
        }
        const isSpent = maxAttempts === 1
        expect((await claimed).map((item) => item.id)).toEqual(isSpent ? [] : [id])
        const last = isSpent ? 'failed' : 'claimed'
        const entries = await reached.raw.query(
          `select type from execution_history where execution_id = '${id}' order by seq`,
        )
        expect(entries.map(({ type }) => type)).toEqual(['created', 'claimed', last])
        const found = await getExecution(store(), owner, id)
        const error = isSpent ? expect.stringContaining('"attempts_used_up"') : null
        expect(found).toMatchObject({ value: { status: isSpent ? 'failed' : 'running', error } })
      }
    })
  }

  for (const [name, change] of Object.entries({
    'was cancelled': `status = 'cancelled', completed_at = '${after(9).toISOString()}'`,
    'was put off': `due_at = '${after(100).toISOString()}'`,
  })) {
    testWhere(dialect === 'postgres', `a claim leaves the head of a queue that ${name} after it looked`, async () => {
      const owner = await createUser(store())
      const workflowId = await createWorkflow(store(), owner)
      await makeMany(owner, workflowId, 1)
      const claimed = () => claim(store(), owner, { at: after(10), workflowIds: [workflowId] })
      // Now the process knows that the workflow has a queue.
      expect(await claimed()).toHaveLength(1)
      const [id = ''] = await makeMany(owner, workflowId, 1)
      const waiting = await makeClaimsWait(reached.raw)
      try {
        const late = claimed()
        await waiting.untilOneWaits()
        await reached.raw.query(`update executions set ${change} where id = '${id}'`)
        await waiting.end()
        expect(await late).toEqual([])
      } finally {
        await waiting.end()
      }
      expect(await getExecution(store(), owner, id)).toMatchObject({ value: { fence: 0, attempts: 0 } })
    })
  }

  testWhere(
    dialect === 'postgres',
    'a claim gives no more than it was asked for where others hold what has its attempts used up',
    async () => {
      for (const limit of [1, 2]) {
        const { owner, id, workflowId } = await lostLease({ maxAttempts: 1 })
        await makeMany(owner, workflowId, limit + 2)
        const holder = await openSession(reached.raw)
        try {
          await holder.query('begin')
          await holder.query(`select 1 from executions where id = '${id}' for update`)
          expect(await claim(store(), owner, { limit, workflowIds: [workflowId] })).toHaveLength(limit)
        } finally {
          await holder.end()
        }
      }
    },
  )

  /** An execution whose lease ran out at the fifth second. */
  async function lostLease(given: Parameters<typeof startExecution>[3] = {}) {
    const owner = await createUser(store())
    const workflowId = await createWorkflow(store(), owner)
    const { id } = await startExecution(store(), owner, workflowId, { createdAt: after(-1), ...given })
    await claim(store(), owner, { workflowIds: [workflowId], at: after(1), leaseUntil: after(5) })
    return { owner, id, workflowId }
  }
})

async function openSession({ url }: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url.replace(/^(\w+)\+\w+/, '$1') })
  await client.connect()
  return client
}

const turn = 77

/**
 * Has whatever reads the value of a mark wait, as each claim does, when its statement has its snapshot already: for so long they
 * are a view.
 */
async function makeClaimsWait(raw: TestDatabase) {
  const holder = await openSession(raw)
  await holder.query(`select pg_advisory_lock(${turn})`)
  await holder.query(`
    create function wait_for_turn() returns boolean language plpgsql volatile as
      $$ begin perform pg_advisory_xact_lock_shared(${turn}); return true; end $$;
    alter table marks rename to marks_kept;
    create view marks as
      select name, owner, case when wait_for_turn() then value end as value, lease_until from marks_kept`)
  let hasEnded = false
  return {
    untilOneWaits: () =>
      expect
        .poll(() => raw.query(`select 1 from pg_locks where locktype = 'advisory' and objid = ${turn} and not granted`))
        .toHaveLength(1),
    async end() {
      if (hasEnded) return
      hasEnded = true
      await holder.query(`select pg_advisory_unlock(${turn})`)
      await holder.query('drop view marks; alter table marks_kept rename to marks; drop function wait_for_turn()')
      await holder.end()
    },
  }
}
