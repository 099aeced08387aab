import { entryOf, onOne, onOneAndOwn, type Make, type RouteAct } from './act.ts'
import type { Person } from './person.ts'
import { people } from './things.ts'
import { done, inTurn } from './world.ts'

const data = (number: number) => ({
  theme: 'dark',
  number,
  github: { user: 'ada', token: { $secret: 'a secret of the bench' } },
})

/** Users with settings, a secret among them. */
const withSettings: Make<Person> = async (world, count) => {
  const all = await people(world, count)
  await inTurn(count, (number) => done(world.client, entryOf(all, number).put('/v1/settings', { data: data(0) })))
  return all
}

export const settingsActs: readonly RouteAct[] = [
  ...onOneAndOwn('GET /v1/settings', 'user', {
    make: withSettings,
    send: (person) => person.get('/v1/settings'),
  }),
  ...onOneAndOwn('PUT /v1/settings', 'user', {
    make: people,
    send: (person, { number }) => person.put('/v1/settings', { data: data(number) }),
  }),
  onOne('PUT /v1/settings', 'one revision', {
    make: withSettings,
    isUsedUp: true,
    refusals: ['precondition_failed'],
    send: (person, { number }) => person.put('/v1/settings', { data: data(number) }, { 'If-Match': '"1"' }),
  }),
  ...onOneAndOwn('PATCH /v1/settings', 'user', {
    make: withSettings,
    send: (person, { number }) => person.patch('/v1/settings', { [`member${number}`]: number }),
  }),
  ...onOneAndOwn('POST /v1/settings/reveal', 'user', {
    make: withSettings,
    send: (person) => person.post('/v1/settings/reveal', { pointer: '/github/token' }),
  }),
]
