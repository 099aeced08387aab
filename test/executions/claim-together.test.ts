import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions, type Claim } from '@millrace/db/repositories/executions/claim'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { databaseError } from '@millrace/db/sql/errors'
import type { Connection } from '@millrace/db/sql/transport'
import { createDatabase, type Database } from '@millrace/db/store/database'
import { connectNative, isNative } from '@millrace/drivers/native/open'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeDialects, type TestDatabase } from '../dialects.ts'
import { targetOf } from '../target.ts'
import { migratedDatabase } from '../templates.ts'
import { after, claimOf, createUser, createWorkflow, startExecution } from './kit.ts'

const claimers = 40

describeDialects((dialect) => {
  let raw: TestDatabase
  let database: Database
  let owner: UserCaller
  let workflowId: string
  /** Round trips that change something, by the requests that made them. */
  let sent = 0
  let losesAnswer = false

  beforeAll(async () => {
    raw = await migratedDatabase(dialect)
    const target = targetOf(raw.url)
    if (!isNative(target)) throw new Error('this database has no native driver')
    const connection = await connectNative(target, { timeoutSeconds: 30, log: () => undefined })
    database = createDatabase(withLosses(connection), { sharesTrips: true })
    owner = await createUser(database.store())
  })
  afterAll(async () => {
    await database.close()
    await raw.drop()
  })
  beforeEach(async () => {
    workflowId = await createWorkflow(database.store(), owner)
    sent = 0
  })

  function withLosses(connection: Connection): Connection {
    return {
      ...connection,
      transport(observer) {
        const transport = connection.transport(observer)
        return {
          ...transport,
          async transact(writes, reads) {
            sent += 1
            const results = await transport.transact(writes, reads)
            if (!losesAnswer || sent < 2) return results
            losesAnswer = false
            throw databaseError('database_unreachable', 'the answer is lost', { isNotApplied: false })
          },
        }
      },
    }
  }

  /** Those that wait for no other are due one after the other. */
  async function makeMany(count: number, given: Parameters<typeof startExecution>[3] = {}): Promise<readonly string[]> {
    const ids: string[] = []
    for (let made = 0; made < count; made += 1) {
      const createdAt = after(made / 1000)
      ids.push((await startExecution(database.store(), owner, workflowId, { createdAt, ...given })).id)
    }
    sent = 0
    return ids
  }

  const claimBy = (caller: UserCaller, given: Partial<Claim> = {}) =>
    claimExecutions(database.store(), caller, claimOf({ workflowIds: [workflowId], ...given }))

  async function taken(claimed: ReturnType<typeof claimBy>): Promise<readonly string[]> {
    const outcome = await claimed
    if (!outcome.ok || !('items' in outcome.value)) throw new Error('a claim was refused')
    return outcome.value.items.map(({ id }) => id)
  }

  const everyone = (given: Partial<Claim> = {}) =>
    Promise.all(
      Array.from({ length: claimers }, (_, place) => taken(claimBy(owner, { worker: `worker-${place}`, ...given }))),
    )

  /** As the row has it, and as each claim's entry in the history has it. */
  async function workersOf(id: string): Promise<readonly unknown[]> {
    const rows = await raw.query(`select lease_owner as worker from executions where id = '${id}'`)
    const entries = await listEntries(database.store(), owner, id, { of: 'history', afterSeq: 0, limit: 10 })
    if (!entries.ok) throw new Error(entries.refusal)
    const claims = entries.value.entries.filter(({ type }) => type === 'claimed')
    return [...rows, ...claims].map(({ worker }) => worker)
  }

  test('claims at once get one each, the oldest that there are, in a few statements', async () => {
    const ids = await makeMany(claimers + 5)
    const given = await everyone()
    expect(given.map((items) => items.length)).toEqual(given.map(() => 1))
    expect(given.flat().toSorted()).toEqual(ids.slice(0, claimers).toSorted())
    expect(sent).toBeLessThan(claimers / 4)
  })

  test('each execution is leased by the worker that it was given to, and its history says so', async () => {
    await makeMany(12)
    const given = await everyone()
    for (const [place, ids] of given.entries()) {
      for (const id of ids) expect(await workersOf(id)).toEqual([`worker-${place}`, `worker-${place}`])
    }
    expect(given.flat()).toHaveLength(12)
  })

  test('of more claims than there is work the others get nothing, and nothing is left or given twice', async () => {
    const ids = await makeMany(9)
    const given = await everyone()
    expect(given.flat().toSorted()).toEqual(ids.toSorted())
    expect(given.filter((items) => items.length > 1)).toEqual([])
  })

  test('what has its attempts used up fails on the way and takes no claim’s place', async () => {
    await makeMany(30, { maxAttempts: 1 })
    await everyone({ at: after(10), leaseUntil: after(11) })
    const fresh = await makeMany(claimers, { createdAt: after(12) })
    const given = await everyone({ at: after(20), leaseUntil: after(80) })
    expect(given.flat().toSorted()).toEqual(fresh.toSorted())
  })

  test('who may not is refused, beside others of the same user who may', async () => {
    await makeMany(10)
    const revoked: UserCaller = { ...owner, keySha256: 'no such key' }
    const outdated: UserCaller = { ...owner, issuedAt: after(-3600) }
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => [taken(claimBy(owner)), claimBy(revoked), claimBy(outdated)]).flat(),
    )
    const refused = { ok: false, refusal: 'unauthenticated' }
    for (let place = 0; place < outcomes.length; place += 3) {
      expect(outcomes.slice(place, place + 3)).toEqual([[expect.any(String)], refused, refused])
    }
  })

  /** What the owner's workers come with, each with its own. */
  async function credentialed(kind: 'key' | 'session', count: number): Promise<readonly UserCaller[]> {
    const made: UserCaller[] = []
    for (let place = 0; place < count; place += 1) {
      const text = randomUUID()
      const from = `created_at from users where id = '${owner.userId}'`
      await raw.query(
        kind === 'key'
          ? `insert into api_keys (id, user_id, name, scopes, prefix, key_sha256, created_at) select '${text}', id, 'worker', 'work', 'mr', '${text}', ${from}`
          : `insert into sessions (id, family_id, user_id, refresh_sha256, expires_at, created_at, last_used_at) select '${text}', '${text}', id, '${text}', created_at, created_at, ${from}`,
      )
      made.push({ ...owner, ...(kind === 'key' ? { keySha256: text } : { sessionId: text }) })
    }
    return made
  }

  /** From then on they go together: what one came with has counted by itself. */
  async function countOnce(callers: readonly UserCaller[]): Promise<void> {
    await makeMany(callers.length)
    await Promise.all(callers.map((caller) => taken(claimBy(caller))))
  }

  for (const kind of ['key', 'session'] as const) {
    test(`claims with a ${kind} each go together too, the oldest that there are`, async () => {
      const callers = await credentialed(kind, claimers)
      await countOnce(callers)
      const ids = await makeMany(claimers + 5)
      const given = await Promise.all(
        callers.map((caller, place) => taken(claimBy(caller, { worker: `worker-${place}` }))),
      )
      expect(given.map((items) => items.length)).toEqual(given.map(() => 1))
      expect(given.flat().toSorted()).toEqual(ids.slice(0, claimers).toSorted())
      expect(sent).toBeLessThan(claimers / 4)
      for (const [place, [id = '']] of given.entries())
        expect(await workersOf(id)).toEqual([`worker-${place}`, `worker-${place}`])
    })

    test(`a ${kind} that has ended is refused among others, which get theirs, and takes nothing`, async () => {
      const callers = await credentialed(kind, 12)
      await countOnce(callers)
      const ids = await makeMany(20)
      const [table, column] = kind === 'key' ? ['api_keys', 'key_sha256'] : ['sessions', 'family_id']
      const ended = callers[3]?.keySha256 ?? callers[3]?.sessionId
      await raw.query(`delete from ${table} where ${column} = '${ended}'`)
      // The first one goes by itself, and the others together.
      const getting = callers.toSpliced(3, 1).map((caller) => taken(claimBy(caller)))
      const refused = claimBy(callers[3] ?? owner)
      expect(await refused).toEqual({ ok: false, refusal: 'unauthenticated' })
      expect((await Promise.all(getting)).flat().toSorted()).toEqual(ids.slice(0, 11).toSorted())
    })
  }

  test('of two sessions the one whose token is too old is refused, and the other gets its own', async () => {
    const [first, second] = await credentialed('session', 2)
    if (first === undefined || second === undefined) throw new Error('there are two')
    const callers = [first, second, { ...second, issuedAt: after(-3600) }, first, second]
    await countOnce([first, second])
    await makeMany(5)
    const outcomes = await Promise.all(callers.map((caller) => claimBy(caller)))
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, false, true, true])
  })

  test('made up keys of a user never go together with those that count', async () => {
    const callers = await credentialed('key', 10)
    await countOnce(callers)
    await makeMany(10)
    const madeUp = (place: number): UserCaller => ({ ...owner, keySha256: `made up ${place}` })
    const outcomes = await Promise.all(
      callers.flatMap((caller, place) => [taken(claimBy(caller)), claimBy(madeUp(place))]),
    )
    for (let place = 0; place < outcomes.length; place += 2) {
      expect(outcomes.slice(place, place + 2)).toEqual([
        [expect.any(String)],
        { ok: false, refusal: 'unauthenticated' },
      ])
    }
    await makeMany(10)
    expect(await Promise.all(callers.map((caller) => taken(claimBy(caller))))).toHaveLength(10)
    expect(sent).toBeLessThan(10)
  })

  test('a lost answer of one statement is looked up for all of them, and nothing is given twice', async () => {
    const ids = await makeMany(claimers)
    losesAnswer = true
    const given = await everyone()
    expect(losesAnswer).toBe(false)
    expect(given.map((items) => items.length)).toEqual(given.map(() => 1))
    expect(given.flat().toSorted()).toEqual(ids.toSorted())
    for (const [place, [id = '']] of given.entries())
      expect(await workersOf(id)).toEqual([`worker-${place}`, `worker-${place}`])
  })

  test('a claim under a key and one of several executions go by themselves', async () => {
    const ids = await makeMany(6)
    const key = { key: randomUUID(), fingerprint: 'request', at: after(10), head: { status: 200, headers: {} } }
    const under = () => claimExecutions(database.store(), owner, claimOf({ workflowIds: [workflowId] }), key)
    const [first, ...others] = await Promise.all([
      taken(under()),
      taken(claimBy(owner, { limit: 3 })),
      taken(claimBy(owner)),
      taken(claimBy(owner)),
    ])
    expect([first, ...others].map((items) => items.length)).toEqual([1, 3, 1, 1])
    expect([first, ...others].flat().toSorted()).toEqual(ids.toSorted())
    expect(await taken(under())).toEqual(first)
  })

  test('every claim hears of the round trip that served it', async () => {
    await makeMany(claimers)
    const trips = Array.from({ length: claimers }, () => 0)
    await Promise.all(
      trips.map((_, place) => {
        const store = database.store({ trip: () => (trips[place] = (trips[place] ?? 0) + 1) })
        return claimExecutions(store, owner, claimOf({ workflowIds: [workflowId] }))
      }),
    )
    expect(Math.min(...trips)).toBeGreaterThan(0)
  })
})
