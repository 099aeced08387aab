import { onOne, onOneAndOwn, onOwn, type Make, type RouteAct } from './act.ts'
import { ended, paused, pending, workflow, workflows, type Owned } from './things.ts'
import { inTurn, made, register } from './world.ts'

const claim = { worker: 'bench', leaseSeconds: 3600 }

/** Workflows of one owner, each with an execution that is due. */
const queues: Make<Owned> = async (world, count) => {
  const owner = await register(world.client)
  return inTurn(count, async () => {
    const id = await workflow(world, owner)
    await made(world.client, owner.post(`/v1/workflows/${id}/executions`, { input: 1 }))
    return { owner, id }
  })
}

const claimPath = '/v1/executions/claim'
const claims = `POST ${claimPath}`

export const executionActs: readonly RouteAct[] = [
  ...onOneAndOwn('POST /v1/workflows/{id}/executions', 'workflow', {
    make: workflows,
    send: ({ owner, id }) => owner.post(`/v1/workflows/${id}/executions`, { input: { order: 17 } }),
  }),
  onOne('GET /v1/executions', 'one owner', {
    make: async (world) => (await pending(world, 50)).slice(0, 1),
    send: ({ owner }) => owner.get('/v1/executions'),
  }),
  ...onOneAndOwn('GET /v1/executions/{id}', 'execution', {
    make: pending,
    send: ({ owner, id }) => owner.get(`/v1/executions/${id}`),
  }),

  // Each takes another one of the same queue.
  onOwn(claims, 'the queue of one owner', { make: pending, send: ({ owner }) => owner.post(claimPath, claim) }),
  onOwn(claims, 'one workflow, by name', {
    make: pending,
    send: ({ owner, workflowId }) => owner.post(claimPath, { ...claim, workflowIds: [workflowId] }),
  }),
  onOwn(claims, 'one workflow, with steps and a key each', {
    make: pending,
    send: ({ owner, workflowId, id }) =>
      owner.post(claimPath, { ...claim, workflowIds: [workflowId], withSteps: true }, { 'Idempotency-Key': id }),
  }),
  onOwn(claims, 'workflows of their own', {
    make: queues,
    send: ({ owner, id }) => owner.post(claimPath, { ...claim, workflowIds: [id] }),
  }),

  ...onOneAndOwn('POST /v1/executions/{id}/cancel', 'execution', {
    make: pending,
    isUsedUp: true,
    refusals: ['invalid_transition'],
    send: ({ owner, id }) => owner.post(`/v1/executions/${id}/cancel`),
  }),
  ...onOneAndOwn('POST /v1/executions/{id}/resume', 'execution', {
    make: paused,
    isUsedUp: true,
    refusals: ['invalid_transition'],
    send: ({ owner, id }) => owner.post(`/v1/executions/${id}/resume`),
  }),
  ...onOneAndOwn('POST /v1/executions/{id}/retry', 'execution', {
    make: ended,
    send: ({ owner, id }) => owner.post(`/v1/executions/${id}/retry`),
  }),
  ...onOneAndOwn('DELETE /v1/executions/{id}', 'execution', {
    make: ended,
    isUsedUp: true,
    refusals: ['not_found'],
    send: ({ owner, id }) => owner.delete(`/v1/executions/${id}`),
  }),
]
