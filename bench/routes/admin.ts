import { setTimeout as delay } from 'node:timers/promises'
import { entryOf, onOne, onOneAndOwn, type Make, type RouteAct } from './act.ts'
import type { Person } from './person.ts'
import { people, workflows } from './things.ts'
import { done, type RouteWorld } from './world.ts'

const backupMilliseconds = 60_000

const administrator: Make<Person> = async (world) => [await world.administrator()]

/** One who finds a backup that was verified. */
const withBackup: Make<Person> = async (world) => {
  const by = await world.administrator()
  await takeBackup(world, by)
  return [by]
}

async function takeBackup({ client }: RouteWorld, by: Person): Promise<void> {
  const verified = async () => {
    const { items } = (await done(client, by.get('/v1/admin/backups'))) as {
      readonly items: readonly { readonly verifiedAt: string | null }[]
    }
    return items.some(({ verifiedAt }) => verifiedAt !== null)
  }
  const latest = Date.now() + backupMilliseconds
  while (!(await verified())) {
    if (Date.now() > latest) throw new Error('the bench has no backup that was verified')
    await done(client, by.post('/v1/admin/backups'))
    await delay(250)
  }
}

interface Changed {
  readonly by: Person
  readonly user: Person
}

const administered: Make<Changed> = async (world, count) => {
  const by = await world.administrator()
  return (await people(world, count)).map((user) => ({ by, user }))
}

const read = (path: string): RouteAct =>
  onOne(`GET ${path}`, 'the administrator', { make: administrator, send: (by) => by.get(path) })

/** Of an archive that is small: they are the first in a run. */
export const backupReadActs: readonly RouteAct[] = [
  onOne('GET /v1/admin/backups', 'the administrator', {
    make: withBackup,
    send: (by) => by.get('/v1/admin/backups'),
  }),
  onOne('GET /v1/admin/backups/{name}', 'one backup', {
    make: withBackup,
    send: (by) => by.get('/v1/admin/backups/latest'),
  }),
]

export const adminActs: readonly RouteAct[] = [
  onOne('GET /v1/audit', 'one user', {
    make: async (world) => [entryOf(await workflows(world, 50), 0).owner],
    send: (person) => person.get('/v1/audit'),
  }),
  read('/v1/audit'),
  read('/v1/admin/status'),
  read('/v1/admin/users'),
  ...onOneAndOwn('PATCH /v1/admin/users/{id}', 'user', {
    make: administered,
    send: ({ by, user }, { number }) => by.patch(`/v1/admin/users/${user.id}`, { disabled: number % 2 === 0 }),
  }),
]

/** They leave backups under way, beside which nothing else is measured: they are the last in a run. */
export const backupStartActs: readonly RouteAct[] = [
  onOne('POST /v1/admin/backups', 'one run', {
    make: administrator,
    send: (by) => by.post('/v1/admin/backups'),
  }),
]
