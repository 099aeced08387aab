import { randomUUID } from 'node:crypto'
import { entryOf, onOne, onOneAndOwn, onOwn, type Make, type RouteAct } from './act.ts'
import { anonymous, registration, type Names, type Person } from './person.ts'
import { people } from './things.ts'
import { done, inTurn, logIn, newAddress, newNames, register, type RouteWorld } from './world.ts'

const strangers: Make<Names> = (_world, count) => Promise.resolve(Array.from({ length: count }, newNames))

const strangersOfOneNetwork: Make<Names> = async (world, count) => {
  const address = newAddress()
  return (await strangers(world, count)).map((names) => ({ ...names, address }))
}

/** Sessions of one user, each as the person that has it. */
const sessionsOfOne: Make<Person> = async ({ client }, count) => {
  const person = await register(client)
  return inTurn(count, () => logIn(client, person))
}

interface Session {
  readonly of: Person
  readonly id: string
}

/** What one user can end: every session but the one in which it does. */
const endableOfOne: Make<Session> = async (world, count) => {
  const person = await register(world.client)
  return inTurn(count, async () => {
    const other = await logIn(world.client, person)
    return { of: person, id: await currentOf(world, other) }
  })
}

const endableOfMany: Make<Session> = async (world, count) => {
  const owners = await people(world, count)
  return inTurn(count, async (number) => {
    const person = entryOf(owners, number)
    return { of: person, id: await currentOf(world, await logIn(world.client, person)) }
  })
}

async function currentOf({ client }: RouteWorld, person: Person): Promise<string> {
  const { items } = (await done(client, person.get('/v1/auth/sessions'))) as {
    readonly items: readonly { readonly id: string; readonly current: boolean }[]
  }
  const session = items.find(({ current }) => current)
  if (session === undefined) throw new Error('the newest session of a user is not on the first page of its sessions')
  return session.id
}

interface Reset {
  readonly token: string
  readonly address: string
}

/** Tokens for a new password, of a user each. */
const resets: Make<Reset> = async (world, count) => {
  const { client, mailbox } = world
  return inTurn(count, async () => {
    const { email, address } = await register(client)
    const mailed = mailbox.tokenFor(email)
    await done(client, anonymous(address, '/v1/auth/recover', { email }))
    return { token: await mailed, address }
  })
}

const refresh = {
  send: ({ address, refreshToken }: Person) => anonymous(address, '/v1/auth/refresh', { refreshToken }),
}
const logOut = {
  send: ({ address, refreshToken }: Person) => anonymous(address, '/v1/auth/logout', { refreshToken }),
}
const endSession = { send: ({ of, id }: Session) => of.delete(`/v1/auth/sessions/${id}`) }

const sameAddress = newAddress()

export const accountActs: readonly RouteAct[] = [
  onOne('POST /v1/auth/register', 'one username', {
    make: strangers,
    isUsedUp: true,
    refusals: ['username_taken', 'email_taken'],
    send: (names) => registration({ ...names, address: newAddress() }),
  }),
  onOwn('POST /v1/auth/register', 'users from one network', { make: strangersOfOneNetwork, send: registration }),
  onOwn('POST /v1/auth/register', 'networks of their own', { make: strangers, send: registration }),

  ...onOneAndOwn('POST /v1/auth/login', 'user', { make: people, send: (person) => person.logIn() }),
  onOwn('POST /v1/auth/login', 'users from one network', {
    make: people,
    send: (person) => person.logIn(sameAddress),
  }),

  onOne('POST /v1/auth/refresh', 'one token', {
    make: people,
    isUsedUp: true,
    refusals: ['token_reused', 'unauthenticated'],
    ...refresh,
  }),
  onOwn('POST /v1/auth/refresh', 'sessions of one user', { make: sessionsOfOne, ...refresh }),
  onOwn('POST /v1/auth/refresh', 'users of their own', { make: people, ...refresh }),

  onOne('POST /v1/auth/logout', 'one session', { make: people, isUsedUp: true, ...logOut }),
  onOwn('POST /v1/auth/logout', 'sessions of one user', { make: sessionsOfOne, ...logOut }),
  onOwn('POST /v1/auth/logout', 'users of their own', { make: people, ...logOut }),

  ...onOneAndOwn('GET /v1/auth/me', 'user', { make: people, send: (person) => person.get('/v1/auth/me') }),
  ...onOneAndOwn('DELETE /v1/auth/me', 'user', {
    make: people,
    isUsedUp: true,
    refusals: ['unauthenticated'],
    send: (person) => person.leave(),
  }),

  onOne('GET /v1/auth/sessions', 'one user', {
    make: async (world) => (await sessionsOfOne(world, 20)).slice(0, 1),
    send: (person) => person.get('/v1/auth/sessions'),
  }),
  onOne('DELETE /v1/auth/sessions/{id}', 'one session', {
    make: endableOfMany,
    isUsedUp: true,
    refusals: ['not_found'],
    ...endSession,
  }),
  onOwn('DELETE /v1/auth/sessions/{id}', 'sessions of one user', { make: endableOfOne, ...endSession }),
  onOwn('DELETE /v1/auth/sessions/{id}', 'users of their own', { make: endableOfMany, ...endSession }),

  ...onOneAndOwn('POST /v1/auth/password', 'user', {
    make: people,
    isUsedUp: true,
    refusals: ['unauthenticated', 'token_expired', 'invalid_credentials'],
    send: (person) => person.post('/v1/auth/password', { currentPassword: person.password, newPassword: randomUUID() }),
  }),

  ...onOneAndOwn('POST /v1/auth/recover', 'user', {
    make: people,
    send: ({ email, address }) => anonymous(address, '/v1/auth/recover', { email }),
  }),
  ...onOneAndOwn('POST /v1/auth/reset', 'token', {
    make: resets,
    isUsedUp: true,
    refusals: ['invalid_credentials'],
    send: ({ token, address }) => anonymous(address, '/v1/auth/reset', { token, newPassword: randomUUID() }),
  }),
]
