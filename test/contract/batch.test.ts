import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, isUuid7, itemsOf, readAnswer, tripsOf } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { countRows } from './world.ts'

const batch = { method: 'POST', path: '/v1/workflows/batch' } as const
const item = (name: string, more = '') => `{"name":"${name}","definition":{}${more}}`
const many = (count: number) => `{"items":[${Array.from({ length: count }, (_, n) => item(`many ${n}`)).join(',')}]}`

const batches: readonly Scenario[] = [
  {
    name: 'items come back in order, whole, each version 1 and the caller’s',
    ...batch,
    body: '{"items":[{"name":"b1","definition":{"n":1.0}},{"name":"b2","description":"d","definition":{"n":2},"isPublic":true},{"name":"b3","definition":{"n":1e400}}]}',
    status: 201,
    json: {
      items: [
        { name: 'b1', description: null, isPublic: false, versionNumber: 1, revision: 1, permission: 'owner' },
        { name: 'b2', description: 'd', isPublic: true },
        { name: 'b3' },
      ],
    },
    has: ['"definition":{"n":1.0}', '"definition":{"n":2}', '"definition":{"n":1e400}'],
    answerHeaders: { ETag: null, Location: null },
    async afterwards(answer, world) {
      const items = itemsOf(answer.json)
      expect(items.every(({ id, ownerId }) => isUuid7(id) && ownerId === world.users.owner.id)).toBe(true)
      const ids = items.map(({ id }) => String(id))
      expect(ids.toSorted()).toEqual(ids)
      for (const id of ids) {
        const read = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}`))
        expect(answer.text).toContain(read.text)
        const version = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}/versions/1`))
        expect(asRecord(version.json)).toMatchObject({ versionNumber: 1, createdBy: world.users.owner.id })
      }
    },
  },
  { name: 'one item is enough', ...batch, body: `{"items":[${item('alone')}]}`, status: 201 },
  {
    name: 'a hundred items are fine',
    ...batch,
    body: many(100),
    status: 201,
    afterwards: ({ json }) => {
      expect(itemsOf(json).map(({ name }) => name)).toEqual(Array.from({ length: 100 }, (_, n) => `many ${n}`))
    },
  },
  { name: 'a hundred and one are 422', ...batch, body: many(101), status: 422, places: ['/items'] },
  { name: 'none are 422', ...batch, body: '{"items":[]}', status: 422, places: ['/items'] },
  { name: 'items are needed', ...batch, body: '{}', status: 422, places: ['/items'] },
  { name: 'items are a list', ...batch, body: '{"items":{}}', status: 422, places: ['/items'] },
  { name: 'an item is an object', ...batch, body: '{"items":[7]}', status: 422, places: ['/items/0'] },
  {
    name: 'one bad item is told by its place, and none is made',
    ...batch,
    body: `{"items":[${item('none of it')},${item('none of it')},${item('none of it')},{"name":"","definition":{}}]}`,
    status: 422,
    code: 'validation_failed',
    places: ['/items/3/name'],
    afterwards: async (_, world) => {
      expect(await countRows(world, 'workflows', "name = 'none of it'")).toBe(0)
    },
  },
  {
    name: 'all that is wrong is told',
    ...batch,
    body: `{"items":[{"definition":[]},${item('x', ',"more":1,"versionNumber":2')}]}`,
    status: 422,
    places: ['/items/0/name', '/items/0/definition', '/items/1/more', '/items/1/versionNumber'],
  },
  {
    name: 'a field beside items is 422',
    ...batch,
    body: `{"items":[${item('x')}],"more":[]}`,
    status: 422,
    places: ['/more'],
  },
  {
    name: 'a document that can’t be kept is told by its place in the body',
    ...batch,
    body: `{"items":[${item('x')},{"name":"y","definition":{"a":["\\u0000"]}}]}`,
    status: 422,
    code: 'invalid_json_document',
    places: ['/items/1/definition/a/0'],
  },
  {
    name: 'a secret has no place in a definition',
    ...batch,
    body: `{"items":[{"name":"y","definition":{"$secret":"s3cr3t"}}]}`,
    status: 422,
    code: 'invalid_json_document',
    places: ['/items/0/definition/$secret'],
    hasNot: ['s3cr3t'],
  },
  {
    name: 'a repeated member of an item is 422',
    ...batch,
    body: '{"items":[{"name":"x","name":"y","definition":{}}]}',
    status: 422,
    places: ['/items/0/name'],
  },
  { name: 'a repeated member of the body 400', ...batch, body: '{"items":[],"items":[]}', status: 400 },
  {
    name: 'a definition’s 64 levels are its own',
    ...batch,
    body: `{"items":[{"name":"deep","definition":{"a":${'['.repeat(63)}${']'.repeat(63)}}}]}`,
    status: 201,
  },
  {
    name: 'and no more',
    ...batch,
    body: `{"items":[{"name":"deep","definition":{"a":${'['.repeat(64)}${']'.repeat(64)}}}]}`,
    status: 422,
    code: 'invalid_json_document',
  },
  {
    name: 'the limit of a body is that of the whole batch',
    ...batch,
    body: `{"items":[${item('big')},{"name":"big","definition":{"x":"${'x'.repeat(1_048_576)}"}}]}`,
    status: 413,
  },
  { name: 'nobody makes any', as: 'nobody', ...batch, body: `{"items":[${item('x')}]}`, status: 401 },
  {
    name: 'a disabled user neither',
    as: 'disabled',
    ...batch,
    body: `{"items":[${item('of the disabled')},${item('of the disabled')}]}`,
    status: 403,
    code: 'account_disabled',
    afterwards: async (_, world) => {
      expect(await countRows(world, 'workflows', "name = 'of the disabled'")).toBe(0)
      expect(await countRows(world, 'workflow_versions v', 'v.workflow_id not in (select id from workflows)')).toBe(0)
    },
  },
  { name: 'batch is no id: GET is 405', path: '/v1/workflows/batch', status: 405, answerHeaders: { Allow: 'POST' } },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, batches)

  test('a key makes the batch once, and gives its answer again', async () => {
    const send = () =>
      suite.world.send('owner', 'POST', '/v1/workflows/batch', {
        body: `{"items":[${item('keyed')},${item('keyed')}]}`,
        headers: { 'Idempotency-Key': 'a batch' },
      })
    const answers = await Promise.all([send(), send(), send()].map(async (sent) => readAnswer(await sent)))
    const done = answers.filter(({ status }) => status === 201)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(new Set(done.map(({ text }) => text)).size).toBe(1)
    expect((await readAnswer(await send())).text).toBe(done[0]?.text)
    expect(await countRows(suite.world, 'workflows', "name = 'keyed'")).toBe(2)
  })

  test('however many items there are, the trips are those of one', async () => {
    const tripsFor = async (count: number, headers: Readonly<Record<string, string>>) =>
      tripsOf(
        await readAnswer(await suite.world.send('owner', batch.method, batch.path, { body: many(count), headers })),
      )
    const wanted = [
      documentedTrips['create a workflow, or up to 100 in one batch'][dialect],
      documentedTrips['the same with a key'][dialect],
    ]
    for (const count of [1, 2, 100]) {
      const taken = [await tripsFor(count, {}), await tripsFor(count, { 'Idempotency-Key': `trips ${count}` })]
      expect(taken).toEqual(wanted)
    }
  })
})
