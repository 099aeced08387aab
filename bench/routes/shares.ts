import { entryOf, onOne, onOwn, type Make, type RouteAct } from './act.ts'
import type { Person } from './person.ts'
import { people, workflows, workflowsOfOwners, type Owned } from './things.ts'
import { done, inTurn } from './world.ts'

/** A workflow, and who is to see it. */
interface Share extends Owned {
  readonly friend: Person
}

/** One workflow, and a friend for each request. */
const friendsOfOne: Make<Share> = async (world, count) => {
  const [shared] = await workflows(world, 1)
  if (shared === undefined) throw new Error('there is no workflow to share')
  return (await people(world, count)).map((friend) => ({ ...shared, friend }))
}

/** Workflows, and a few friends who take turns. */
function toFew(make: Make<Owned>): Make<Share> {
  return async (world, count) => {
    const friends = await people(world, 8)
    return (await make(world, count)).map((owned, index) => ({ ...owned, friend: entryOf(friends, index % 8) }))
  }
}

/** Those that are shared. */
function shared(make: Make<Share>): Make<Share> {
  return async (world, count) => {
    const all = await make(world, count)
    await inTurn(count, (number) => done(world.client, share(entryOf(all, number), { number: 0 })))
    return all
  }
}

function share({ owner, id, friend }: Share, { number }: { readonly number: number }) {
  const permission = number % 2 === 0 ? 'view' : 'edit'
  return owner.post(`/v1/workflows/${id}/shares`, { username: friend.username, permission })
}

const unshare = {
  send: ({ owner, id, friend }: Share) => owner.delete(`/v1/workflows/${id}/shares/${friend.id}`),
}

const post = 'POST /v1/workflows/{id}/shares'
const remove = 'DELETE /v1/workflows/{id}/shares/{userId}'

export const shareActs: readonly RouteAct[] = [
  onOne('GET /v1/workflows/{id}/shares', 'one workflow', {
    make: async (world) => (await shared(friendsOfOne)(world, 8)).slice(0, 1),
    send: ({ owner, id }) => owner.get(`/v1/workflows/${id}/shares`),
  }),
  onOne(post, 'one share', { make: friendsOfOne, send: share }),
  onOwn(post, 'one workflow', { make: friendsOfOne, send: share }),
  onOwn(post, 'workflows of one owner', { make: toFew(workflows), send: share }),
  onOwn(post, 'owners of their own', { make: toFew(workflowsOfOwners), send: share }),

  onOne(remove, 'one share', {
    make: shared(toFew(workflows)),
    isUsedUp: true,
    refusals: ['not_found'],
    ...unshare,
  }),
  onOwn(remove, 'one workflow', { make: shared(friendsOfOne), ...unshare }),
  onOwn(remove, 'workflows of one owner', { make: shared(toFew(workflows)), ...unshare }),
]
