import { nextDefinition } from '../serve-acts.ts'
import { onOne, onOneAndOwn, type Make, type RouteAct } from './act.ts'
import { force, workflows, type Owned } from './things.ts'
import { done, inTurn } from './world.ts'

/** Workflows of one owner, with so many versions each. */
function withVersions(versions: number): Make<Owned> {
  return async (world, count) => {
    const all = await workflows(world, count)
    for (const { owner, id } of all) {
      await inTurn(versions - 1, () =>
        done(world.client, owner.patch(`/v1/workflows/${id}`, `{"definition":${nextDefinition()}}`, force)),
      )
    }
    return all
  }
}

const read = (route: string, path: string): RouteAct =>
  onOne(route, 'one workflow', {
    make: withVersions(50),
    send: ({ owner, id }) => owner.get(`/v1/workflows/${id}/versions${path}`),
  })

export const versionActs: readonly RouteAct[] = [
  read('GET /v1/workflows/{id}/versions', ''),
  read('GET /v1/workflows/{id}/versions/{n}', '/1'),
  read('GET /v1/workflows/{id}/versions/{a}/diff/{b}', '/1/diff/2'),
  ...onOneAndOwn('POST /v1/workflows/{id}/versions/{n}/restore', 'workflow', {
    make: withVersions(2),
    send: ({ owner, id }) => owner.post(`/v1/workflows/${id}/versions/1/restore`, {}, force),
  }),
]
