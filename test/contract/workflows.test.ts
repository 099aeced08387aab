import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, isUuid7, itemsOf, nextCursorOf, readAnswer, type Answer } from './answers.ts'
import { runScenarios, standingWorkflows, useWorld, type Scenario } from './scenarios.ts'
import { countRows, type Actor, type World } from './world.ts'

const creating = { method: 'POST', path: '/v1/workflows' } as const
const members = [
  'id',
  'name',
  'description',
  'definition',
  'ownerId',
  'isPublic',
  'versionNumber',
  'revision',
  'permission',
  'createdAt',
  'updatedAt',
]

const creations: readonly Scenario[] = [
  {
    name: 'a workflow is created as version 1, with Location and ETag',
    ...creating,
    body: '{"name":"first","description":"d","definition":{"nodes":[]},"isPublic":true}',
    status: 201,
    json: {
      name: 'first',
      description: 'd',
      definition: { nodes: [] },
      isPublic: true,
      versionNumber: 1,
      revision: 1,
      permission: 'owner',
    },
    answerHeaders: { ETag: '"1"', Location: /^\/v1\/workflows\/[0-9a-f-]{36}$/ },
    async afterwards(answer, world) {
      const workflow = asRecord(answer.json)
      expect(Object.keys(workflow)).toEqual(members)
      expect(workflow['ownerId']).toBe(world.users.owner.id)
      expect(isUuid7(workflow['id'])).toBe(true)
      expect(workflow['createdAt']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(workflow['updatedAt']).toBe(workflow['createdAt'])
      const read = await readAnswer(await world.send('owner', 'GET', answer.headers.get('Location') ?? ''))
      expect(read.text).toBe(answer.text)
    },
  },
  {
    name: 'description is null and isPublic false when not given',
    ...creating,
    body: '{"name":"n","definition":{}}',
    status: 201,
    json: { description: null, isPublic: false },
  },
  {
    name: 'description may be null',
    ...creating,
    body: '{"name":"n","description":null,"definition":{}}',
    status: 201,
    json: { description: null },
  },
  {
    name: 'description may be empty',
    ...creating,
    body: '{"name":"n","description":"","definition":{}}',
    status: 201,
    json: { description: '' },
  },
  {
    name: 'a name of 255 code points beyond the BMP is fine',
    ...creating,
    body: `{"name":"${'\u{1f600}'.repeat(255)}","definition":{}}`,
    status: 201,
    json: { name: '\u{1f600}'.repeat(255) },
  },
  {
    name: 'a name of 256 is 422',
    ...creating,
    body: `{"name":"${'x'.repeat(256)}","definition":{}}`,
    status: 422,
    places: ['/name'],
  },
  { name: 'an empty name is 422', ...creating, body: '{"name":"","definition":{}}', status: 422, places: ['/name'] },
  {
    name: 'a name that grows 18 times under NFKC is fine',
    ...creating,
    body: `{"name":"${'\ufdfa'.repeat(255)}","definition":{}}`,
    status: 201,
  },
  {
    name: 'a description of 100,000 is fine',
    ...creating,
    body: `{"name":"n","description":"${'ü'.repeat(100_000)}","definition":{}}`,
    status: 201,
    json: { description: 'ü'.repeat(100_000) },
  },
  {
    name: 'a description of 100,001 is 422',
    ...creating,
    body: `{"name":"n","description":"${'x'.repeat(100_001)}","definition":{}}`,
    status: 422,
    places: ['/description'],
  },
  { name: 'name and definition are needed', ...creating, body: '{}', status: 422, places: ['/name', '/definition'] },
  {
    name: 'a definition is an object: no array',
    ...creating,
    body: '{"name":"n","definition":[]}',
    status: 422,
    code: 'validation_failed',
    places: ['/definition'],
  },
  { name: 'no null', ...creating, body: '{"name":"n","definition":null}', status: 422, places: ['/definition'] },
  {
    name: 'no string that looks like one',
    ...creating,
    body: '{"name":"n","definition":"{}"}',
    status: 422,
    places: ['/definition'],
  },
  {
    name: 'isPublic is true or false',
    ...creating,
    body: '{"name":"n","definition":{},"isPublic":1}',
    status: 422,
    places: ['/isPublic'],
  },
  {
    name: 'changeNotes have no place in a creation',
    ...creating,
    body: '{"name":"n","definition":{},"changeNotes":"x"}',
    status: 422,
    places: ['/changeNotes'],
  },
  { name: 'nobody creates', ...creating, as: 'nobody', body: '{"name":"n","definition":{}}', status: 401 },
  {
    name: 'a disabled user creates nothing',
    ...creating,
    as: 'disabled',
    body: '{"name":"by the disabled","definition":{}}',
    status: 403,
    code: 'account_disabled',
    afterwards: async (_, world) => {
      expect(await countRows(world, 'workflows', "name = 'by the disabled'")).toBe(0)
    },
  },
]

const secret = 'of the owner'

const reads: readonly Scenario[] = [
  {
    name: 'the owner reads',
    path: '/v1/workflows/{private}',
    status: 200,
    json: { permission: 'owner' },
    has: [secret],
  },
  { name: 'an editor reads', as: 'editor', path: '/v1/workflows/{private}', status: 200, json: { permission: 'edit' } },
  {
    name: 'an executor reads',
    as: 'executor',
    path: '/v1/workflows/{private}',
    status: 200,
    json: { permission: 'execute' },
  },
  { name: 'a viewer reads', as: 'viewer', path: '/v1/workflows/{private}', status: 200, json: { permission: 'view' } },
  {
    name: 'an administrator reads everything, as an owner',
    as: 'admin',
    path: '/v1/workflows/{private}',
    status: 200,
    json: { permission: 'owner' },
  },
  {
    name: 'for a stranger it does not exist',
    as: 'stranger',
    path: '/v1/workflows/{private}',
    status: 404,
    code: 'not_found',
    hasNot: [secret, 'forbidden'],
  },
  {
    name: 'nobody is 401, whether it exists',
    as: 'nobody',
    path: '/v1/workflows/{private}',
    status: 401,
    hasNot: [secret],
  },
  { name: 'or not', as: 'nobody', path: '/v1/workflows/{absent}', status: 401 },
  {
    name: 'a stranger reads what is public, as view',
    as: 'stranger',
    path: '/v1/workflows/{public}',
    status: 200,
    json: { permission: 'view' },
  },
  {
    name: 'nobody reads what is public too',
    as: 'nobody',
    path: '/v1/workflows/{public}',
    status: 200,
    json: { permission: 'view' },
    has: ['"open":1'],
  },
  {
    name: 'the owner of what is public is its owner',
    path: '/v1/workflows/{public}',
    status: 200,
    json: { permission: 'owner' },
  },
]

const patching = {
  fresh: { definition: '{"v":1}' },
  method: 'PATCH',
  path: '/v1/workflows/{fresh}',
  headers: { 'If-Match': '"1"' },
} as const

async function unchanged(_: Answer, world: World, fresh: { id: string; text: string } | undefined): Promise<void> {
  const read = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${fresh?.id ?? ''}`))
  expect(read.text).toBe(fresh?.text)
  expect(await countRows(world, 'workflow_versions', `workflow_id = '${fresh?.id ?? ''}'`)).toBe(1)
}

const changes: readonly Scenario[] = [
  {
    name: 'a new name makes a revision and no version',
    ...patching,
    body: '{"name":"renamed"}',
    status: 200,
    json: { name: 'renamed', revision: 2, versionNumber: 1 },
    answerHeaders: { ETag: '"2"' },
  },
  {
    name: 'a blank at the end of a name is a difference',
    ...patching,
    body: '{"name":"a workflow "}',
    status: 200,
    json: { name: 'a workflow ', revision: 2, versionNumber: 1 },
  },
  {
    name: 'a blank at the end of a description is a difference',
    ...patching,
    fresh: { description: 'about' },
    body: '{"description":"about "}',
    status: 200,
    json: { description: 'about ', revision: 2, versionNumber: 1 },
  },
  {
    name: 'a description too',
    ...patching,
    body: '{"description":"new"}',
    status: 200,
    json: { description: 'new', revision: 2, versionNumber: 1 },
  },
  {
    name: 'a definition whose text differs makes a version',
    ...patching,
    body: '{"definition":{"v":2},"changeNotes":"why"}',
    status: 200,
    json: { definition: { v: 2 }, revision: 2, versionNumber: 2 },
  },
  {
    name: 'white space alone is a difference',
    ...patching,
    body: '{"definition":{"v": 1}}',
    status: 200,
    json: { versionNumber: 2 },
    has: ['{"v": 1}'],
  },
  {
    name: 'the same text makes none',
    ...patching,
    body: '{"definition":{"v":1}}',
    status: 200,
    json: { revision: 1, versionNumber: 1 },
    answerHeaders: { ETag: '"1"' },
    afterwards: unchanged,
  },
  {
    name: 'the same text with a new name makes a revision and no version',
    ...patching,
    body: '{"definition":{"v":1},"name":"other"}',
    status: 200,
    json: { revision: 2, versionNumber: 1 },
  },
  {
    name: 'no change at all makes no revision',
    ...patching,
    body: '{}',
    status: 200,
    json: { revision: 1 },
    afterwards: unchanged,
  },
  {
    name: 'values that are there already make none',
    ...patching,
    body: '{"name":"a workflow","description":null,"isPublic":false}',
    status: 200,
    json: { revision: 1 },
    afterwards: unchanged,
  },
  {
    name: 'all at once is one revision',
    ...patching,
    body: '{"name":"n","description":"d","definition":{},"isPublic":true}',
    status: 200,
    json: { name: 'n', description: 'd', isPublic: true, revision: 2, versionNumber: 2 },
  },
  {
    name: 'changeNotes without a definition are 422',
    ...patching,
    body: '{"changeNotes":"why"}',
    status: 422,
    code: 'validation_failed',
    places: ['/changeNotes'],
    afterwards: unchanged,
  },
  {
    name: 'changeNotes of 10,000 are fine',
    ...patching,
    body: `{"definition":{},"changeNotes":"${'x'.repeat(10_000)}"}`,
    status: 200,
  },
  {
    name: 'changeNotes of 10,001 are 422',
    ...patching,
    body: `{"definition":{},"changeNotes":"${'x'.repeat(10_001)}"}`,
    status: 422,
    places: ['/changeNotes'],
    afterwards: unchanged,
  },
  {
    name: 'name can not become null',
    ...patching,
    body: '{"name":null}',
    status: 422,
    places: ['/name'],
    afterwards: unchanged,
  },
  { name: 'description can', ...patching, body: '{"description":null}', status: 200, json: { description: null } },
  {
    name: 'a definition that is no object is 422',
    ...patching,
    body: '{"definition":3}',
    status: 422,
    places: ['/definition'],
    afterwards: unchanged,
  },
  {
    name: 'what only the server sets is unknown',
    ...patching,
    body: '{"revision":7}',
    status: 422,
    places: ['/revision'],
    afterwards: unchanged,
  },
  {
    name: 'without If-Match 428',
    ...patching,
    headers: {},
    body: '{"name":"x"}',
    status: 428,
    code: 'precondition_required',
    afterwards: unchanged,
  },
  {
    name: 'a stale If-Match 412',
    ...patching,
    headers: { 'If-Match': '"2"' },
    body: '{"name":"x"}',
    status: 412,
    code: 'precondition_failed',
    afterwards: unchanged,
  },
  {
    name: 'a stale one is 412 even where nothing would change',
    ...patching,
    headers: { 'If-Match': '"2"' },
    body: '{}',
    status: 412,
    afterwards: unchanged,
  },
  {
    name: 'a malformed one 412',
    ...patching,
    headers: { 'If-Match': '1' },
    body: '{"name":"x"}',
    status: 412,
    afterwards: unchanged,
  },
  {
    name: 'a number beyond every column 412',
    ...patching,
    headers: { 'If-Match': '"99999999999999999999"' },
    body: '{"name":"x"}',
    status: 412,
    afterwards: unchanged,
  },
  { name: 'the weak form matches', ...patching, headers: { 'If-Match': 'W/"1"' }, body: '{"name":"x"}', status: 200 },
  {
    name: 'a list matches by any of it',
    ...patching,
    headers: { 'If-Match': '"7", W/"1"' },
    body: '{"name":"x"}',
    status: 200,
  },
  { name: '* forces', ...patching, headers: { 'If-Match': '*' }, body: '{"name":"x"}', status: 200 },
  {
    name: 'an editor changes name, description and definition',
    ...patching,
    as: 'editor',
    body: '{"name":"x","description":"y","definition":{}}',
    status: 200,
    json: { permission: 'edit', versionNumber: 2 },
  },
  {
    name: 'and does not publish',
    ...patching,
    as: 'editor',
    body: '{"isPublic":true}',
    status: 403,
    code: 'forbidden',
    afterwards: unchanged,
  },
  {
    name: 'an executor changes nothing',
    ...patching,
    as: 'executor',
    body: '{"name":"x"}',
    status: 403,
    code: 'forbidden',
    afterwards: unchanged,
  },
  {
    name: 'a viewer neither',
    ...patching,
    as: 'viewer',
    body: '{"name":"x"}',
    status: 403,
    code: 'forbidden',
    afterwards: unchanged,
  },
  {
    name: 'a stranger gets 404',
    ...patching,
    as: 'stranger',
    body: '{"name":"x"}',
    status: 404,
    afterwards: unchanged,
  },
  {
    name: 'who reads it only because it is public gets forbidden',
    ...patching,
    fresh: { isPublic: true, isShared: false },
    as: 'stranger',
    body: '{"name":"x"}',
    status: 403,
    code: 'forbidden',
    afterwards: unchanged,
  },
  {
    name: 'nobody gets 401, public or not',
    ...patching,
    fresh: { isPublic: true },
    as: 'nobody',
    body: '{"name":"x"}',
    status: 401,
    afterwards: unchanged,
  },
  {
    name: 'a disabled user gets 403',
    ...patching,
    as: 'disabled',
    body: '{"name":"x"}',
    status: 403,
    code: 'account_disabled',
    afterwards: unchanged,
  },
  {
    name: 'an administrator changes everything',
    ...patching,
    as: 'admin',
    body: '{"name":"x","isPublic":true}',
    status: 200,
    json: { permission: 'owner' },
  },
]

const deleting = { fresh: {}, method: 'DELETE', path: '/v1/workflows/{fresh}', headers: { 'If-Match': '"1"' } } as const

const deletions: readonly Scenario[] = [
  {
    name: 'what is deleted is gone with versions and shares',
    ...deleting,
    status: 204,
    async afterwards(_, world, fresh) {
      const id = fresh?.id ?? ''
      expect((await world.send('owner', 'GET', `/v1/workflows/${id}`)).status).toBe(404)
      expect((await world.send('owner', 'GET', `/v1/workflows/${id}/versions/1`)).status).toBe(404)
      const left = ['workflow_versions', 'workflow_shares'].map((table) =>
        countRows(world, table, `workflow_id = '${id}'`),
      )
      expect(await Promise.all(left)).toEqual([0, 0])
    },
  },
  { name: 'without If-Match 428', ...deleting, headers: {}, status: 428, afterwards: unchanged },
  { name: 'a stale If-Match 412', ...deleting, headers: { 'If-Match': '"2"' }, status: 412, afterwards: unchanged },
  { name: '* forces', ...deleting, headers: { 'If-Match': '*' }, status: 204 },
  {
    name: 'an editor deletes nothing',
    ...deleting,
    as: 'editor',
    status: 403,
    code: 'forbidden',
    afterwards: unchanged,
  },
  { name: 'a stranger gets 404', ...deleting, as: 'stranger', status: 404, afterwards: unchanged },
  { name: 'nobody 401', ...deleting, as: 'nobody', status: 401, afterwards: unchanged },
  {
    name: 'a disabled user 403',
    ...deleting,
    as: 'disabled',
    status: 403,
    code: 'account_disabled',
    afterwards: unchanged,
  },
  { name: 'an administrator deletes', ...deleting, as: 'admin', status: 204 },
  {
    name: 'what is not there is 404',
    method: 'DELETE',
    path: '/v1/workflows/{absent}',
    headers: { 'If-Match': '*' },
    status: 404,
  },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, [...creations, ...reads, ...changes, ...deletions])

  for (const status of ['pending', 'running', 'paused']) {
    test(`an execution that is ${status} keeps its workflow`, async () => {
      const { id, text } = await suite.world.workflow()
      await addExecution(suite.world, id, status)
      const headers = { 'If-Match': '*' }
      const answer = await readAnswer(await suite.world.send('owner', 'DELETE', `/v1/workflows/${id}`, { headers }))
      expect([answer.status, asRecord(answer.json)['code']]).toEqual([409, 'execution_active'])
      expect((await readAnswer(await suite.world.send('owner', 'GET', `/v1/workflows/${id}`))).text).toBe(text)
    })
  }

  test('412 before 409', async () => {
    const { id } = await suite.world.workflow()
    await addExecution(suite.world, id, 'pending')
    const headers = { 'If-Match': '"2"' }
    expect((await suite.world.send('owner', 'DELETE', `/v1/workflows/${id}`, { headers })).status).toBe(412)
  })

  test('ended executions go with their workflow', async () => {
    const { id } = await suite.world.workflow()
    for (const status of ['completed', 'failed', 'cancelled']) await addExecution(suite.world, id, status)
    const headers = { 'If-Match': '*' }
    expect((await suite.world.send('owner', 'DELETE', `/v1/workflows/${id}`, { headers })).status).toBe(204)
    expect(await countRows(suite.world, 'executions', `workflow_id = '${id}'`)).toBe(0)
  })

  test('lists hold what their scope says, and no definition', async () => {
    const { world } = suite
    await standingWorkflows(world)
    await world.workflow({ by: 'viewer', name: 'of the viewer', isShared: false })
    const names = async (actor: Actor, scope: string) => {
      const answer = await readAnswer(await world.send(actor, 'GET', `/v1/workflows?limit=100${scope}`))
      expect([scope, answer.status]).toEqual([scope, 200])
      for (const item of itemsOf(answer.json)) {
        expect(Object.keys(item)).toEqual(members.filter((member) => member !== 'definition'))
      }
      return new Set(itemsOf(answer.json).map(({ name, permission }) => `${String(name)}: ${String(permission)}`))
    }
    expect(await names('viewer', '&scope=owned')).toEqual(new Set(['of the viewer: owner']))
    const shared = await names('viewer', '&scope=shared')
    expect(shared).toContain('private: view')
    expect(shared).not.toContain('of the viewer: owner')
    expect(shared).not.toContain('public: view')
    const all = await names('viewer', '')
    expect(all).toEqual(new Set([...shared, 'of the viewer: owner']))
    expect(await names('viewer', '&scope=all')).toEqual(all)
    expect(await names('stranger', '')).toEqual(new Set())
    const open = await names('nobody', '&scope=public')
    expect(open).toContain('public: view')
    expect(open).not.toContain('private: view')
    expect(await names('owner', '&scope=public')).toContain('public: owner')
  })

  test('what was shared and is public comes once', async () => {
    const { id } = await suite.world.workflow({ name: 'once', isPublic: true })
    for (const scope of ['shared', 'all', 'public']) {
      const path = `/v1/workflows?scope=${scope}&q=once`
      const { json } = await readAnswer(await suite.world.send('editor', 'GET', path))
      expect(itemsOf(json).map((item) => [item['id'], item['permission']])).toEqual([[id, 'edit']])
    }
  })

  test('q finds parts of names ignoring case and form, and takes nothing for a wildcard', async () => {
    for (const name of ['Straße 100%', 'under_score', 'ﬁsh', 'ÅNGSTRÖM', 'back\\slash', "quo'te"]) {
      await suite.world.workflow({ by: 'executor', name, isShared: false })
    }
    const { world } = suite
    const found = (q: string) => namesFound(world, q)
    expect(await found('STRASSE')).toEqual([])
    expect(await found('straße')).toEqual(['Straße 100%'])
    expect(await found('100%')).toEqual(['Straße 100%'])
    expect(await found('%')).toEqual(['Straße 100%'])
    expect(await found('_')).toEqual(['under_score'])
    expect(await found('fish')).toEqual(['ﬁsh'])
    expect(await found('ångström')).toEqual(['ÅNGSTRÖM'])
    expect(await found('\\')).toEqual(['back\\slash'])
    expect(await found("o't")).toEqual(["quo'te"])
  })

  test('sort=updatedAt puts what was changed last first', async () => {
    const ids: string[] = []
    for (const name of ['sorted a', 'sorted b']) ids.push((await suite.world.workflow({ name })).id)
    const change = { body: '{"description":"later"}', headers: { 'If-Match': '*' } }
    await suite.world.send('owner', 'PATCH', `/v1/workflows/${ids[0] ?? ''}`, change)
    const order = async (sort: string) => {
      const { json } = await readAnswer(await suite.world.send('owner', 'GET', `/v1/workflows?q=sorted${sort}`))
      return itemsOf(json).map(({ id }) => id)
    }
    expect(await order('')).toEqual(ids.toReversed())
    expect(await order('&sort=createdAt')).toEqual(ids.toReversed())
    expect(await order('&sort=updatedAt')).toEqual(ids)
  })

  test('pages by updatedAt lead to the end', async () => {
    const seen: unknown[] = []
    for (const name of ['paged a', 'paged b', 'paged c']) await suite.world.workflow({ name })
    let cursor: string | undefined = ''
    while (cursor !== undefined) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`
      const path = `/v1/workflows?q=paged&sort=updatedAt&limit=1${more}`
      const { json } = await readAnswer(await suite.world.send('owner', 'GET', path))
      seen.push(...itemsOf(json).map(({ name }) => name))
      cursor = nextCursorOf(json)
    }
    expect(seen).toEqual(['paged c', 'paged b', 'paged a'])
  })

  test('a workflow without an owner belongs to the administrators', async () => {
    const { id } = await suite.world.workflow({ isShared: false })
    await suite.world.service.database.query(`update workflows set owner_id = null where id = '${id}'`)
    const statusFor = async (actor: Actor) => (await suite.world.send(actor, 'GET', `/v1/workflows/${id}`)).status
    expect([await statusFor('owner'), await statusFor('stranger'), await statusFor('admin')]).toEqual([404, 404, 200])
    const { json } = await readAnswer(await suite.world.send('admin', 'GET', `/v1/workflows/${id}`))
    expect(asRecord(json)['ownerId']).toBeNull()
  })

  test('twenty changes at once under one If-Match: one is made', async () => {
    const { id } = await suite.world.workflow()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        suite.world.send('owner', 'PATCH', `/v1/workflows/${id}`, {
          body: `{"definition":{"n":${n}}}`,
          headers: { 'If-Match': '"1"' },
        }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 412)).toHaveLength(19)
    expect(await countRows(suite.world, 'workflow_versions', `workflow_id = '${id}'`)).toBe(2)
  })
})

async function addExecution({ service, users }: World, workflowId: string, status: string): Promise<void> {
  await service.database.query(
    `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at)
     select '${crypto.randomUUID()}', id, '${users.owner.id}', '${status}', 1, 0, 3, 0, created_at, created_at
     from workflows where id = '${workflowId}'`,
  )
}

async function namesFound(world: World, q: string): Promise<readonly unknown[]> {
  const path = `/v1/workflows?scope=owned&q=${encodeURIComponent(q)}`
  const { json } = await readAnswer(await world.send('executor', 'GET', path))
  return itemsOf(json).map(({ name }) => name)
}
