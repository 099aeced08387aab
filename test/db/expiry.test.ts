import { sweepIdempotencyKeys, sweepLoginAttempts, sweepSessions } from '@millrace/db/repositories/accounts/expiry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'

const now = new Date('2026-03-02T12:00:00.000Z')
const hourMilliseconds = 60 * 60 * 1000

describeDialects((dialect) => {
  let reached: ReachedDatabase
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await reached.raw.query(
      `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) values ('u', 'u', 'u@x', 'h', ${moment(0)}, 'u', 'u@x', 'user', ${moment(0)}, ${moment(0)})`,
    )
  })
  afterAll(() => reached.stop())

  /** A moment so many hours from now, as the dialect's own SQL has it. */
  function moment(hours: number, extraMilliseconds = 0): string {
    const at = new Date(now.getTime() + hours * hourMilliseconds + extraMilliseconds)
    if (dialect === 'sqlite') return String(at.getTime())
    const text = at.toISOString()
    return dialect === 'postgres' ? `'${text}'` : `'${text.replace('T', ' ').replace('Z', '')}'`
  }

  async function idsOf(statement: string): Promise<unknown[]> {
    return (await reached.raw.query(statement)).map(({ id }) => id)
  }

  test('sessions go when they have expired', async () => {
    for (const [id, hours, extra] of [
      ['long-ago', -100, 0],
      ['just-now', 0, 0],
      ['still-there', 0, 1],
    ] as const) {
      await reached.raw.query(
        `insert into sessions (id, family_id, user_id, refresh_sha256, created_at, last_used_at, expires_at) values ('${id}', 'f', 'u', '${id}', ${moment(-200)}, ${moment(-200)}, ${moment(hours, extra)})`,
      )
    }
    expect(await sweepSessions(reached.database.store(), now)).toBe(2)
    expect(await idsOf('select id from sessions')).toEqual(['still-there'])
  })

  test('Idempotency-Keys go after 24 hours', async () => {
    for (const [key, extra] of [
      ['old', 0],
      ['young', 1],
    ] as const) {
      await reached.raw.query(
        `insert into idempotency_keys (user_id, idempotency_key, fingerprint, status, headers, body, created_at) values ('u', '${key}', 'f', 200, '{}', '', ${moment(-24, extra)})`,
      )
    }
    expect(await sweepIdempotencyKeys(reached.database.store(), now)).toBe(1)
    expect(await idsOf('select idempotency_key as id from idempotency_keys')).toEqual(['young'])
  })

  test('as many Idempotency-Keys go in one run as busy clients leave', async () => {
    const rows = Array.from(
      { length: 2500 },
      (_, index) => `('u', 'key ${index}', 'f', 200, '{}', '', ${moment(-30, index)})`,
    )
    await reached.raw.query(
      `insert into idempotency_keys (user_id, idempotency_key, fingerprint, status, headers, body, created_at) values ${rows.join(', ')}`,
    )
    expect(await sweepIdempotencyKeys(reached.database.store(), now)).toBe(2500)
  })

  test('attempts go after 24 hours, a bounded number a run, the oldest first', async () => {
    const rows = Array.from(
      { length: 1500 },
      (_, index) => `('a${index}', 'login', 'n', 'w', ${moment(-24, index - 1499)})`,
    )
    rows.push(`('young', 'login', 'n', 'w', ${moment(-24, 1)})`)
    await reached.raw.query(
      `insert into login_attempts (id, kind, name_key, network, attempted_at) values ${rows.join(', ')}`,
    )
    const store = reached.database.store()
    expect(await sweepLoginAttempts(store, now)).toBe(1000)
    expect(await idsOf(`select id from login_attempts where id = 'a999'`)).toEqual([])
    expect(await idsOf(`select id from login_attempts where id = 'a1000'`)).toEqual(['a1000'])
    expect(await sweepLoginAttempts(store, now)).toBe(500)
    expect(await idsOf('select id from login_attempts')).toEqual(['young'])
  })
})
