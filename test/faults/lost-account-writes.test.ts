import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { checkDocument } from '@millrace/db/document'
import { removeAccount } from '@millrace/db/repositories/accounts/removal'
import { changeUser } from '@millrace/db/repositories/accounts/administered-users'
import { createApiKey, deleteApiKey, listApiKeys } from '@millrace/db/repositories/accounts/api-keys'
import { changePassword, logIn } from '@millrace/db/repositories/accounts/credentials'
import { countAttempt } from '@millrace/db/repositories/accounts/login-attempts'
import { defaultRateLimits as rates } from '@millrace/db/repositories/accounts/rate-limits'
import {
  deleteSession,
  endFamily,
  findRefresh,
  logOut,
  rotateRefresh,
} from '@millrace/db/repositories/accounts/sessions'
import { listShares } from '@millrace/db/repositories/workflows/shares'
import { putShare } from '@millrace/db/repositories/workflows/shares-put'
import { deleteShare } from '@millrace/db/repositories/workflows/shares-remove'
import { registerAccount } from '@millrace/db/repositories/accounts/users'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy, type Loss, type LosingProxy } from './losing-proxy.ts'

const losses: readonly Loss[] = ['request', 'answer']
const now = new Date('2026-01-31T09:30:00.000Z')
const later = new Date('2026-01-31T09:31:00.000Z')
const done = { ok: true, value: undefined }

let counter = 0
const unique = (kind: string): string => `${kind}${(counter += 1)}`

