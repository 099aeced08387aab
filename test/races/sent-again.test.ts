import { randomUUID } from 'node:crypto'
import type { UserCaller } from '@millrace/db/access/access'
import { sha256Hex } from '@millrace/api/digest'
import { findRefresh, insertSession, logOut } from '@millrace/db/repositories/accounts/sessions'
import { putSettings } from '@millrace/db/repositories/settings/settings'
import type { Store } from '@millrace/db/store/store'
import { openDatabase } from '@millrace/drivers/open'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, createUser, documentOf } from '../executions/kit.ts'

/* Writes at once of which the database ends none as the victim of a deadlock. */

const atOnce = 30
const origin = { requestId: 'request', network: '192.0.2.1' }

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let sentAgain = 0
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    const { target, gateway } = reached
    store = (await openDatabase({ target, gatewayUrl: gateway.url, onRetry: () => (sentAgain += 1) })).store()
  })
  afterAll(() => reached.stop())
  beforeEach(() => {
    sentAgain = 0
  })

  test('the first settings of many users are all stored', async () => {
    const users: UserCaller[] = []
    while (users.length < atOnce) users.push(await createUser(store))
    const write = () => ({ data: documentOf('{"a":1}'), id: randomUUID(), operation: randomUUID(), at: after(1) })
    const answers = await Promise.all(users.map((user) => putSettings(store, user, 'any', write())))
    expect(answers.map(({ ok }) => ok)).toEqual(users.map(() => true))
    expect(sentAgain).toBe(0)
  })

  test('the first settings of one user are all stored, one after the other', async () => {
    const user = await createUser(store)
    const write = () => ({ data: documentOf('{"a":1}'), id: randomUUID(), operation: randomUUID(), at: after(1) })
    const answers = await Promise.all(Array.from({ length: atOnce }, () => putSettings(store, user, 'any', write())))
    const revisions = answers.map((answer) => (answer.ok ? answer.value.revision : 0))
    expect(revisions.toSorted((one, other) => one - other)).toEqual(revisions.map((_none, index) => index + 1))
  })

  test('of many log-outs of one session one ends it, and the others find it ended', async () => {
    const { userId } = await createUser(store)
    const refreshSha256 = sha256Hex(randomUUID())
    const id = randomUUID()
    const times = { createdAt: after(1), expiresAt: after(1000) }
    const session = { id, familyId: id, userId, refreshSha256, userAgent: null, ...times }
    await store.apply({
      locks: [],
      gate: insertSession(store.dialect, session, after(1), sql`1 = 1`),
      proof: { text: 'select 1', parameters: [], decode: () => undefined },
    })
    await Promise.all(
      Array.from({ length: atOnce }, () =>
        logOut(store, refreshSha256, { eventId: randomUUID(), origin, at: after(2) }),
      ),
    )
    expect(await findRefresh(store, refreshSha256)).toBeUndefined()
    const events = await reached.raw.query(`select id from audit where type = 'session.ended' and subject_id = '${id}'`)
    expect(events).toHaveLength(1)
    expect(sentAgain).toBe(0)
  })
})
