import {
  changeUser,
  getUser,
  listAllUsers,
  type UserListing,
} from '@millrace/db/repositories/accounts/administered-users'
import { listAllApiKeys, removeApiKey } from '@millrace/db/repositories/accounts/api-key-administration'
import {
  checkApiKey,
  createApiKey,
  deleteApiKey,
  listApiKeys,
  touchApiKey,
} from '@millrace/db/repositories/accounts/api-keys'
import { beginLogin, beginPasswordCheck, changePassword, logIn } from '@millrace/db/repositories/accounts/credentials'
import {
  sweepAudit,
  sweepIdempotencyKeys,
  sweepLoginAttempts,
  sweepPasswordResets,
  sweepSessions,
} from '@millrace/db/repositories/accounts/expiry'
import { countAttempt } from '@millrace/db/repositories/accounts/login-attempts'
import { beginRecovery, findReset, resetPassword } from '@millrace/db/repositories/accounts/password-resets'
import { removeAccount, removeUser } from '@millrace/db/repositories/accounts/removal'
import {
  checkSession,
  deleteSession,
  endFamily,
  findRefresh,
  listSessions,
  logOut,
  rotateRefresh,
} from '@millrace/db/repositories/accounts/sessions'
import { checkStanding } from '@millrace/db/repositories/accounts/standing'
import { setDisabled, setPassword, setRole } from '@millrace/db/repositories/accounts/user-administration'
import {
  beginRegistration,
  findLogin,
  getCaller,
  registerAccount,
  registerUser,
} from '@millrace/db/repositories/accounts/users'
import {
  administrator,
  attemptOf,
  byKey,
  changed,
  done,
  expiring,
  forbidden,
  keyed,
  newId,
  now,
  ofFew,
  ofSpares,
  origin,
  refused,
  response,
  spare,
  unlimited,
  type Act,
  type Acts,
  type Scene,
} from './act.ts'

const event = () => ({ eventId: newId(), at: now })
const sessionEnd = () => ({ ...event(), origin })
const distant = new Date('2050-01-01T00:00:00.000Z')
const day = 86_400_000

function session(userId: string) {
  const [id, familyId, refreshSha256] = [newId(), newId(), newId()]
  return { id, familyId, userId, refreshSha256, userAgent: null, createdAt: now, expiresAt: distant }
}

function newUser() {
  const name = newId()
  const names = { username: name, usernameKey: name, email: `${name}@example.org`, emailKey: `${name}@example.org` }
  return { id: newId(), ...names, passwordHash: 'h', role: 'user' as const, createdAt: now }
}

/** A user that nobody else acts as. */
function spareUser(share: number, scene: Scene) {
  const userId = spare('su', share, scene)
  return { ...ofSpares, userId, sessionId: undefined }
}

function loginOf(nameKey: string, rates = unlimited) {
  return { id: newId(), eventId: newId(), origin, rates, at: now, nameKey, nameDigest: 'none' }
}

function listUsers(given: Partial<UserListing> = {}): Act {
  return ({ store }) => done(listAllUsers(store, administrator, { limit: 50, ...given }))
}

