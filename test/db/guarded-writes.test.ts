import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rowLock } from '@millrace/db/sql/row-lock'
import { buildQuery, buildStatement } from '@millrace/db/sql/building'
import { asProven } from '@millrace/db/access/access'
import { asItself, type GuardedWrite } from '@millrace/db/store/guarded-write'
import type { Store } from '@millrace/db/store/store'
import { openDatabase } from '@millrace/drivers/open'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'

/* The builder itself, on the table of log-in attempts, which no other write of this suite touches. */

const at = new Date('2026-01-31T09:30:00.000Z')
let counter = 0
const unique = (kind: string) => `${kind}-${(counter += 1)}`

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let trips = 0

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store({ trip: () => (trips += 1) })
  })
  afterAll(() => reached.stop())

  function insertAttempt(id: string, nameKey = 'n') {
    const { builder, tables } = store.dialect
    const row = { id, kind: 'test', nameKey, network: 'n', attemptedAt: at }
    return buildStatement(builder.insert(tables.loginAttempts).values(row))
  }

  /** Changes an attempt's name from the one expected to another. */
  function rename(id: string, from: string, to: string): Pick<GuardedWrite, 'locks' | 'gate' | 'proof'> {
    const { builder, tables } = store.dialect
    const { loginAttempts, users } = tables
    const condition = sql`${loginAttempts.id} = ${id} and ${loginAttempts.nameKey} = ${from}`
    return {
      locks: [rowLock(store.dialect, 'users', 'share', eq(users.id, id))],
      gate: buildStatement(builder.update(loginAttempts).set({ nameKey: to }).where(condition)),
      proof: found(`${id}-${to}`),
    }
  }

  function found(id: string) {
    const { builder, tables } = store.dialect
    return buildQuery(
      builder
        .select({ nameKey: tables.loginAttempts.nameKey })
        .from(tables.loginAttempts)
        .where(eq(tables.loginAttempts.id, id)),
    )
  }

  const namesOf = async (id: string) => (await store.read(found(id))).map(({ nameKey }) => nameKey)

  test('an open gate lets all happen, and the answer is of the same transaction, in one trip where batches are', async () => {
    const id = unique('open')
    await store.tidy([insertAttempt(id, 'one')])
    trips = 0
    const outcome = await store.apply({
      ...rename(id, 'one', 'two'),
      effects: [insertAttempt(`${id}-two`)],
      answer: found(id),
    })
    expect({ outcome, trips }).toEqual({
      outcome: { isOpen: true, affected: 1, rows: [{ nameKey: 'two' }], readAs: asProven },
      trips: dialect === 'mysql' ? 5 : 1,
    })
    expect(await namesOf(`${id}-two`)).toEqual(['n'])
  })

  test('a closed gate ends the whole batch without a condition in what follows it, in the same trip', async () => {
    const id = unique('closed')
    await store.tidy([insertAttempt(id, 'one')])
    trips = 0
    const outcome = await store.apply({
      ...rename(id, 'another', 'two'),
      effects: [insertAttempt(`${id}-two`)],
      answer: found(id),
    })
    expect({ outcome, trips }).toEqual({
      outcome: { isOpen: false, rows: [], readAs: asItself },
      trips: dialect === 'mysql' ? 3 : 1,
    })
    expect(await namesOf(id)).toEqual(['one'])
    expect(await namesOf(`${id}-two`)).toEqual([])
  })

  test('a write that answers when closed tells why in the same trip', async () => {
    const id = unique('told')
    await store.tidy([insertAttempt(id, 'one')])
    trips = 0
    const outcome = await store.apply({
      ...rename(id, 'another', 'two'),
      answer: found(id),
      answersWhenClosed: true,
    })
    expect({ outcome, trips }).toEqual({
      outcome: { isOpen: false, rows: [{ nameKey: 'one' }], readAs: asItself },
      trips: dialect === 'mysql' ? 4 : 1,
    })
  })

  test('a gate alone, where nothing is locked, is one trip', async () => {
    const id = unique('alone')
    await store.tidy([insertAttempt(id, 'one')])
    trips = 0
    const write = { ...rename(id, 'one', 'two'), locks: [] }
    expect(await store.apply(write)).toEqual({ isOpen: true, affected: 1, rows: [], readAs: asProven })
    expect(await store.apply(write)).toEqual({ isOpen: false, rows: [], readAs: asItself })
    expect(trips).toBe(2)
  })

  test('an effect that breaks a unique key undoes the gate', async () => {
    const id = unique('broken')
    await store.tidy([insertAttempt(id, 'one')])
    const write = { ...rename(id, 'one', 'two'), effects: [insertAttempt(id)] }
    await expect(store.apply(write)).rejects.toMatchObject({ fault: 'unique_violation', isNotApplied: true })
    expect(await namesOf(id)).toEqual(['one'])
  })

  test('how many rows a gate affected is told', async () => {
    const name = unique('many')
    await store.tidy([insertAttempt(`${name}-1`, name), insertAttempt(`${name}-2`, name)])
    const { builder, tables } = store.dialect
    const { loginAttempts } = tables
    const remove = builder.delete(loginAttempts).where(eq(loginAttempts.nameKey, name))
    const outcome = await store.apply({
      locks: [],
      gate: buildStatement(remove),
      effects: [insertAttempt(`${name}-3`)],
      proof: found(`${name}-3`),
    })
    expect(outcome).toMatchObject({ isOpen: true, affected: 2 })
  })

  test('thirty writers of one row at once all come through, one after the other', { timeout: 60_000 }, async () => {
    const id = unique('contended')
    await store.tidy([insertAttempt(id, '0'), insertAttempt(`${id}-other`, '0')])
    const { builder, tables } = store.dialect
    const { loginAttempts } = tables
    const increment = (one: string) =>
      buildStatement(
        builder
          .update(loginAttempts)
          .set({ attemptedAt: at, network: store.dialect.concat(sql`${loginAttempts.network}`, sql`'+'`) })
          .where(eq(loginAttempts.id, one)),
      )
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, async (_none, writer) => {
        // In both orders, so that they meet in deadlocks.
        const [first, second] = writer % 2 === 0 ? [id, `${id}-other`] : [`${id}-other`, id]
        const own = await openDatabase({ target: reached.target, gatewayUrl: reached.gateway.url })
        return own.store().apply({
          locks: [],
          gate: increment(first),
          effects: [increment(second), insertAttempt(`${id}-of-${writer}`)],
          proof: found(`${id}-of-${writer}`),
        })
      }),
    )
    expect(outcomes.every(({ isOpen }) => isOpen)).toBe(true)
    const [row] = await reached.raw.query(`select network from login_attempts where id = '${id}'`)
    expect(row).toEqual({ network: `n${'+'.repeat(30)}` })
  })
})
