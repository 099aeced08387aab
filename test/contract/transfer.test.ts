import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, readAnswer, tripsOf, type Answer } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { countRows, type Actor, type Workflow, type World } from './world.ts'

const giving = { method: 'POST', path: '/v1/workflows/{fresh}/transfer', fresh: {} } as const
const force = { 'If-Match': '*' }
const body = '{"username":"stranger"}'

const transfers: readonly Scenario[] = [
  {
    name: 'the new owner owns, the old one keeps edit, and the revision grows',
    ...giving,
    body,
    headers: { 'If-Match': '"1"' },
    status: 200,
    json: { permission: 'edit', revision: 2, versionNumber: 1 },
    answerHeaders: { ETag: '"2"' },
    async afterwards(answer, world, fresh) {
      expect(asRecord(answer.json)['ownerId']).toBe(world.users.stranger.id)
      const path = `/v1/workflows/${fresh?.id}`
      expect((await readAnswer(await world.send('owner', 'GET', path))).text).toBe(answer.text)
      const seen = await readAnswer(await world.send('stranger', 'GET', path))
      expect(asRecord(seen.json)).toMatchObject({ permission: 'owner', revision: 2 })
      expect((await world.send('owner', 'PATCH', path, { body: '{"name":"mine?"}', headers: force })).status).toBe(200)
      expect((await world.send('owner', 'DELETE', path, { headers: force })).status).toBe(403)
      expect((await world.send('stranger', 'DELETE', path, { headers: force })).status).toBe(204)
    },
  },
  {
    name: 'a name counts whatever its case',
    ...giving,
    body: '{"username":" STRANGER "}',
    headers: force,
    status: 200,
  },
  {
    name: 'the share that the new owner had is gone, others stay',
    ...giving,
    body: '{"username":"editor"}',
    headers: force,
    status: 200,
    async afterwards(_, world, fresh) {
      const of = (user: string) =>
        countRows(world, 'workflow_shares', `workflow_id = '${fresh?.id}' and shared_with_user_id = '${user}'`)
      const { owner, editor, viewer, executor } = world.users
      expect(await Promise.all([owner, editor, viewer, executor].map(({ id }) => of(id)))).toEqual([1, 0, 1, 1])
    },
  },
  {
    name: 'an administrator transfers, and stays what it is',
    ...giving,
    as: 'admin',
    body,
    headers: force,
    status: 200,
    json: { permission: 'owner' },
    async afterwards(_, world, fresh) {
      const seen = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${fresh?.id}`))
      expect(asRecord(seen.json)['permission']).toBe('edit')
      expect(await countRows(world, 'workflow_shares', `shared_with_user_id = '${world.users.admin.id}'`)).toBe(0)
    },
  },
  {
    name: 'to the owner itself is 422',
    ...giving,
    body: '{"username":"owner"}',
    headers: force,
    status: 422,
    places: ['/username'],
  },
  {
    name: 'also when an administrator does it',
    ...giving,
    as: 'admin',
    body: '{"username":"owner"}',
    headers: force,
    status: 422,
    places: ['/username'],
  },
  {
    name: 'to nobody is 422',
    ...giving,
    body: '{"username":"who"}',
    headers: force,
    status: 422,
    code: 'validation_failed',
    places: ['/username'],
  },
  {
    name: 'an email is no username',
    ...giving,
    body: '{"username":"stranger@example.com"}',
    headers: force,
    status: 422,
    places: ['/username'],
  },
  {
    name: 'a name of another type is 422',
    ...giving,
    body: '{"username":7}',
    headers: force,
    status: 422,
    places: ['/username'],
  },
  { name: 'a name is needed', ...giving, body: '{}', headers: force, status: 422, places: ['/username'] },
  {
    name: 'a disabled user can be given a workflow, as it keeps its own',
    ...giving,
    body: '{"username":"disabled"}',
    headers: force,
    status: 200,
  },
  { name: 'an editor may not', ...giving, as: 'editor', body, headers: force, status: 403, code: 'forbidden' },
  {
    name: 'a viewer may not, not even to itself',
    ...giving,
    as: 'viewer',
    body: '{"username":"viewer"}',
    headers: force,
    status: 403,
  },
  {
    name: 'a stranger gets 404, not even told who exists',
    ...giving,
    as: 'stranger',
    body: '{"username":"who"}',
    headers: force,
    status: 404,
  },
  { name: 'nobody 401', ...giving, as: 'nobody', body, headers: force, status: 401 },
  {
    name: 'a disabled user 403',
    ...giving,
    as: 'disabled',
    body,
    headers: force,
    status: 403,
    code: 'account_disabled',
  },
  { name: 'without If-Match 428', ...giving, body, status: 428 },
  { name: 'a stale one is 412', ...giving, body, headers: { 'If-Match': '"9"' }, status: 412 },
  { name: '422 ranks before 412', ...giving, body: '{"username":"who"}', headers: { 'If-Match': '"9"' }, status: 422 },
  { name: '403 before 422', ...giving, as: 'editor', body: '{"username":"who"}', headers: force, status: 403 },
  {
    name: 'the Idempotency-Key is ignored',
    ...giving,
    body,
    headers: { ...force, 'Idempotency-Key': 'x'.repeat(256) },
    status: 200,
  },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, transfers)

  test('a refused transfer leaves owner, shares and revision as they were', async () => {
    const { world } = suite
    const workflow = await world.workflow()
    const shares = () => countRows(world, 'workflow_shares', `workflow_id = '${workflow.id}'`)
    const before = await shares()
    for (const [actor, username, tag] of [
      ['owner', 'stranger', '"9"'],
      ['owner', 'owner', '*'],
      ['owner', 'who', '*'],
      ['editor', 'editor', '*'],
    ] as const) {
      expect((await transfer(world, workflow, actor, username, tag)).status).toBeGreaterThan(400)
    }
    expect(await shares()).toBe(before)
    expect((await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${workflow.id}`))).text).toBe(
      workflow.text,
    )
  })

  test('an ownerless workflow is given away by administrators, and nobody keeps anything', async () => {
    const { world } = suite
    const workflow = await world.workflow({ isShared: false })
    await world.service.database.query(`update workflows set owner_id = null where id = '${workflow.id}'`)
    expect((await transfer(world, workflow, 'owner', 'stranger')).status).toBe(404)
    const given = await transfer(world, workflow, 'admin', 'stranger')
    expect(asRecord(given.json)).toMatchObject({ ownerId: world.users.stranger.id, permission: 'owner', revision: 2 })
    expect(await countRows(world, 'workflow_shares', `workflow_id = '${workflow.id}'`)).toBe(0)
  })

  test.each([
    ['changed', 'PATCH', '', '{"name":"mine"}'],
    ['started', 'POST', '/executions', '{}'],
  ])(
    'what is given to one is worked by no plain claim of theirs, until they have %s it',
    async (_what, method, path, sent) => {
      const { world } = suite
      const { id } = await world.workflow({ isShared: false })
      const started = await world.send('owner', 'POST', `/v1/workflows/${id}/executions`, { body: '{}' })
      expect(started.status).toBe(201)
      expect((await transfer(world, { id }, 'owner', 'stranger')).status).toBe(200)
      const claimed = async () => {
        const claim = { worker: 'w', leaseSeconds: 60, limit: 50 }
        const answer = await world.send('stranger', 'POST', '/v1/executions/claim', { body: JSON.stringify(claim) })
        const { items } = asRecord((await readAnswer(answer)).json)
        return (items as { workflowId: string }[]).filter(({ workflowId }) => workflowId === id).length
      }
      expect(await claimed()).toBe(0)
      // The old owner keeps edit, and what they do with it is not the new owner's word.
      const renamed = { body: '{"name":"yours"}', headers: force }
      expect((await world.send('owner', 'PATCH', `/v1/workflows/${id}`, renamed)).status).toBe(200)
      expect(await claimed()).toBe(0)
      const acted = await world.send('stranger', method, `/v1/workflows/${id}${path}`, { body: sent, headers: force })
      expect(acted.status).toBeLessThan(300)
      expect(await claimed()).toBe(path === '' ? 1 : 2)
    },
  )

  test('what is given to one is worked by a claim of theirs that names it', async () => {
    const { world } = suite
    const { id } = await world.workflow({ isShared: false })
    await world.send('owner', 'POST', `/v1/workflows/${id}/executions`, { body: '{}' })
    expect((await transfer(world, { id }, 'owner', 'stranger')).status).toBe(200)
    const body = JSON.stringify({ worker: 'w', leaseSeconds: 60, workflowIds: [id] })
    const answer = await readAnswer(await world.send('stranger', 'POST', '/v1/executions/claim', { body }))
    expect(asRecord(answer.json)['items']).toHaveLength(1)
  })

  test('there and back: each keeps edit in turn', async () => {
    const { world } = suite
    const workflow = await world.workflow({ isShared: false })
    expect((await transfer(world, workflow, 'owner', 'stranger')).status).toBe(200)
    const back = await transfer(world, workflow, 'stranger', 'owner')
    expect(asRecord(back.json)).toMatchObject({ ownerId: world.users.owner.id, permission: 'edit', revision: 3 })
    const stranger = `shared_with_user_id = '${world.users.stranger.id}' and permission = 'edit'`
    expect(await countRows(world, 'workflow_shares', `workflow_id = '${workflow.id}'`)).toBe(1)
    expect(await countRows(world, 'workflow_shares', `workflow_id = '${workflow.id}' and ${stranger}`)).toBe(1)
  })

  test('of transfers at once one happens, and the old owner keeps edit once', async () => {
    const { world } = suite
    const workflow = await world.workflow({ isShared: false })
    const names = ['stranger', 'viewer', 'editor'] as const
    const answers = await Promise.all(names.map((name) => transfer(world, workflow, 'owner', name)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403, 403])
    expect(await countRows(world, 'workflow_shares', `workflow_id = '${workflow.id}'`)).toBe(1)
  })

  test('its trips', async () => {
    const { world } = suite
    const given = await transfer(world, await world.workflow(), 'owner', 'stranger')
    const stale = await transfer(world, await world.workflow(), 'owner', 'stranger', '"9"')
    const wanted = [documentedTrips['transfer a workflow'][dialect], dialect === 'mysql' ? 4 : 1]
    expect([given, stale].map(tripsOf)).toEqual(wanted)
  })
})

async function transfer(
  world: World,
  { id }: Pick<Workflow, 'id'>,
  actor: Actor,
  username: string,
  tag = '*',
): Promise<Answer> {
  const sent = { body: JSON.stringify({ username }), headers: { 'If-Match': tag } }
  return readAnswer(await world.send(actor, 'POST', `/v1/workflows/${id}/transfer`, sent))
}