const counts: Acts = {
  'a log-in that begins': ({ store }) => done(beginLogin(store, loginOf('u7'))),
  'a log-in of nobody': ({ store }) => done(beginLogin(store, loginOf('nobody'))),
  'a log-in that is limited': ({ store }) => refused(beginLogin(store, loginOf('u7', forbidden))),
  'a log-in': (scene) => {
    const { userId } = spareUser(0, scene)
    const right = { userId, passwordHash: 'h', newHash: undefined, origin }
    const counted = { nameKey: userId, network: origin.network }
    return done(logIn(scene.store, right, session(userId), counted))
  },
  'a log-in with a new hash': (scene) => {
    const { userId } = spareUser(1, scene)
    const right = { userId, passwordHash: 'h', newHash: 'h', origin }
    const counted = { nameKey: userId, network: origin.network }
    return done(logIn(scene.store, right, session(userId), counted))
  },
  'a check of a password': ({ store }) => done(beginPasswordCheck(store, ofFew, loginOf('u7'))),
  'a check of a password that is refused': ({ store }) =>
    refused(beginPasswordCheck(store, { ...ofFew, sessionId: 'none' }, loginOf('u7'))),
  'a check of a password that is limited': ({ store }) =>
    refused(beginPasswordCheck(store, ofFew, loginOf('u7', forbidden))),
  'a change of a password': (scene) =>
    done(
      changePassword(scene.store, spareUser(2, scene), {
        ...{ passwordHash: 'h', newHash: 'h', endsApiKeys: true, network: origin.network, ...event() },
      }),
    ),
  'a count of an attempt': ({ store }) => countAttempt(store, attemptOf('lookup', 'u7')),
  'a count of an attempt that is limited': async ({ store }) => {
    if ((await countAttempt(store, attemptOf('lookup', 'u7', forbidden))) === undefined)
      throw new Error('the attempt was not limited')
  },
  'a recovery that begins': (scene) => {
    const emailKey = `e-${spareUser(3, scene).userId}`
    const token = { id: newId(), tokenSha256: newId(), expiresAt: distant }
    return done(beginRecovery(scene.store, { ...token, emailKey, attempt: attemptOf('recover', emailKey) }))
  },
  'a recovery that is limited': ({ store }) => {
    const token = { id: newId(), tokenSha256: newId(), expiresAt: distant }
    const attempt = attemptOf('recover', 'e-u7', forbidden)
    return refused(beginRecovery(store, { ...token, emailKey: 'e-u7', attempt }))
  },
  'a token for a password': (scene) => done(findReset(scene.store, spare('sp', 4, scene), attemptOf('recover', ''))),
  'a password that is set anew': (scene) => {
    const reset = { userId: spare('su', 4, scene), tokenSha256: spare('sp', 4, scene), passwordHash: 'h' }
    return done(resetPassword(scene.store, { ...reset, attempt: attemptOf('recover', ''), ...sessionEnd() }))
  },
  'a password that is not set anew': ({ store }) => {
    const reset = { userId: 'u7', tokenSha256: 'none', passwordHash: 'h' }
    return refused(resetPassword(store, { ...reset, attempt: attemptOf('recover', ''), ...sessionEnd() }))
  },
  'a registration that begins': ({ store }) => done(beginRegistration(store, newUser(), attemptOf('register', ''))),
  'a registration': ({ store }) => {
    const user = newUser()
    return done(registerAccount(store, { user, session: session(user.id), origin }))
  },
  'a registration of a name that is taken': ({ store }) =>
    refused(registerUser(store, { ...newUser(), username: 'u7', usernameKey: 'u7' })),
  'a user that a command makes': ({ store }) => done(registerUser(store, newUser())),
}

const sessions: Acts = {
  'a refresh token': ({ store }) => findRefresh(store, 'r7'),
  'a refresh': (scene) => {
    const next = { ...session('u5'), familyId: spare('sf', 0, scene) }
    return done(rotateRefresh(scene.store, { id: spare('st', 0, scene) }, next, now))
  },
  'a token that is used twice': (scene) =>
    changed(endFamily(scene.store, { familyId: spare('sf', 1, scene), userId: 'u5' }, sessionEnd())),
  'a log-out': (scene) => logOut(scene.store, spare('sr', 2, scene), sessionEnd()),
  'a log-out of nobody': ({ store }) => logOut(store, 'none', sessionEnd()),
  'a list of sessions': ({ store }) => done(listSessions(store, ofFew, { limit: 50, at: now })),
  'the end of a session': (scene) => done(deleteSession(scene.store, ofSpares, spare('sf', 3, scene), event())),
  'the end of no session': ({ store }) => refused(deleteSession(store, ofSpares, 'none', event())),
  'a check of a session': ({ store }) => done(checkSession(store, ofFew, 'f7')),
  'a check of a caller': ({ store }) => done(checkStanding(store, ofFew)),
  'a check of a key’s caller': ({ store }) => done(checkStanding(store, byKey)),
  'one’s own account': ({ store }) => done(getCaller(store, ofFew)),
  'a user by its name': ({ store }) => findLogin(store, 'u7'),
}