function sessionOf(userId: string, familyId = unique('family')) {
  const expiresAt = new Date('2026-03-01T00:00:00.000Z')
  const names = { id: unique('session'), familyId, userId, refreshSha256: unique('sha') }
  return { ...names, userAgent: null, createdAt: now, expiresAt }
}

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let proxy: LosingProxy
  let sound: Store

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    proxy = await startLosingProxy(reached.gateway.url)
    sound = reached.database.store()
  })
  afterAll(async () => {
    await proxy.close()
    await reached.stop()
  })

  const count = async (from: string): Promise<number> =>
    (await reached.raw.query(`select 1 as one from ${from}`)).length

  /** Does it once for each of its trips, losing that one; each time over a database with a whole budget of retries. */
  async function losingEach(loss: Loss, act: (store: Store) => Promise<void>): Promise<void> {
    for (let trip = 1, isLost = true; isLost; trip += 1) {
      const database = await openDatabase({ target: reached.target, gatewayUrl: proxy.url })
      // Whether the schema is current is asked before, so that the trips are those of the write.
      await findRefresh(database.store(), 'nothing')
      proxy.loseNext(trip, loss)
      await act(database.store())
      isLost = proxy.seen() >= trip
    }
  }

  const origin = { requestId: 'request', network: 'n' }
  const ending = () => ({ eventId: unique('event'), origin, at: later })

  async function join(): Promise<UserCaller> {
    const id = unique('user')
    const names = { username: id, usernameKey: id, email: `${id}@x`, emailKey: `${id}@x`, passwordHash: 'h' }
    const user = { id, ...names, role: 'user' as const, createdAt: now }
    expect(await registerAccount(sound, { user, session: sessionOf(id), origin })).toEqual(done)
    return { kind: 'user', userId: id, issuedAt: now, mayAdminister: true }
  }

  /** A workflow of one user, and what shares it with another. */
  async function unshared() {
    const checked = checkDocument('{}')
    if (!checked.ok) throw new Error('no document')
    const [owner, other] = [await join(), await join()]
    const id = unique('workflow')
    const workflow = { id, versionId: unique('version'), name: id, description: null, isPublic: false, createdAt: now }
    await createWorkflows(sound, owner, [{ ...workflow, definition: checked.text }])
    const newShare = (permission: 'view' | 'edit' = 'view') => ({
      id: unique('share'),
      target: { userId: other.userId },
      permission,
      at: now,
      attemptId: unique('attempt'),
      operation: unique('operation'),
      rates,
    })
    const unshare = (store: Store) =>
      deleteShare(store, owner, { workflowId: id, userId: other.userId, operation: unique('operation'), at: now })
    return { owner, id, newShare, unshare }
  }

  describe.each(losses)('when the %s is lost at any trip', (loss) => {
    test('an account is made once and counted once', async () => {
      await losingEach(loss, async (store) => {
        const id = unique('user')
        const names = { username: id, usernameKey: id, email: `${id}@x`, emailKey: `${id}@x`, passwordHash: 'h' }
        const user = { id, ...names, role: 'user' as const, createdAt: now }
        expect(await registerAccount(store, { user, session: sessionOf(id), origin })).toEqual(done)
        expect(await count(`sessions where user_id = '${id}'`)).toBe(1)
        expect(await count(`audit where subject_id = '${id}'`)).toBe(1)
      })
    })

    test('a log-in starts one session', async () => {
      await losingEach(loss, async (store) => {
        const { userId } = await join()
        const right = { userId, passwordHash: 'h', newHash: undefined, origin }
        expect(await logIn(store, right, sessionOf(userId), { nameKey: userId, network: 'n' })).toEqual(done)
        expect(await count(`sessions where user_id = '${userId}'`)).toBe(2)
      })
    })

    test('a failure is counted once', async () => {
      await losingEach(loss, async (store) => {
        const nameKey = unique('name')
        const attempt = {
          id: unique('attempt'),
          kind: 'login' as const,
          nameKey,
          network: unique('net'),
          rates,
          at: now,
        }
        expect(await countAttempt(store, attempt)).toBeUndefined()
        expect(await count(`login_attempts where name_key = '${nameKey}'`)).toBe(1)
      })
    })

    test('a refresh token is replaced once, and its caller is not told that it was used', async () => {
      await losingEach(loss, async (store) => {
        const { userId } = await join()
        const session = sessionOf(userId)
        const right = { userId, passwordHash: 'h', newHash: undefined, origin }
        await logIn(sound, right, session, { nameKey: userId, network: 'n' })
        const next = sessionOf(userId, session.familyId)
        expect(await rotateRefresh(store, session, next, later)).toEqual(done)
        expect(await count(`sessions where family_id = '${session.familyId}'`)).toBe(2)
        expect((await findRefresh(sound, next.refreshSha256))?.replacedAt).toBeNull()
      })
    })

    test('families end, by reuse, by logging out and by their user', async () => {
      const started = async (caller: UserCaller) => {
        const session = sessionOf(caller.userId)
        const right = { userId: caller.userId, passwordHash: 'h', newHash: undefined, origin }
        await logIn(sound, right, session, { nameKey: caller.userId, network: 'n' })
        return session
      }
      await losingEach(loss, async (store) => {
        const session = await started(await join())
        await endFamily(store, session, ending())
        expect((await findRefresh(sound, session.refreshSha256))?.replacedAt).toEqual(later)
      })
      await losingEach(loss, async (store) => {
        const session = await started(await join())
        await logOut(store, session.refreshSha256, ending())
        expect(await findRefresh(sound, session.refreshSha256)).toBeUndefined()
      })
      await losingEach(loss, async (store) => {
        const caller = await join()
        const session = await started(caller)
        expect(await deleteSession(store, caller, session.familyId, ending())).toEqual(done)
        expect(await findRefresh(sound, session.refreshSha256)).toBeUndefined()
      })
    })

    test('a password is changed once', async () => {
      await losingEach(loss, async (store) => {
        const caller = await join()
        const change = {
          passwordHash: 'h',
          newHash: 'new',
          endsApiKeys: true,
          eventId: unique('event'),
          network: 'n',
          at: later,
        }
        expect(await changePassword(store, caller, change)).toEqual(done)
        expect(await count(`sessions where user_id = '${caller.userId}'`)).toBe(0)
        expect(await count(`users where id = '${caller.userId}' and password_hash = 'new'`)).toBe(1)
      })
    })

    test('a key is made once and deleted once', async () => {
      const keyOf = () => ({
        ...{ id: unique('key'), name: 'k', scopes: 'read', prefix: 'mr_', keySha256: unique('sha') },
        ...{ expiresAt: null, createdAt: now, mayAdminister: false },
      })
      await losingEach(loss, async (store) => {
        const caller = await join()
        expect(await createApiKey(store, caller, keyOf())).toEqual(done)
        expect(await listApiKeys(sound, caller, { limit: 5 })).toMatchObject({ value: [{ name: 'k' }] })
      })
      await losingEach(loss, async (store) => {
        const caller = await join()
        const key = keyOf()
        await createApiKey(sound, caller, key)
        expect(
          await deleteApiKey(store, caller, { id: key.id, scopes: undefined, eventId: unique('event'), at: later }),
        ).toEqual(done)
        expect(await listApiKeys(sound, caller, { limit: 5 })).toMatchObject({ value: [] })
      })
    })

    test('a share is made once, counted once and taken away once', async () => {
      await losingEach(loss, async (store) => {
        const { owner, id, newShare } = await unshared()
        const share = newShare()
        expect(await putShare(store, owner, id, share)).toMatchObject({ ok: true, value: { isNew: true } })
        expect(await listShares(sound, owner, id, { limit: 5 })).toMatchObject({ value: [{ id: share.id }] })
        expect(await count(`login_attempts where name_key = '${owner.userId}' and kind = 'share'`)).toBe(1)
      })
      await losingEach(loss, async (store) => {
        const { owner, id, newShare, unshare } = await unshared()
        await putShare(sound, owner, id, newShare())
        expect(await unshare(store)).toEqual(done)
        expect(await count(`workflow_shares where workflow_id = '${id}'`)).toBe(0)
      })
    })

    test('an account goes once, with everything', async () => {
      await losingEach(loss, async (store) => {
        const caller = await join()
        const removal = { passwordHash: 'h', eventId: unique('event'), at: later }
        expect(await removeAccount(store, caller, removal)).toEqual(done)
        expect(await count(`users where id = '${caller.userId}'`)).toBe(0)
        expect(await count(`sessions where user_id = '${caller.userId}'`)).toBe(0)
      })
    })

    test('an administrator’s change is made', async () => {
      const root = await join()
      await reached.raw.query(`update users set role = 'admin' where id = '${root.userId}'`)
      await losingEach(loss, async (store) => {
        const { userId } = await join()
        const change = {
          role: undefined,
          isDisabled: true,
          operation: unique('event'),
          at: later,
        }
        expect(await changeUser(store, root, userId, change)).toMatchObject({ ok: true, value: { disabledAt: later } })
      })
    })
  })

  describe('a share whose answer is lost, and which is gone before the look-up', () => {
    /** Loses the answer of the last trip, which applies it, and has another make the share again or not. */
    async function losingShare({ isThere, isMadeAgain }: { readonly isThere: boolean; readonly isMadeAgain: boolean }) {
      const store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
      const trial = await unshared()
      await putShare(store, trial.owner, trial.id, trial.newShare())
      await trial.unshare(store)
      proxy.loseNext(0, 'answer')
      await putShare(store, trial.owner, trial.id, trial.newShare())
      const lastTrip = proxy.seen()
      const { owner, id, newShare, unshare } = await unshared()
      if (isThere) await putShare(sound, owner, id, newShare('edit'))
      const share = newShare()
      proxy.loseNext(lastTrip, 'answer', async () => {
        await unshare(sound)
        if (isMadeAgain) await putShare(sound, owner, id, newShare('edit'))
      })
      return { share, put: putShare(store, owner, id, share) }
    }

    test.each([false, true])('is told as it was made; made again by another: %s', async (isMadeAgain) => {
      const { share, put } = await losingShare({ isThere: false, isMadeAgain })
      const made = { id: share.id, permission: 'view', createdAt: now }
      expect(await put).toMatchObject({ ok: true, value: { isNew: true, share: made } })
    })

    test('is told as a change where it was one and there is another, and else that its answer is lost', async () => {
      const changed = await losingShare({ isThere: true, isMadeAgain: true })
      expect(await changed.put).toMatchObject({ ok: true, value: { isNew: false, share: { permission: 'view' } } })
      const gone = await losingShare({ isThere: true, isMadeAgain: false })
      await expect(gone.put).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
    })
  })

  test('a registration whose account is deleted before the look-up is told that it was done, and is not made again', async () => {
    const store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
    const accountOf = () => {
      const id = unique('user')
      const names = { username: id, usernameKey: id, email: `${id}@x`, emailKey: `${id}@x`, passwordHash: 'h' }
      return { user: { id, ...names, role: 'user' as const, createdAt: now }, session: sessionOf(id), origin }
    }
    await registerAccount(store, accountOf())
    proxy.loseNext(0, 'answer')
    await registerAccount(store, accountOf())
    const account = accountOf()
    const { id } = account.user
    const leaver: UserCaller = { kind: 'user', userId: id, issuedAt: now, mayAdminister: true }
    proxy.loseNext(proxy.seen(), 'answer', () =>
      removeAccount(sound, leaver, { passwordHash: 'h', eventId: unique('event'), at: later }),
    )
    expect(await registerAccount(store, account)).toEqual(done)
    expect(await count(`users where id = '${id}'`)).toBe(0)
    expect(await count(`audit where subject_id = '${id}' and type = 'user.registered'`)).toBe(1)
  })

  test('a log-in whose session ends before the look-up is told that it was, and starts no other', async () => {
    const { userId } = await join()
    const store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
    const right = { userId, passwordHash: 'h', newHash: undefined, origin }
    const counted = { nameKey: userId, network: 'n' }
    await logIn(store, right, sessionOf(userId), counted)
    proxy.loseNext(0, 'answer')
    await logIn(store, right, sessionOf(userId), counted)
    const session = sessionOf(userId)
    proxy.loseNext(proxy.seen(), 'answer', () => logOut(sound, session.refreshSha256, ending()))
    expect(await logIn(store, right, session, counted)).toEqual(done)
    expect(await count(`sessions where family_id = '${session.familyId}'`)).toBe(0)
  })
})
