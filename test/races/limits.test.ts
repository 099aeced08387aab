import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Attempt } from '@millrace/db/repositories/accounts/login-attempts'
import { countAttempt } from '@millrace/db/repositories/accounts/login-attempts'
import { beginLogin, logIn } from '@millrace/db/repositories/accounts/credentials'
import { defaultRateLimits as rates } from '@millrace/db/repositories/accounts/rate-limits'
import { registerAccount } from '@millrace/db/repositories/accounts/users'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'

const now = new Date('2026-01-31T09:30:00.000Z')
const expiresAt = new Date('2026-03-01T00:00:00.000Z')
const done = { ok: true, value: undefined }

let counter = 0
const unique = (kind: string): string => `${kind}${(counter += 1)}`

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())

  const times = <Result>(count: number, act: () => Promise<Result>): Promise<Result[]> =>
    Promise.all(Array.from({ length: count }, act))

  function attempt(kind: Attempt['kind'], nameKey: string, network: string): Attempt {
    return { id: unique('attempt'), kind, nameKey, network, rates, at: now }
  }

  function sessionOf(userId: string) {
    const names = { id: unique('session'), familyId: unique('family'), userId, refreshSha256: unique('sha') }
    return { ...names, userAgent: null, createdAt: now, expiresAt }
  }

  function register(network: string, id = unique('user')) {
    const names = { username: id, usernameKey: id, email: `${id}@x`, emailKey: `${id}@x`, passwordHash: 'h' }
    const user = { id, ...names, role: 'user' as const, createdAt: now }
    const origin = { requestId: 'request', network }
    return registerAccount(reached.database.store(), { user, session: sessionOf(id), origin })
  }

  test('accounts from many networks at once are all made', async () => {
    expect(await times(40, () => register(unique('net')))).toEqual(Array.from({ length: 40 }, () => done))
  })

  test('failures of many names and networks at once are all counted', async () => {
    const outcomes = await times(60, () =>
      countAttempt(reached.database.store(), attempt('login', unique('name'), unique('net'))),
    )
    expect(outcomes).toEqual(Array(60).fill(undefined))
  })

  test('of many names from one network a hundred are counted', async () => {
    const network = unique('net')
    const outcomes = await times(120, () =>
      countAttempt(reached.database.store(), attempt('login', unique('name'), network)),
    )
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(100)
  })

  test('right passwords amid wrong ones of the same user, from other networks, all get in', async () => {
    const id = unique('user')
    expect(await register(unique('net'), id)).toEqual(done)
    const outcomes = await times(20, async () => {
      const network = unique('net')
      const origin = { requestId: 'request', network }
      const login = {
        id: unique('attempt'),
        eventId: unique('event'),
        nameKey: id,
        nameDigest: 'd',
        origin,
        rates,
        at: now,
      }
      await beginLogin(reached.database.store(), { ...login, id: unique('attempt') })
      const begun = await beginLogin(reached.database.store(), login)
      if (!begun.ok) throw new Error(begun.refusal)
      const right = { userId: id, passwordHash: 'h', newHash: undefined, origin }
      return logIn(reached.database.store(), right, sessionOf(id), begun.counted)
    })
    expect(outcomes).toEqual(Array.from({ length: 20 }, () => done))
  })
})
