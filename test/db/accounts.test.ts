import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import type { Store } from '@millrace/db/store/store'
import { beginLogin, beginPasswordCheck, changePassword, logIn } from '@millrace/db/repositories/accounts/credentials'
import { countAttempt, takeBack } from '@millrace/db/repositories/accounts/login-attempts'
import { defaultRateLimits as rates } from '@millrace/db/repositories/accounts/rate-limits'
import { removeAccount } from '@millrace/db/repositories/accounts/removal'
import { changeUser, listAllUsers } from '@millrace/db/repositories/accounts/administered-users'
import { createApiKey, deleteApiKey, listApiKeys, touchApiKey } from '@millrace/db/repositories/accounts/api-keys'
import {
  deleteSession,
  endFamily,
  findRefresh,
  listSessions,
  logOut,
  rotateRefresh,
  type NewSession,
} from '@millrace/db/repositories/accounts/sessions'
import { listShares } from '@millrace/db/repositories/workflows/shares'
import { putShare } from '@millrace/db/repositories/workflows/shares-put'
import { deleteShare } from '@millrace/db/repositories/workflows/shares-remove'
import { beginRegistration, getCaller, registerAccount } from '@millrace/db/repositories/accounts/users'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { checkDocument } from '@millrace/db/document'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, type RawRow } from '../dialects.ts'

let counter = 0
const unique = (kind: string) => `${kind}-${(counter += 1)}-${process.pid}`

/** Later by a minute at each call, so that what happened before is told apart. */
let clockMilliseconds = Date.UTC(2026, 0, 1)
const tick = (milliseconds = 1000) => new Date((clockMilliseconds += milliseconds))

const document = (() => {
  const checked = checkDocument('{"nodes": []}')
  if (!checked.ok) throw new Error('the document is sound')
  return checked.text
})()

interface Person {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly caller: UserCaller
}

