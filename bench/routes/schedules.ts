import { onOne, onOneAndOwn, type Make, type RouteAct } from './act.ts'
import { force, workflows, type Owned } from './things.ts'
import { inTurn, made } from './world.ts'

/** Its time does not come while it is measured. */
const newSchedule = { name: 'bench', cron: '0 0 29 2 *', timeZone: 'Europe/Berlin', input: { report: 'daily' } }

/** Schedules of one workflow. */
const schedules: Make<Owned & { readonly workflowId: string }> = async (world, count) => {
  const [owned] = await workflows(world, 1)
  if (owned === undefined) throw new Error('there is no workflow to make schedules of')
  const { owner, id: workflowId } = owned
  const create = owner.post(`/v1/workflows/${workflowId}/schedules`, newSchedule)
  return inTurn(count, async () => ({ owner, workflowId, id: await made(world.client, create) }))
}

export const scheduleActs: readonly RouteAct[] = [
  onOne('GET /v1/workflows/{id}/schedules', 'one workflow', {
    make: async (world) => (await schedules(world, 20)).slice(0, 1),
    send: ({ owner, workflowId }) => owner.get(`/v1/workflows/${workflowId}/schedules`),
  }),
  ...onOneAndOwn('POST /v1/workflows/{id}/schedules', 'workflow', {
    make: workflows,
    send: ({ owner, id }) => owner.post(`/v1/workflows/${id}/schedules`, newSchedule),
  }),
  ...onOneAndOwn('GET /v1/schedules/{id}', 'schedule', {
    make: schedules,
    send: ({ owner, id }) => owner.get(`/v1/schedules/${id}`),
  }),
  ...onOneAndOwn('PATCH /v1/schedules/{id}', 'schedule', {
    make: schedules,
    send: ({ owner, id }, { number }) => owner.patch(`/v1/schedules/${id}`, { name: `bench ${number}` }, force),
  }),
  ...onOneAndOwn('DELETE /v1/schedules/{id}', 'schedule', {
    make: schedules,
    isUsedUp: true,
    refusals: ['not_found'],
    send: ({ owner, id }) => owner.delete(`/v1/schedules/${id}`, force),
  }),
]
