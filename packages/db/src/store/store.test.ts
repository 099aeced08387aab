import { describe, expect, test } from 'vitest'
import type { UserCaller } from '../access/access.ts'
import { sqlite } from '../dialects/sqlite/dialect.ts'
import { databaseError, gateClosed } from '../sql/errors.ts'
import type { Query, RawResult, Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import { createRetryBudget, defaultRetryPolicy } from './retry.ts'
import { createStore } from './store.ts'

/** What becomes of one trip. */
type Fate =
  | 'done'
  | 'nothing done'
  | 'lost'
  | 'refused'
  | 'taken'
  | 'key taken'
  | 'too large'
  | 'closed'
  | 'deadlock'
  | 'found'
  | 'not found'
  | 'look-up refused'

const lost = databaseError('database_unreachable', 'lost', { isNotApplied: false })
const refused = databaseError('pool_exhausted', 'refused', { isNotApplied: true })
const deadlock = databaseError('deadlock', 'deadlock', { isNotApplied: true })
const taken = databaseError('unique_violation', 'taken', { isNotApplied: true, constraint: 'a_pk' })

const keyTaken = databaseError('unique_violation', 'taken', { isNotApplied: true, constraint: 'idempotency_keys_pk' })

const tooLarge = databaseError('row_too_large', 'too large', { isNotApplied: true })

const statement = (text: string): Statement => ({ text, parameters: [] })
const query = (text: string): Query<unknown> => ({ text, parameters: [], decode: ([value]) => value })
const one: RawResult = { rows: [['answer']], affected: 1 }

/** A transport whose trips end as they are told to, in order, and that writes down what each was. */
function scripted(fates: readonly Fate[]) {
  const sent: string[] = []
  const left = [...fates]
  const next = (kind: string): Fate => {
    sent.push(kind)
    const fate = left.shift()
    if (fate === undefined) throw new Error(`one trip more than expected: ${sent.join(', ')}`)
    return fate
  }
  const end = (fate: Fate): RawResult => {
    switch (fate) {
      case 'done':
      case 'found':
        return one
      case 'nothing done':
      case 'not found':
        return { rows: [], affected: 0 }
      case 'lost':
        throw lost
      case 'refused':
      case 'look-up refused':
        throw refused
      case 'taken':
        throw taken
      case 'key taken':
        throw keyTaken
      case 'too large':
        throw tooLarge
      case 'closed':
        throw gateClosed()
      case 'deadlock':
        throw deadlock
    }
  }
  const transport: Transport = {
    dialect: sqlite,
    limits: { maxParameters: 10, maxBatchStatements: 10, maxStatementBytes: 1000 },
    async run({ text }) {
      return Promise.resolve(end(next(text)))
    },
    async transact(writes, reads) {
      const result = end(next('batch'))
      return Promise.resolve([...writes, ...reads].map(() => result))
    },
  }
  const store = createStore(transport, {
    ensureSchema: () => Promise.resolve(),
    retrying: { policy: { ...defaultRetryPolicy, firstDelayMilliseconds: 1 }, budget: createRetryBudget(1000) },
  })
  return { store, sent, rest: left }
}

const write = { locks: [], gate: statement('gate'), effects: [statement('effect')], proof: query('proof') }

describe('a guarded write', () => {
  const cases: readonly {
    readonly name: string
    readonly fates: readonly Fate[]
    readonly sent: readonly string[]
    readonly isOpen: boolean
  }[] = [
    { name: 'that is answered is sent once', fates: ['done'], sent: ['batch'], isOpen: true },
    { name: 'whose gate is closed is no error', fates: ['closed'], sent: ['batch'], isOpen: false },
    { name: 'that lost is looked up and found', fates: ['lost', 'found'], sent: ['batch', 'proof'], isOpen: true },
    {
      name: 'that lost and is not there is sent again',
      fates: ['lost', 'not found', 'done'],
      sent: ['batch', 'proof', 'batch'],
      isOpen: true,
    },
    {
      name: 'that lost is looked up before it is sent again, also when a look-up was refused meanwhile',
      fates: ['lost', 'look-up refused', 'found'],
      sent: ['batch', 'proof', 'proof'],
      isOpen: true,
    },
    {
      name: 'that lost and met a deadlock then is looked up again',
      fates: ['lost', 'not found', 'deadlock', 'found'],
      sent: ['batch', 'proof', 'batch', 'proof'],
      isOpen: true,
    },
    {
      name: 'that lost and came to the database late, so that it closed the gate for the second, was applied',
      fates: ['lost', 'not found', 'closed', 'found'],
      sent: ['batch', 'proof', 'batch', 'proof'],
      isOpen: true,
    },
    {
      name: 'that lost and came to the database late, so that its id is taken for the second, was applied',
      fates: ['lost', 'not found', 'taken', 'found'],
      sent: ['batch', 'proof', 'batch', 'proof'],
      isOpen: true,
    },
    {
      name: 'that meets twelve deadlocks in a row comes through',
      fates: [...Array.from({ length: 12 }, () => 'deadlock' as const), 'done'],
      sent: Array.from({ length: 13 }, () => 'batch'),
      isOpen: true,
    },
  ]
  test.each(cases)('$name', async ({ fates, sent, isOpen }) => {
    const script = scripted(fates)
    const outcome = await script.store.apply(write)
    expect({ isOpen: outcome.isOpen, sent: script.sent, rest: script.rest }).toEqual({ isOpen, sent, rest: [] })
  })

  test.each([
    { name: 'is closed', fates: ['lost', 'not found', 'closed', 'not found'] },
    { name: 'breaks on a unique key', fates: ['lost', 'not found', 'taken', 'not found'] },
    { name: 'would make a row too large', fates: ['lost', 'not found', 'too large', 'not found'] },
    {
      name: 'is closed, when a deadlock came between',
      fates: ['lost', 'not found', 'deadlock', 'not found', 'closed', 'not found'],
    },
  ] as const)('that lost an answer is not refused because it $name: the first attempt may arrive late', async (one) => {
    const { store, rest } = scripted(one.fates)
    await expect(store.apply(write)).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
    expect(rest).toEqual([])
  })

  test('that lost an answer is told that its Idempotency-Key is taken, since the first attempt breaks on it as well', async () => {
    const { store, rest } = scripted(['lost', 'not found', 'key taken', 'not found'])
    await expect(store.apply(write)).rejects.toMatchObject({ constraint: 'idempotency_keys_pk' })
    expect(rest).toEqual([])
  })

  test('that lost an answer is never called certainly not applied, whatever the last error was', async () => {
    const { store } = scripted(['lost', 'not found', 'refused', 'not found', 'refused', 'not found', 'refused'])
    await expect(store.apply(write)).rejects.toMatchObject({ trouble: 'pool_exhausted', isNotApplied: false })
  })

  test.each([
    { name: 'as whoever may no more, where a look-up finds it done', fates: ['lost', 'found', 'done'], isProven: true },
    {
      name: 'as whoever may no more, where it may be late',
      fates: ['lost', 'not found', 'taken', 'found', 'done'],
      isProven: true,
    },
    { name: 'so also where its gate was open', fates: ['done'], isProven: true },
    { name: 'as the caller itself, where its gate was closed', fates: ['closed'], isProven: undefined },
  ] as const)('has its answer read $name', async ({ fates, isProven }) => {
    const caller: UserCaller = { kind: 'user', userId: 'user', issuedAt: new Date(0), mayAdminister: false }
    const readAs: UserCaller[] = []
    const { readAs: judgedAs } = await scripted(fates).store.apply({
      ...write,
      answer: (as) => {
        readAs.push(as(caller))
        return query('answer')
      },
    })
    expect(judgedAs(caller).isProven).toBe(isProven)
    expect(readAs.at(-1)?.isProven).toBe(true)
  })

  test('whose id is taken, without a loss, is refused', async () => {
    const { store, sent } = scripted(['taken'])
    await expect(store.apply(write)).rejects.toMatchObject({ constraint: 'a_pk', isNotApplied: true })
    expect(sent).toEqual(['batch'])
  })
})

describe('a write that is one statement', () => {
  const change = { locks: [], statement: query('statement'), lookup: () => query('look-up') }

  test.each([
    { name: 'that did nothing tells it', fates: ['nothing done'], sent: ['statement'], affected: 0 },
    {
      name: 'that lost and is not there is sent again, and looked up',
      fates: ['lost', 'not found', 'done', 'found'],
      sent: ['statement', 'look-up', 'statement', 'look-up'],
      affected: 1,
    },
    {
      name: 'that lost and came to the database late, so that the second did nothing, was applied',
      fates: ['lost', 'not found', 'nothing done', 'found'],
      sent: ['statement', 'look-up', 'statement', 'look-up'],
      affected: 1,
    },
  ] as const)('$name', async ({ fates, sent, affected }) => {
    const script = scripted(fates)
    expect((await script.store.change(change)).affected).toBe(affected)
    expect({ sent: script.sent, rest: script.rest }).toEqual({ sent, rest: [] })
  })

  test.each([['nothing done'], ['taken']] as const)(
    'that lost is not refused because it ended as %s: the first attempt may arrive late',
    async (fate) => {
      const { store, rest } = scripted(['lost', 'not found', fate, 'not found'])
      await expect(store.change(change)).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
      expect(rest).toEqual([])
    },
  )
})

describe('statements that tidy up', () => {
  test('are sent again after a deadlock, and never after a lost answer', async () => {
    const { store, sent } = scripted(['deadlock', 'lost'])
    await expect(store.tidy([statement('a'), statement('b')])).rejects.toMatchObject({ isNotApplied: false })
    expect(sent).toEqual(['batch', 'batch'])
  })
})
