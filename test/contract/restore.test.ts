import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, readAnswer, tripsOf, type Answer } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { absentId, runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { countRows, type Actor, type SendInit, type Workflow, type World } from './world.ts'

const definition = '{"a":1.0,  "big":12345678901234567890}'
const restoring = { method: 'POST', path: '/v1/workflows/{fresh}/versions/1/restore', fresh: { definition } } as const
const force = { 'If-Match': '*' }

const restores: readonly Scenario[] = [
  {
    name: 'restoring makes the next version, also where the text is the newest one’s',
    ...restoring,
    body: '{"changeNotes":"back"}',
    headers: { 'If-Match': '"1"' },
    status: 200,
    json: { versionNumber: 2, revision: 2, permission: 'owner' },
    has: [`"definition":${definition}`],
    answerHeaders: { ETag: '"2"', Location: null },
    async afterwards(answer, world, fresh) {
      const path = `/v1/workflows/${fresh?.id}`
      expect((await readAnswer(await world.send('owner', 'GET', path))).text).toBe(answer.text)
      const version = await readAnswer(await world.send('owner', 'GET', `${path}/versions/2`))
      expect(asRecord(version.json)).toMatchObject({ changeNotes: 'back', createdBy: world.users.owner.id })
      expect(version.text).toContain(`"definition":${definition}`)
      expect((await world.send('owner', 'GET', `${path}/versions/1`)).status).toBe(200)
    },
  },
  {
    name: 'an editor restores, and the version is the editor’s',
    ...restoring,
    as: 'editor',
    headers: force,
    status: 200,
    json: { permission: 'edit', versionNumber: 2 },
    async afterwards(_, world, fresh) {
      const version = await readAnswer(await world.send('viewer', 'GET', `/v1/workflows/${fresh?.id}/versions/2`))
      expect(asRecord(version.json)).toMatchObject({ changeNotes: null, createdBy: world.users.editor.id })
    },
  },
  { name: 'an administrator restores', ...restoring, as: 'admin', headers: force, status: 200 },
  { name: 'a body of {} will do', ...restoring, body: '{}', headers: force, status: 200 },
  { name: 'changeNotes may be null', ...restoring, body: '{"changeNotes":null}', headers: force, status: 200 },
  {
    name: 'changeNotes have at most 10,000 characters',
    ...restoring,
    body: `{"changeNotes":"${'x'.repeat(10_001)}"}`,
    headers: force,
    status: 422,
    places: ['/changeNotes'],
  },
  { name: 'another field is 422', ...restoring, body: '{"n":1}', headers: force, status: 422, places: ['/n'] },
  { name: 'an executor may not', ...restoring, as: 'executor', headers: force, status: 403, code: 'forbidden' },
  { name: 'a viewer may not', ...restoring, as: 'viewer', headers: force, status: 403, code: 'forbidden' },
  { name: 'a stranger gets 404', ...restoring, as: 'stranger', headers: force, status: 404, hasNot: ['12345'] },
  { name: 'nobody 401', ...restoring, as: 'nobody', headers: force, status: 401 },
  { name: 'a disabled user 403', ...restoring, as: 'disabled', headers: force, status: 403, code: 'account_disabled' },
  {
    name: 'nobody restores what is public',
    method: 'POST',
    path: '/v1/workflows/{public}/versions/1/restore',
    as: 'nobody',
    headers: force,
    status: 401,
  },
  {
    name: 'a stranger may see what is public, but not restore it',
    method: 'POST',
    path: '/v1/workflows/{public}/versions/1/restore',
    as: 'stranger',
    headers: force,
    status: 403,
    code: 'forbidden',
  },
  { name: 'without If-Match 428', ...restoring, status: 428, code: 'precondition_required' },
  { name: 'a stale one is 412', ...restoring, headers: { 'If-Match': '"7"' }, status: 412 },
  { name: 'a malformed one 412', ...restoring, headers: { 'If-Match': '1' }, status: 412 },
  { name: 'one of a list will do', ...restoring, headers: { 'If-Match': '"7", W/"1"' }, status: 200 },
  {
    name: 'a version to come is 404',
    ...restoring,
    path: '/v1/workflows/{fresh}/versions/2/restore',
    headers: force,
    status: 404,
  },
  {
    name: 'which ranks before 403, 422, 428 and 412',
    ...restoring,
    path: '/v1/workflows/{fresh}/versions/2/restore',
    as: 'viewer',
    body: '{"n":1}',
    status: 404,
  },
  {
    name: 'as does a number that can’t be one',
    ...restoring,
    path: '/v1/workflows/{fresh}/versions/0/restore',
    as: 'viewer',
    body: '{"n":1}',
    status: 404,
  },
  { name: 'a viewer is told 403 before 422', ...restoring, as: 'viewer', body: '{"n":1}', status: 403 },
  { name: 'an editor 422 before 428', ...restoring, as: 'editor', body: '{"n":1}', status: 422 },
  {
    name: 'nothing has no versions',
    method: 'POST',
    path: '/v1/workflows/{absent}/versions/1/restore',
    headers: force,
    status: 404,
  },
  { name: 'GET is 405', ...restoring, method: 'GET', status: 405, answerHeaders: { Allow: 'POST' } },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, restores)

  test('a key gives the first answer again, whatever the workflow has become', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition })
    const keyed = { headers: { 'If-Match': '"1"', 'Idempotency-Key': 'restore' } }
    const first = await restore(world, workflow, keyed)
    expect(first).toMatchObject({ status: 200 })
    await patch(world, workflow, '{"definition":{"later":1}}')
    const again = await restore(world, workflow, keyed)
    expect([again.status, again.text, again.headers.get('ETag')]).toEqual([200, first.text, '"2"'])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(await countRows(world, 'workflow_versions', `workflow_id = '${workflow.id}'`)).toBe(3)
  })

  test('two at once under one key make one version', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition })
    const keyed = { headers: { ...force, 'Idempotency-Key': 'at once' } }
    const answers = await Promise.all([1, 2, 3].map(() => restore(world, workflow, keyed)))
    const done = answers.filter(({ status }) => status === 200)
    expect(done.length).toBeGreaterThan(0)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    expect(new Set(done.map(({ text }) => text)).size).toBe(1)
    expect(await countRows(world, 'workflow_versions', `workflow_id = '${workflow.id}'`)).toBe(2)
  })

  test('forced restores at once all happen, each its own version', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition })
    const answers = await Promise.all([1, 2, 3, 4].map(() => restore(world, workflow, { headers: force })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.map(({ json }) => Number(asRecord(json)['versionNumber'])).toSorted(ascending)).toEqual([2, 3, 4, 5])
  })

  test('of restores of one revision at once, one happens', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition })
    const exact = { headers: { 'If-Match': '"1"' } }
    const answers = await Promise.all([1, 2, 3].map(() => restore(world, workflow, exact)))
    expect(answers.map(({ status }) => status).toSorted(ascending)).toEqual([200, 412, 412])
  })

  const refusals: readonly (readonly [string, Actor, SendInit, string, number])[] = [
    ['404', 'owner', { headers: force }, '2', 404],
    ['412', 'owner', { headers: { 'If-Match': '"7"' } }, '1', 412],
  ]
  for (const [name, actor, init, version, status] of refusals) {
    test(`a refusal by ${name} is kept under its key`, async () => {
      const { world } = suite
      const workflow = await world.workflow({ definition })
      const keyed = { headers: { ...init.headers, 'Idempotency-Key': `kept ${name}` } }
      const path = `/v1/workflows/${workflow.id}/versions/${version}/restore`
      const send = async () => readAnswer(await world.send(actor, 'POST', path, keyed))
      const first = await send()
      await patch(world, workflow, '{"definition":{"two":2}}')
      for (let n = 3; n <= 7; n += 1) await patch(world, workflow, `{"name":"${n}"}`)
      const again = await send()
      expect([first.status, again.status]).toEqual([status, status])
      expect(again.text).toBe(first.text)
      expect(again.headers.get('Content-Type')).toBe('application/problem+json')
      expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    })
  }

  const released: readonly (readonly [string, Actor, SendInit])[] = [
    ['403', 'viewer', { headers: force }],
    ['422', 'owner', { headers: force, body: '{"changeNotes":7}' }],
    ['428', 'owner', {}],
  ]
  for (const [name, actor, init] of released) {
    test(`a refusal by ${name} releases its key`, async () => {
      const { world } = suite
      const workflow = await world.workflow({ definition })
      const key = { 'Idempotency-Key': `released ${name}` }
      const refused = await restore(world, workflow, { ...init, headers: { ...init.headers, ...key } }, actor)
      expect(refused.status).toBe(Number(name))
      if (actor === 'viewer') return
      const done = await restore(world, workflow, { headers: { ...force, ...key } }, actor)
      expect([done.status, done.headers.get('Idempotency-Replayed')]).toEqual([200, null])
    })
  }

  test('the trips are those of a write that depends on what was read', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition })
    const plain = await restore(world, workflow, { headers: force })
    const keyed = await restore(world, workflow, { headers: { ...force, 'Idempotency-Key': 'trips' } })
    const stale = await restore(world, workflow, { headers: { 'If-Match': '"77"' } })
    const missing = await readAnswer(await world.send('owner', 'POST', `/v1/workflows/${absentId}/versions/1/restore`))
    const wanted = [
      documentedTrips['restore a version'][dialect],
      documentedTrips['restore a version with a key'][dialect],
      1,
      1,
    ]
    expect([plain, keyed, stale, missing].map(tripsOf)).toEqual(wanted)
  })
})

const ascending = (a: number, b: number): number => a - b

async function restore(world: World, { id }: Workflow, init: SendInit, actor: Actor = 'owner'): Promise<Answer> {
  return readAnswer(await world.send(actor, 'POST', `/v1/workflows/${id}/versions/1/restore`, init))
}

async function patch(world: World, { id }: Workflow, body: string): Promise<void> {
  const answer = await world.send('owner', 'PATCH', `/v1/workflows/${id}`, { body, headers: force })
  expect(answer.status).toBe(200)
}