const hashOf = (name: string) => `$2b$04$${name.padEnd(53, '.').slice(0, 53)}`

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let trips = 0

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store({ trip: () => (trips += 1) })
    // Whether the schema is current is asked once, before anything is counted.
    await findRefresh(store, 'nothing')
  })
  afterAll(() => reached.stop())

  /** What is in the database, past all of Millrace. */
  const raw = (statement: string): Promise<readonly RawRow[]> => reached.raw.query(statement)

  async function countTrips(work: () => Promise<unknown>): Promise<number> {
    trips = 0
    await work()
    return trips
  }

  async function person(network = unique('net')): Promise<Person> {
    const id = unique('user')
    const email = `${id}@example.com`
    const at = tick()
    const user = {
      ...{ id, username: id, usernameKey: id, email, emailKey: email },
      ...{ passwordHash: hashOf(id), role: 'user' as const, createdAt: at },
    }
    const outcome = await registerAccount(store, { user, session: sessionOf(id, at), origin: originOf(network) })
    expect(outcome).toEqual({ ok: true, value: undefined })
    return { id, name: id, email, caller: { kind: 'user', userId: id, issuedAt: tick(), mayAdminister: true } }
  }

  function sessionOf(userId: string, at: Date, familyId = unique('family')): NewSession {
    return {
      ...{ id: unique('session'), familyId, userId, refreshSha256: unique('refresh'), userAgent: 'a browser' },
      ...{ createdAt: at, expiresAt: new Date(at.getTime() + 30 * 86_400_000) },
    }
  }

  function originOf(network: string) {
    return { requestId: unique('request'), network }
  }

  function attemptOf(kind: 'login' | 'register' | 'share', nameKey: string, network: string, at: Date) {
    return { id: unique('attempt'), kind, nameKey, network, rates, at }
  }

  async function makeAdmin({ id }: Person): Promise<void> {
    await raw(`update users set role = 'admin' where id = '${id}'`)
  }

  async function workflowOf(owner: Person, isPublic = false): Promise<string> {
    const id = unique('workflow')
    const workflow = { id, versionId: unique('version'), name: id, description: null, definition: document, isPublic }
    const outcome = await createWorkflows(store, owner.caller, [{ ...workflow, createdAt: tick() }])
    expect(outcome.ok).toBe(true)
    return id
  }

  describe('log-in', () => {
    const loginOf = (name: string, network: string, at = tick()) => ({
      ...{ id: unique('attempt'), eventId: unique('event'), nameKey: name, nameDigest: `digest-${name}` },
      ...{ origin: originOf(network), rates, at },
    })
    const failuresOf = (name: string) =>
      raw(`select id from login_attempts where name_key = '${name}' and kind = 'login'`)

    test('a name or an email finds the user, and both count as one', async () => {
      const ada = await person()
      const network = unique('net')
      const byName = await beginLogin(store, loginOf(ada.name, network))
      const byEmail = await beginLogin(store, loginOf(ada.email, network))
      expect(byName).toMatchObject({ ok: true, user: { id: ada.id }, counted: { nameKey: ada.id, network } })
      expect(byEmail).toMatchObject({ ok: true, user: { id: ada.id }, counted: { nameKey: ada.id, network } })
    })

    test.each(['a known name', 'an unknown name'])(
      'five failures of %s from a network end in a wait',
      async (which) => {
        const name = which === 'a known name' ? (await person()).name : unique('nobody')
        const network = unique('net')
        for (let failure = 0; failure < 5; failure += 1) {
          expect(await beginLogin(store, loginOf(name, network))).toMatchObject({ ok: true })
        }
        const limited = await beginLogin(store, loginOf(name, network))
        expect(limited).toMatchObject({ ok: false, refusal: 'rate_limited' })
        const seconds = limited.ok ? 0 : limited.retryAfterSeconds
        expect(seconds).toBeGreaterThan(800)
        expect(seconds).toBeLessThanOrEqual(900)
        expect(await beginLogin(store, loginOf(name, unique('net')))).toMatchObject({ ok: true })
        const later = new Date(clockMilliseconds + 15 * 60 * 1000)
        expect(await beginLogin(store, loginOf(name, network, later))).toMatchObject({ ok: true })
      },
    )

    test('fifty failures of a name from anywhere, and a hundred from a network, end in a wait', async () => {
      const ada = await person()
      for (let failure = 0; failure < 50; failure += 1) {
        await countAttempt(store, attemptOf('login', ada.id, unique('net'), tick(10)))
      }
      expect(await beginLogin(store, loginOf(ada.name, unique('net')))).toMatchObject({ refusal: 'rate_limited' })
      const network = unique('net')
      for (let failure = 0; failure < 100; failure += 1) {
        await countAttempt(store, attemptOf('login', unique('name'), network, tick(10)))
      }
      expect(await beginLogin(store, loginOf(unique('x'), network))).toMatchObject({ refusal: 'rate_limited' })
    })

    test('of fifty failures at once five are counted, the others are refused and leave no trace', async () => {
      const network = unique('net')
      const name = unique('nobody')
      const at = tick()
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => countAttempt(reached.database.store(), attemptOf('login', name, network, at))),
      )
      expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(5)
      const rows = await raw(`select id from login_attempts where name_key = '${name}'`)
      expect(rows).toHaveLength(5)
    })

    test('a right password starts a session, forgets its own failures and no others', async () => {
      const ada = await person()
      const [network, elsewhere] = [unique('net'), unique('net')]
      await countAttempt(store, attemptOf('login', ada.id, network, tick()))
      await countAttempt(store, attemptOf('login', ada.id, elsewhere, tick()))
      const session = sessionOf(ada.id, tick())
      const right = { userId: ada.id, passwordHash: hashOf(ada.id), newHash: '$2b$10$new', origin: originOf(network) }
      expect(await logIn(store, right, session, { nameKey: ada.id, network })).toMatchObject({ ok: true })
      const left = await raw(`select network from login_attempts where name_key = '${ada.id}' and kind = 'login'`)
      expect(left).toEqual([{ network: elsewhere }])
      expect(await raw(`select password_hash as hash from users where id = '${ada.id}'`)).toEqual([
        { hash: '$2b$10$new' },
      ])
      expect(await findRefresh(store, session.refreshSha256)).toMatchObject({ userId: ada.id })
    })

    test.each([
      ['another password is set', (id: string) => `update users set password_hash = 'other' where id = '${id}'`],
      ['the user is disabled', (id: string) => `update users set disabled_at = tokens_valid_from where id = '${id}'`],
    ])('no session starts when meanwhile %s', async (_what, change) => {
      const ada = await person()
      await raw(change(ada.id))
      const session = sessionOf(ada.id, tick())
      const right = {
        userId: ada.id,
        passwordHash: hashOf(ada.id),
        newHash: undefined,
        origin: originOf(unique('net')),
      }
      const outcome = await logIn(store, right, session, { nameKey: ada.id, network: unique('net') })
      expect(outcome).toEqual({ ok: false, refusal: 'gone' })
      expect(await findRefresh(store, session.refreshSha256)).toBeUndefined()
    })

    test('an attempt counts before its password is looked at, and one beyond the limits leaves no trace', async () => {
      const ada = await person()
      const network = unique('net')
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => beginLogin(reached.database.store(), loginOf(ada.name, network))),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(5)
      expect(await failuresOf(ada.id)).toHaveLength(5)
    })

    test('by name and by email, from many networks at once, fifty are let through and no more', async () => {
      const ada = await person()
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_none, index) =>
          beginLogin(reached.database.store(), loginOf(index % 2 === 0 ? ada.name : ada.email, unique('net'))),
        ),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(50)
    })

    test('an attempt that is taken back counts no more', async () => {
      const ada = await person()
      const login = loginOf(ada.name, unique('net'))
      await beginLogin(store, login)
      await takeBack(store, login)
      expect(await failuresOf(ada.id)).toEqual([])
    })

    test('that a user is limited is recorded once for the time of the limit; of a name that nobody has, nothing', async () => {
      const ada = await person()
      const network = unique('net')
      for (const name of [ada.name, unique('nobody')]) {
        for (let attempt = 0; attempt < 8; attempt += 1) await beginLogin(store, loginOf(name, network))
      }
      const events = await raw(
        `select subject_id as subject, owner_id as owner, network from audit where type = 'user.login_limited' and network = '${network}'`,
      )
      expect(events).toEqual([{ subject: ada.id, owner: ada.id, network }])
    })

    test('trips: one to begin (four on MySQL), one to start (five on MySQL); as many for a name that nobody has', async () => {
      const ada = await person()
      const network = unique('net')
      const begun = dialect === 'mysql' ? 4 : 1
      const refused = dialect === 'mysql' ? 8 : 2
      for (const name of [ada.name, unique('nobody')]) {
        for (let failure = 0; failure < 5; failure += 1) {
          expect(await countTrips(() => beginLogin(store, loginOf(name, network)))).toBe(begun)
        }
        expect(await countTrips(() => beginLogin(store, loginOf(name, network)))).toBe(refused)
      }
      const right = { userId: ada.id, passwordHash: hashOf(ada.id), newHash: undefined, origin: originOf(network) }
      const counted = { nameKey: ada.id, network }
      const starting = countTrips(() => logIn(store, right, sessionOf(ada.id, tick()), counted))
      expect(await starting).toBe(dialect === 'mysql' ? 5 : 1)
    })
  })

  describe('registration', () => {
    const namesOf = (id: string) => ({ username: id, usernameKey: id, email: `${id}@x`, emailKey: `${id}@x` })

    test('twenty registrations an hour begin from one network, of many at once too', async () => {
      const network = unique('net')
      const at = tick()
      const outcomes = await Promise.all(
        Array.from({ length: 25 }, () =>
          beginRegistration(reached.database.store(), namesOf(unique('flood')), attemptOf('register', '', network, at)),
        ),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(20)
      expect(outcomes.filter((outcome) => !outcome.ok && outcome.refusal === 'rate_limited')).toHaveLength(5)
      expect(
        await raw(`select id from login_attempts where network = '${network}' and kind = 'register'`),
      ).toHaveLength(20)
    })

    test('a taken name is refused, and counts', async () => {
      const network = unique('net')
      const ada = await person()
      const taken = { username: ada.name, usernameKey: ada.name, email: 'a@b', emailKey: 'a@b' }
      const byName = await beginRegistration(store, taken, attemptOf('register', '', network, tick()))
      expect(byName).toEqual({ ok: false, refusal: 'username_taken' })
      const mail = { ...namesOf(unique('new')), email: ada.email, emailKey: ada.email }
      const byMail = await beginRegistration(store, mail, attemptOf('register', '', network, tick()))
      expect(byMail).toEqual({ ok: false, refusal: 'email_taken' })
      const counted = `select id from login_attempts where network = '${network}' and kind = 'register'`
      expect(await raw(counted)).toHaveLength(2)
    })

    test('of two accounts with one name that were begun at once one is made', async () => {
      const [name, at] = [unique('user'), tick()]
      const outcomes = await Promise.all(
        [1, 2].map(() => {
          const user = { ...namesOf(name), id: unique('user'), passwordHash: 'h', role: 'user' as const, createdAt: at }
          const session = sessionOf(user.id, at)
          return registerAccount(reached.database.store(), { user, session, origin: originOf(unique('net')) })
        }),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
      expect(outcomes).toContainEqual({ ok: false, refusal: 'username_taken' })
    })

    test('trips: one to begin (four on MySQL), one to make it (five on MySQL)', async () => {
      const begin = () =>
        beginRegistration(store, namesOf(unique('new')), attemptOf('register', '', unique('net'), tick()))
      expect(await countTrips(begin)).toBe(dialect === 'mysql' ? 4 : 1)
      expect(await countTrips(() => person())).toBe(dialect === 'mysql' ? 5 : 1)
    })
  })

  describe('refresh tokens', () => {
    async function loggedIn(): Promise<{ ada: Person; session: NewSession }> {
      const ada = await person()
      const session = sessionOf(ada.id, tick())
      const right = {
        userId: ada.id,
        passwordHash: hashOf(ada.id),
        newHash: undefined,
        origin: originOf(unique('net')),
      }
      await logIn(store, right, session, { nameKey: ada.id, network: unique('net') })
      return { ada, session }
    }
    const endOf = () => ({ eventId: unique('event'), origin: originOf(unique('net')), at: tick() })
    const next = (session: NewSession) => ({ ...session, id: unique('session'), refreshSha256: unique('refresh') })

    test('each works once; the next of the family works then', async () => {
      const { session } = await loggedIn()
      const second = next(session)
      expect(await rotateRefresh(store, session, second, tick())).toMatchObject({ ok: true })
      expect(await rotateRefresh(store, session, next(session), tick())).toEqual({ ok: false, refusal: 'gone' })
      expect((await findRefresh(store, session.refreshSha256))?.replacedAt).not.toBeNull()
      expect((await findRefresh(store, second.refreshSha256))?.replacedAt).toBeNull()
    })

    test('of two at the same millisecond one wins, and one successor is there', async () => {
      const { session } = await loggedIn()
      const at = tick()
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => rotateRefresh(reached.database.store(), session, next(session), at)),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
      expect(await raw(`select id from sessions where family_id = '${session.familyId}'`)).toHaveLength(2)
    })

    test('an ended family has no token that works, even at the same millisecond', async () => {
      const { ada, session } = await loggedIn()
      const second = next(session)
      await rotateRefresh(store, session, second, tick())
      const at = tick()
      await endFamily(store, session, { ...endOf(), at })
      expect(await rotateRefresh(store, second, next(session), at)).toEqual({ ok: false, refusal: 'gone' })
      expect((await findRefresh(store, second.refreshSha256))?.replacedAt).not.toBeNull()
      const listed = await listSessions(store, ada.caller, { limit: 10, at: tick() })
      expect(listed.ok && listed.value.map(({ id }) => id)).not.toContain(session.familyId)
    })

    test('a disabled user gets no next token', async () => {
      const { ada, session } = await loggedIn()
      await raw(`update users set disabled_at = tokens_valid_from where id = '${ada.id}'`)
      expect(await rotateRefresh(store, session, next(session), tick())).toMatchObject({ ok: false })
      expect(await findRefresh(store, session.refreshSha256)).toMatchObject({ replacedAt: null })
    })

    test('a session that has expired is listed no more', async () => {
      const { ada, session } = await loggedIn()
      const listedAt = async (milliseconds: number) => {
        const at = new Date(session.expiresAt.getTime() + milliseconds)
        const listed = await listSessions(store, ada.caller, { limit: 10, at })
        return listed.ok && listed.value.some(({ id }) => id === session.familyId)
      }
      expect(await listedAt(-1)).toBe(true)
      expect(await listedAt(0)).toBe(false)
    })

    test('logging out ends the family, by any of its tokens, and no other', async () => {
      const { ada, session } = await loggedIn()
      const other = sessionOf(ada.id, tick())
      const right = {
        userId: ada.id,
        passwordHash: hashOf(ada.id),
        newHash: undefined,
        origin: originOf(unique('net')),
      }
      await logIn(store, right, other, { nameKey: ada.id, network: unique('net') })
      const second = next(session)
      await rotateRefresh(store, session, second, tick())
      await logOut(store, session.refreshSha256, endOf())
      expect(await findRefresh(store, second.refreshSha256)).toBeUndefined()
      expect(await findRefresh(store, other.refreshSha256)).toBeDefined()
      await logOut(store, 'of nobody', endOf())
    })

    test('sessions are listed newest first in pages, and only the own ones can be ended', async () => {
      const { ada, session } = await loggedIn()
      const eve = await person()
      const first = await listSessions(store, ada.caller, { limit: 1, at: tick() })
      if (!first.ok) throw new Error(first.refusal)
      expect(first.value.map(({ id }) => id)[0]).toBe(session.familyId)
      const after = { at: session.createdAt, id: session.familyId }
      const rest = await listSessions(store, ada.caller, { limit: 1, at: tick(), after })
      expect(rest.ok && rest.value).toHaveLength(1)
      expect(await deleteSession(store, eve.caller, session.familyId, endOf())).toEqual({
        ok: false,
        refusal: 'not_found',
      })
      expect(await deleteSession(store, ada.caller, session.familyId, endOf())).toMatchObject({ ok: true })
      expect(await findRefresh(store, session.refreshSha256)).toBeUndefined()
    })

    test('trips: one to read, one to rotate (four on MySQL)', async () => {
      const { session } = await loggedIn()
      expect(await countTrips(() => findRefresh(store, session.refreshSha256))).toBe(1)
      const rotating = countTrips(() => rotateRefresh(store, session, next(session), tick()))
      expect(await rotating).toBe(dialect === 'mysql' ? 4 : 1)
    })
  })

  describe('the password', () => {
    const changing = () => ({ eventId: unique('event'), network: unique('net') })

    test('a change ends sessions and tokens from before, and keys where asked', async () => {
      const ada = await person()
      await createApiKey(store, ada.caller, keyOf('read'))
      const check = { id: unique('attempt'), eventId: unique('event'), origin: originOf(unique('net')), rates }
      const found = await beginPasswordCheck(store, ada.caller, { ...check, at: tick() })
      expect(found).toEqual({ ok: true, value: hashOf(ada.id) })
      const at = tick()
      const change = { passwordHash: hashOf(ada.id), newHash: 'new', endsApiKeys: false, ...changing(), at }
      expect(await changePassword(store, ada.caller, change)).toMatchObject({ ok: true })
      expect(await getCaller(store, ada.caller)).toEqual({ ok: false, refusal: 'unauthenticated' })
      expect(await getCaller(store, { ...ada.caller, issuedAt: at })).toMatchObject({ ok: true })
      expect(await raw(`select id from sessions where user_id = '${ada.id}'`)).toEqual([])
      expect(await raw(`select id from api_keys where user_id = '${ada.id}'`)).toHaveLength(1)
      const again = { passwordHash: 'new', newHash: 'newer', endsApiKeys: true, ...changing(), at: tick() }
      expect(await changePassword(store, ada.caller, again)).toEqual({ ok: false, refusal: 'gone' })
      const fresh = { ...ada.caller, issuedAt: tick() }
      expect(await changePassword(store, fresh, again)).toMatchObject({ ok: true })
      expect(await raw(`select id from api_keys where user_id = '${ada.id}'`)).toEqual([])
    })

    test('of two changes at once one is made', async () => {
      const ada = await person()
      const outcomes = await Promise.all(
        ['one', 'two'].map((newHash) => {
          const change = { passwordHash: hashOf(ada.id), newHash, endsApiKeys: false, ...changing(), at: tick() }
          return changePassword(reached.database.store(), ada.caller, change)
        }),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    })
  })

  function keyOf(scopes: string, more: { mayAdminister?: boolean; keySha256?: string } = {}) {
    const { mayAdminister = false, keySha256 = unique('sha') } = more
    const names = { id: unique('key'), name: 'a key', scopes, prefix: 'mr_12345678' }
    return { ...names, keySha256, expiresAt: null, createdAt: tick(), mayAdminister }
  }

  function deletionOf(id: string, scopes: readonly string[] | undefined) {
    return { id, scopes, eventId: unique('event'), at: tick() }
  }

  describe('API keys', () => {
    test('a caller with a key counts while the key is there, whatever tokens_valid_from says', async () => {
      const ada = await person()
      const key = keyOf('read')
      await createApiKey(store, ada.caller, key)
      const workflow = await workflowOf(ada)
      const byKey: UserCaller = { ...ada.caller, mayAdminister: false, keySha256: key.keySha256 }
      expect(await getCaller(store, byKey)).toMatchObject({ ok: true, value: { id: ada.id } })
      expect(await getWorkflow(store, byKey, workflow)).toMatchObject({ ok: true })
      const listing = { scope: 'all', order: 'createdAt', limit: 10 } as const
      expect(await listWorkflows(store, byKey, listing)).toMatchObject({
        ok: true,
        value: { rows: [{ id: workflow }] },
      })
      expect(await deleteApiKey(store, ada.caller, deletionOf(key.id, undefined))).toMatchObject({ ok: true })
      const refusal = { ok: false, refusal: 'unauthenticated' }
      expect(await getCaller(store, byKey)).toEqual(refusal)
      expect(await getWorkflow(store, byKey, workflow)).toEqual(refusal)
      expect(await listWorkflows(store, byKey, listing)).toEqual(refusal)
      expect(await createApiKey(store, byKey, keyOf('read'))).toEqual(refusal)
    })

    test("another user's key gives nothing", async () => {
      const [ada, eve] = [await person(), await person()]
      const key = keyOf('read')
      await createApiKey(store, eve.caller, key)
      const forged = { ...ada.caller, keySha256: key.keySha256 }
      expect(await getCaller(store, forged)).toEqual({ ok: false, refusal: 'unauthenticated' })
      expect(await deleteApiKey(store, ada.caller, deletionOf(key.id, undefined))).toEqual({
        ok: false,
        refusal: 'not_found',
      })
    })

    test('a key that may administer needs the role', async () => {
      const ada = await person()
      const key = keyOf('admin', { mayAdminister: true })
      expect(await createApiKey(store, ada.caller, key)).toEqual({ ok: false, refusal: 'forbidden' })
      await makeAdmin(ada)
      expect(await createApiKey(store, ada.caller, key)).toMatchObject({ ok: true })
    })

    test('a key deletes keys of the scopes given, itself too, and no others', async () => {
      const ada = await person()
      const [reader, writer] = [keyOf('read'), keyOf('read,write')]
      await createApiKey(store, ada.caller, reader)
      await createApiKey(store, ada.caller, writer)
      const byKey = { ...ada.caller, keySha256: reader.keySha256 }
      const refusal = { ok: false, refusal: 'scope_missing' }
      expect(await deleteApiKey(store, byKey, deletionOf(writer.id, ['', 'read']))).toEqual(refusal)
      expect(await deleteApiKey(store, byKey, deletionOf(reader.id, ['', 'read']))).toMatchObject({ ok: true })
      const listed = await listApiKeys(store, ada.caller, { limit: 10 })
      expect(listed.ok && listed.value.map(({ id }) => id)).toEqual([writer.id])
    })

    test('its use is noted at most as often as asked', async () => {
      const ada = await person()
      const key = keyOf('read')
      await createApiKey(store, ada.caller, key)
      const first = tick()
      await touchApiKey(store, { keySha256: key.keySha256, at: first, before: new Date(first.getTime() - 60_000) })
      const soon = tick()
      await touchApiKey(store, { keySha256: key.keySha256, at: soon, before: new Date(soon.getTime() - 60_000) })
      const listed = await listApiKeys(store, ada.caller, { limit: 10 })
      expect(listed).toMatchObject({ ok: true, value: [{ lastUsedAt: first }] })
    })
  })

  describe('shares', () => {
    const shareOf = (target: Person, permission: 'view' | 'execute' | 'edit' = 'view') => ({
      ...{ id: unique('share'), target: { usernameKey: target.name }, permission },
      ...{ at: tick(), attemptId: unique('attempt'), operation: unique('operation'), rates },
    })

    const removalOf = (workflowId: string, { id: userId }: Person) => ({
      ...{ workflowId, userId, operation: unique('operation'), at: tick() },
    })

    /** As if the user had made so many shares just now. */
    async function fillShareLimit({ id }: Person, count: number): Promise<void> {
      const at = tick()
      const written = at.toISOString().slice(0, 19).replace('T', ' ')
      const time = { sqlite: String(at.getTime()), postgres: `'${written}+00'`, mysql: `'${written}'` }[dialect]
      const rows = Array.from({ length: count }, () => `('${unique('attempt')}', 'share', '${id}', '', ${time})`)
      await raw(`insert into login_attempts (id, kind, name_key, network, attempted_at) values ${rows.join(', ')}`)
    }

    test('the owner grants, changes and takes away', async () => {
      const [ada, bea] = [await person(), await person()]
      const workflow = await workflowOf(ada)
      expect(await getWorkflow(store, bea.caller, workflow)).toEqual({ ok: false, refusal: 'not_found' })
      const share = shareOf(bea)
      const made = await putShare(store, ada.caller, workflow, share)
      const view = {
        id: share.id,
        sharedWithUserId: bea.id,
        username: bea.name,
        permission: 'view',
        createdAt: share.at,
      }
      expect(made).toEqual({ ok: true, value: { isNew: true, share: view } })
      const changed = await putShare(store, ada.caller, workflow, {
        ...shareOf(bea, 'edit'),
        target: { userId: bea.id },
      })
      expect(changed).toEqual({ ok: true, value: { isNew: false, share: { ...view, permission: 'edit' } } })
      const same = await putShare(store, ada.caller, workflow, shareOf(bea, 'edit'))
      expect(same).toMatchObject({ ok: true, value: { isNew: false } })
      expect(await getWorkflow(store, bea.caller, workflow)).toMatchObject({
        value: { permission: 'edit', revision: 1 },
      })
      expect(await listShares(store, ada.caller, workflow, { limit: 5 })).toMatchObject({ value: [{ id: share.id }] })
      expect(await deleteShare(store, ada.caller, removalOf(workflow, bea))).toMatchObject({ ok: true })
      expect(await deleteShare(store, ada.caller, removalOf(workflow, bea))).toEqual({
        ok: false,
        refusal: 'not_found',
      })
      expect(await getWorkflow(store, bea.caller, workflow)).toEqual({ ok: false, refusal: 'not_found' })
    })

    test('nobody else grants, lists or takes away; who it is granted to leaves', async () => {
      const [ada, bea, eve] = [await person(), await person(), await person()]
      const workflow = await workflowOf(ada)
      await putShare(store, ada.caller, workflow, shareOf(bea, 'edit'))
      expect(await putShare(store, bea.caller, workflow, shareOf(eve))).toEqual({ ok: false, refusal: 'forbidden' })
      expect(await putShare(store, eve.caller, workflow, shareOf(bea))).toEqual({ ok: false, refusal: 'not_found' })
      expect(await listShares(store, bea.caller, workflow, { limit: 5 })).toEqual({ ok: false, refusal: 'forbidden' })
      expect(await deleteShare(store, eve.caller, removalOf(workflow, bea))).toEqual({
        ok: false,
        refusal: 'not_found',
      })
      expect(await deleteShare(store, bea.caller, removalOf(workflow, eve))).toEqual({
        ok: false,
        refusal: 'forbidden',
      })
      expect(await deleteShare(store, bea.caller, removalOf(workflow, bea))).toMatchObject({ ok: true })
    })

    test('an unknown user, oneself and the owner are refused, and count for nothing', async () => {
      const [ada, admin] = [await person(), await person()]
      await makeAdmin(admin)
      const workflow = await workflowOf(ada)
      const nobody = { ...shareOf(ada), target: { usernameKey: unique('nobody') } }
      expect(await putShare(store, ada.caller, workflow, nobody)).toEqual({ ok: false, refusal: 'unknown_user' })
      expect(await putShare(store, ada.caller, workflow, shareOf(ada))).toEqual({ ok: false, refusal: 'own_user' })
      expect(await putShare(store, admin.caller, workflow, shareOf(ada))).toEqual({ ok: false, refusal: 'own_user' })
      expect(await raw(`select id from workflow_shares where workflow_id = '${workflow}'`)).toEqual([])
      expect(await raw(`select id from login_attempts where kind = 'share' and name_key = '${ada.id}'`)).toEqual([])
    })

    test('a hundred are made in an hour; changes go on', async () => {
      const [ada, bea, cid] = [await person(), await person(), await person()]
      const workflow = await workflowOf(ada)
      await putShare(store, ada.caller, workflow, shareOf(bea))
      await fillShareLimit(ada, 99)
      expect(await putShare(store, ada.caller, workflow, shareOf(cid))).toMatchObject({ refusal: 'rate_limited' })
      expect(await putShare(store, ada.caller, workflow, shareOf(bea, 'edit'))).toMatchObject({ ok: true })
      expect(await raw(`select id from login_attempts where kind = 'share' and name_key = '${ada.id}'`)).toHaveLength(
        100,
      )
      const later = { ...shareOf(cid), at: new Date(clockMilliseconds + 3_600_000) }
      expect(await putShare(store, ada.caller, workflow, later)).toMatchObject({ ok: true, value: { isNew: true } })
    })

    test('under a key the first answer is kept, whether it made or changed', async () => {
      const [ada, bea] = [await person(), await person()]
      const workflow = await workflowOf(ada)
      const request = (key: string) => ({
        ...{ key, fingerprint: 'f', at: tick() },
        answerFor: ({ isNew, share }: { isNew: boolean; share: { id: string } }) => ({
          ...{ status: isNew ? 201 : 200, headers: {}, body: share.id },
        }),
      })
      const share = shareOf(bea)
      const key = unique('key')
      expect(await putShare(store, ada.caller, workflow, share, request(key))).toMatchObject({ ok: true })
      const replay = await putShare(store, ada.caller, workflow, shareOf(bea), request(key))
      expect(replay).toEqual({ ok: false, refusal: 'replay', answer: { status: 201, headers: {}, body: share.id } })
      const other = unique('key')
      await putShare(store, ada.caller, workflow, shareOf(bea, 'edit'), request(other))
      const changed = await putShare(store, ada.caller, workflow, shareOf(bea, 'edit'), request(other))
      expect(changed).toMatchObject({ answer: { status: 200, body: share.id } })
      const refused = unique('key')
      const nobody = { ...shareOf(bea), target: { userId: unique('nobody') } }
      expect(await putShare(store, ada.caller, workflow, nobody, request(refused))).toMatchObject({
        refusal: 'unknown_user',
      })
      expect(await raw(`select status from idempotency_keys where idempotency_key = '${refused}'`)).toEqual([])
    })

    test('of several at once under keys, what the limit refuses keeps no key', async () => {
      const ada = await person()
      const users = [await person(), await person(), await person(), await person()]
      const workflow = await workflowOf(ada)
      await fillShareLimit(ada, 98)
      const at = tick()
      const outcomes = await Promise.all(
        users.map((user) => {
          const request = {
            key: user.id,
            fingerprint: 'f',
            at,
            answerFor: () => ({ status: 201, headers: {}, body: '' }),
          }
          return putShare(reached.database.store(), ada.caller, workflow, { ...shareOf(user), at }, request)
        }),
      )
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2)
      expect(await raw(`select id from workflow_shares where workflow_id = '${workflow}'`)).toHaveLength(2)
      expect(await raw(`select status from idempotency_keys where user_id = '${ada.id}'`)).toHaveLength(2)
    })

    test('trips: 1, on MySQL 6; taking away 1, there 4 (docs/adr/0066)', async () => {
      const [ada, bea] = [await person(), await person()]
      const workflow = await workflowOf(ada)
      const sharing = countTrips(() => putShare(store, ada.caller, workflow, shareOf(bea)))
      expect(await sharing).toBe(dialect === 'mysql' ? 6 : 1)
      expect(await countTrips(() => listShares(store, ada.caller, workflow, { limit: 5 }))).toBe(1)
      expect(await countTrips(() => deleteShare(store, ada.caller, removalOf(workflow, bea)))).toBe(
        dialect === 'mysql' ? 4 : 1,
      )
    })
  })

  describe('leaving', () => {
    test('an account that owns workflows stays', async () => {
      const ada = await person()
      await workflowOf(ada)
      const removal = { passwordHash: hashOf(ada.id), eventId: unique('event'), at: tick() }
      expect(await removeAccount(store, ada.caller, removal)).toEqual({ ok: false, refusal: 'account_in_use' })
      expect(await raw(`select password_hash as hash from users where id = '${ada.id}'`)).toEqual([
        { hash: hashOf(ada.id) },
      ])
      expect(await raw(`select id from sessions where user_id = '${ada.id}'`)).toHaveLength(1)
    })

    test('an account goes with all that is its own, and its name leaves what it made', async () => {
      const [ada, bea] = [await person(), await person()]
      const workflow = await workflowOf(ada)
      const share = { id: unique('share'), target: { userId: bea.id }, permission: 'edit' as const }
      await putShare(store, ada.caller, workflow, {
        ...{ ...share, at: tick(), attemptId: unique('attempt'), operation: unique('operation'), rates },
      })
      await createApiKey(store, bea.caller, keyOf('read'))
      await raw(`update workflow_versions set created_by = '${bea.id}' where workflow_id = '${workflow}'`)
      await raw(`update workflow_shares set shared_by = '${ada.id}' where workflow_id = '${workflow}'`)
      const removal = { passwordHash: hashOf(bea.id), eventId: unique('event'), at: tick() }
      expect(await removeAccount(store, bea.caller, { ...removal, passwordHash: 'other' })).toEqual({
        ok: false,
        refusal: 'gone',
      })
      expect(await removeAccount(store, bea.caller, removal)).toMatchObject({ ok: true })
      for (const table of ['sessions', 'api_keys', 'settings', 'idempotency_keys']) {
        expect(await raw(`select user_id from ${table} where user_id = '${bea.id}'`)).toEqual([])
      }
      expect(await raw(`select id from users where id = '${bea.id}'`)).toEqual([])
      expect(await raw(`select id from workflow_shares where shared_with_user_id = '${bea.id}'`)).toEqual([])
      const versions = await raw(`select created_by as author from workflow_versions where workflow_id = '${workflow}'`)
      expect(versions).toEqual([{ author: null }])
      expect(await getCaller(store, bea.caller)).toEqual({ ok: false, refusal: 'unauthenticated' })
      expect(await getWorkflow(store, ada.caller, workflow)).toMatchObject({ ok: true })
    })
  })

  describe('administrators', () => {
    const eventsOf = async (id: string) => {
      const rows = await raw(`select type, data from audit where subject_id = '${id}' order by at, type`)
      return rows.flatMap(({ type, data }) =>
        type === 'user.registered'
          ? []
          : [`${String(type)} ${JSON.stringify(typeof data === 'string' ? JSON.parse(data) : data)}`],
      )
    }

    test('list and change users; others do not, nor keys without the scope', async () => {
      const [ada, bea] = [await person(), await person()]
      const change = { role: undefined, isDisabled: true, operation: unique('event'), at: tick() }
      expect(await changeUser(store, ada.caller, bea.id, change)).toEqual({ ok: false, refusal: 'forbidden' })
      expect(await listAllUsers(store, ada.caller, { limit: 5 })).toEqual({ ok: false, refusal: 'forbidden' })
      expect(await getCaller(store, bea.caller)).toMatchObject({ ok: true })
      await makeAdmin(ada)
      const narrow = { ...ada.caller, mayAdminister: false }
      expect(await changeUser(store, narrow, bea.id, change)).toEqual({ ok: false, refusal: 'forbidden' })
      const found = await listAllUsers(store, ada.caller, { limit: 5, q: bea.name.toUpperCase() })
      expect(found).toMatchObject({ ok: true, value: [{ id: bea.id, disabledAt: null }] })
      const disabled = await changeUser(store, ada.caller, bea.id, change)
      expect(disabled).toMatchObject({ ok: true, value: { disabledAt: change.at, role: 'user' } })
      expect(await getCaller(store, bea.caller)).toEqual({ ok: false, refusal: 'account_disabled' })
      const again = await changeUser(store, ada.caller, bea.id, {
        role: 'admin',
        isDisabled: true,
        operation: unique('event'),
        at: tick(),
      })
      expect(again).toMatchObject({ value: { disabledAt: change.at, role: 'admin' } })
      const enabled = await changeUser(store, ada.caller, bea.id, {
        role: 'user',
        isDisabled: false,
        operation: unique('event'),
        at: tick(),
      })
      expect(enabled).toMatchObject({ value: { disabledAt: null, role: 'user' } })
      expect(await changeUser(store, ada.caller, 'nobody', change)).toEqual({ ok: false, refusal: 'not_found' })
      const events = [
        'user.disabled {}',
        'user.role_changed {"role":"admin"}',
        'user.role_changed {"role":"user","disabled":false}',
      ]
      expect(await eventsOf(bea.id)).toEqual(events)
      const nothing = { role: 'user' as const, isDisabled: false, operation: unique('event'), at: tick() }
      expect(await changeUser(store, ada.caller, bea.id, nothing)).toMatchObject({ value: { role: 'user' } })
      const same = { ...nothing, isDisabled: undefined }
      expect(await changeUser(store, ada.caller, bea.id, same)).toMatchObject({ value: { role: 'user' } })
      expect(await eventsOf(bea.id)).toEqual(events)
      const page = await listAllUsers(store, ada.caller, { limit: 1 })
      expect(page.ok && page.value).toHaveLength(2)
    })

    test('of two who take the role of each other at once one keeps it', async () => {
      for (let round = 0; round < 20; round += 1) {
        const [ada, bea] = [await person(), await person()]
        await Promise.all([makeAdmin(ada), makeAdmin(bea)])
        const demote = (by: Person, other: Person) => {
          const change = { role: 'user' as const, isDisabled: undefined, operation: unique('event'), at: tick() }
          return changeUser(reached.database.store(), by.caller, other.id, change)
        }
        const outcomes = await Promise.all([demote(ada, bea), demote(bea, ada)])
        expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
        expect(outcomes).toContainEqual({ ok: false, refusal: 'forbidden' })
      }
    })

    test('trips: 1, on MySQL 5', async () => {
      const [ada, bea] = [await person(), await person()]
      await makeAdmin(ada)
      const change = { role: undefined, isDisabled: true, operation: unique('event'), at: tick() }
      const changing = countTrips(() => changeUser(store, ada.caller, bea.id, change))
      expect(await changing).toBe(dialect === 'mysql' ? 5 : 1)
    })
  })
})