const keys: Acts = {
  'a key that is made': ({ store }) => done(createApiKey(store, ofFew, newKey())),
  'a key that is made under a key': ({ store }) =>
    done(createApiKey(store, ofFew, newKey(), { ...keyed(), answer: response })),
  'a key that may administer': ({ store }) =>
    done(createApiKey(store, administrator, { ...newKey(), scopes: 'admin', mayAdminister: true })),
  'a key that may not be made': ({ store }) =>
    refused(createApiKey(store, ofFew, { ...newKey(), scopes: 'admin', mayAdminister: true })),
  'a list of keys': ({ store }) => done(listApiKeys(store, ofFew, { limit: 50 })),
  'a key that is deleted': (scene) =>
    done(deleteApiKey(scene.store, ofSpares, { id: spare('sk', 0, scene), scopes: undefined, ...event() })),
  'a key that is not there': ({ store }) =>
    refused(deleteApiKey(store, ofSpares, { id: 'none', scopes: ['read'], ...event() })),
  'a check of a key': ({ store }) => done(checkApiKey(store, ofFew, 'k7', undefined)),
  'a note that a key was used': ({ store }) => touchApiKey(store, { keySha256: 'k7', at: now, before: distant }),
  'a command’s list of one user’s keys': ({ store }) => listAllApiKeys(store, { userId: 'u7' }),
  'a command’s look at a key': ({ store }) => listAllApiKeys(store, { id: 'k7' }),
  'a key that a command deletes': (scene) =>
    removeApiKey(scene.store, { id: spare('sk', 1, scene), userId: 'u5', ...event() }),
}

function newKey() {
  const view = { id: newId(), name: 'key', scopes: 'read', prefix: 'mr_', expiresAt: null, createdAt: now }
  return { ...view, keySha256: newId(), mayAdminister: false }
}

const administration: Acts = {
  'a list of users': listUsers(),
  'a later page of users': listUsers({ after: { at: new Date('2026-01-01T00:01:00.000Z'), id: 'u60' } }),
  'a user for an administrator': ({ store }) => done(getUser(store, administrator, 'u7')),
  'a user who is disabled': (scene) =>
    done(
      changeUser(scene.store, administrator, spare('su', 0, scene), {
        ...{ role: undefined, isDisabled: scene.round % 2 === 0, operation: newId(), at: now },
      }),
    ),
  'a user who is not there': ({ store }) =>
    refused(
      changeUser(store, administrator, 'none', { role: 'user', isDisabled: undefined, operation: newId(), at: now }),
    ),
  'a user whom a command disables': (scene) =>
    setDisabled(scene.store, { id: spare('su', 1, scene), isDisabled: true, ...event() }),
  'a role that a command gives': (scene) =>
    setRole(scene.store, { id: spare('su', 2, scene), role: 'admin', ...event() }),
  'a password that a command sets': (scene) =>
    setPassword(scene.store, { id: spare('su', 3, scene), passwordHash: 'h', ...event() }),
}

const removals: Acts = {
  'an account that leaves': async (scene) => {
    const user = newUser()
    await done(registerAccount(scene.store, { user, session: session(user.id), origin }))
    const caller = { ...ofSpares, userId: user.id, sessionId: undefined }
    await done(removeAccount(scene.store, caller, { passwordHash: 'h', ...event() }))
  },
  'an account that may not leave': ({ store }) =>
    refused(removeAccount(store, ofFew, { passwordHash: 'h', ...event() })),
  'a user whom a command deletes': async ({ store }) => {
    const user = newUser()
    await done(registerUser(store, user))
    await done(removeUser(store, { userId: user.id, ...event() }))
  },
  'a user whom a command may not delete': ({ store }) => refused(removeUser(store, { userId: 'u7', ...event() })),
}

const sweeps: Acts = {
  'a sweep of sessions': (scene) => changed(sweepSessions(scene.store, expiring(scene))),
  'a sweep of tokens for passwords': (scene) => changed(sweepPasswordResets(scene.store, expiring(scene))),
  'a sweep of stored answers': (scene) =>
    changed(sweepIdempotencyKeys(scene.store, new Date(expiring(scene).getTime() + day))),
  'a sweep of attempts': (scene) => changed(sweepLoginAttempts(scene.store, new Date(expiring(scene).getTime() + day))),
  'a sweep of the audit log': (scene) => changed(sweepAudit(scene.store, expiring(scene))),
}

export const accountActs: Acts = { ...counts, ...sessions, ...keys, ...administration, ...removals, ...sweeps }
