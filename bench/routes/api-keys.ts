import { entryOf, onOne, onOneAndOwn, onOwn, type Make, type RouteAct } from './act.ts'
import { people, type Owned } from './things.ts'
import { inTurn, made, register } from './world.ts'

const newKey = { name: 'bench', scopes: ['read', 'worker'] }

const keysOfOne: Make<Owned> = async ({ client }, count) => {
  const owner = await register(client)
  return inTurn(count, async () => ({ owner, id: await made(client, owner.post('/v1/api-keys', newKey)) }))
}

const keysOfMany: Make<Owned> = async (world, count) => {
  const owners = await people(world, count)
  return inTurn(count, async (number) => {
    const owner = entryOf(owners, number)
    return { owner, id: await made(world.client, owner.post('/v1/api-keys', newKey)) }
  })
}

const remove = { send: ({ owner, id }: Owned) => owner.delete(`/v1/api-keys/${id}`) }

export const apiKeyActs: readonly RouteAct[] = [
  ...onOneAndOwn('POST /v1/api-keys', 'user', {
    make: people,
    send: (person) => person.post('/v1/api-keys', newKey),
  }),
  onOne('GET /v1/api-keys', 'one user', {
    make: async (world) => (await keysOfOne(world, 20)).slice(0, 1),
    send: ({ owner }) => owner.get('/v1/api-keys'),
  }),
  onOne('DELETE /v1/api-keys/{id}', 'one key', {
    make: keysOfMany,
    isUsedUp: true,
    refusals: ['not_found'],
    ...remove,
  }),
  onOwn('DELETE /v1/api-keys/{id}', 'keys of one user', { make: keysOfOne, ...remove }),
  onOwn('DELETE /v1/api-keys/{id}', 'users of their own', { make: keysOfMany, ...remove }),
]
