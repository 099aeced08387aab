import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, readAnswer, type Answer } from './answers.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { countRows, type Actor, type World } from './world.ts'

const body = '{"name":"once","definition":{"a":1.0}}'
const creating = { method: 'POST', path: '/v1/workflows', body } as const

const keys: readonly Scenario[] = [
  {
    name: 'a key of 255 printable characters is taken',
    ...creating,
    headers: { 'Idempotency-Key': `a ~!${'x'.repeat(251)}` },
    status: 201,
    answerHeaders: { 'Idempotency-Replayed': null },
  },
  {
    name: 'a key of 256 is 422',
    ...creating,
    headers: { 'Idempotency-Key': 'x'.repeat(256) },
    status: 422,
    code: 'validation_failed',
    places: ['Idempotency-Key'],
  },
  {
    name: 'an empty key is 422',
    ...creating,
    headers: { 'Idempotency-Key': '' },
    status: 422,
    places: ['Idempotency-Key'],
  },
  {
    name: 'a key that is not ASCII is 422',
    ...creating,
    headers: { 'Idempotency-Key': 'schl\u00fcssel' },
    status: 422,
    places: ['Idempotency-Key'],
  },
  {
    name: 'a bad key and a bad body are told together',
    ...creating,
    body: '{}',
    headers: { 'Idempotency-Key': 'x'.repeat(256) },
    status: 422,
    places: ['Idempotency-Key', '/name', '/definition'],
  },
  {
    name: 'other routes ignore the header',
    fresh: {},
    method: 'PATCH',
    path: '/v1/workflows/{fresh}',
    body: '{"name":"x"}',
    headers: { 'Idempotency-Key': 'x'.repeat(256), 'If-Match': '*' },
    status: 200,
    answerHeaders: { 'Idempotency-Replayed': null },
  },
  {
    name: 'also an account can be made with it',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/register',
    body: '{"username":"keyed","email":"k@example.com","password":"correct horse"}',
    headers: { 'Idempotency-Key': 'k' },
    status: 201,
  },
  { name: 'nobody has no key', ...creating, as: 'nobody', headers: { 'Idempotency-Key': 'k' }, status: 401 },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)
  const create = (key: string, sent = body, actor: Actor = 'owner', headers: Readonly<Record<string, string>> = {}) =>
    createUnder(suite.world, key, sent, actor, headers)

  runScenarios(suite, keys)

  test('the same request gets the first answer again, and nothing is made twice', async () => {
    const first = await create('same')
    const again = await create('same')
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.text).toBe(first.text)
    for (const name of ['ETag', 'Location', 'Content-Type'])
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    expect([first.headers.get('Idempotency-Replayed'), again.headers.get('Idempotency-Replayed')]).toEqual([
      null,
      'true',
    ])
    expect(again.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    expect(await countRows(suite.world, 'workflows', `id = '${idOf(first)}'`)).toBe(1)
  })

  test('the first answer stays, whatever became of the workflow', async () => {
    const first = await create('stays')
    await suite.world.send('owner', 'DELETE', `/v1/workflows/${idOf(first)}`, { headers: { 'If-Match': '*' } })
    expect((await create('stays')).text).toBe(first.text)
  })

  test('another body under the key is refused, be it one blank', async () => {
    await create('reused')
    for (const other of ['{"name":"other","definition":{}}', `${body} `, '{"name":7}']) {
      const answer = await create('reused', other)
      expect([answer.status, asRecord(answer.json)['code']]).toEqual([422, 'idempotency_key_reused'])
    }
    expect(await countRows(suite.world, 'workflows', "name = 'other'")).toBe(0)
  })

  test('the same body to another path under the key is refused', async () => {
    const [one, other] = [await suite.world.workflow(), await suite.world.workflow()]
    const startOf = async ({ id }: { readonly id: string }) =>
      readAnswer(
        await suite.world.send('owner', 'POST', `/v1/workflows/${id}/executions`, {
          body: '{}',
          headers: { 'Idempotency-Key': 'path' },
        }),
      )
    expect((await startOf(one)).status).toBe(201)
    const answer = await startOf(other)
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([422, 'idempotency_key_reused'])
    expect(await countRows(suite.world, 'executions', `workflow_id = '${other.id}'`)).toBe(0)
  })

  test('of two at once under a key that is older than 24 hours one is done', async () => {
    await create('aged')
    const { database } = suite.world.service
    for (let round = 0; round < 5; round += 1) {
      await database.query(`update idempotency_keys set created_at = ${dayAgo[dialect]} where idempotency_key = 'aged'`)
      const name = `aged ${round}`
      const sent = `{"name":"${name}","definition":{}}`
      const answers = await Promise.all(Array.from({ length: 4 }, () => create('aged', sent)))
      const made = new Set(answers.filter(({ status }) => status === 201).map(idOf))
      expect(made.size).toBe(1)
      expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
      expect(await countRows(suite.world, 'workflows', `name = '${name}'`)).toBe(1)
    }
  })

  test('the key belongs to the user', async () => {
    const first = await create('mine')
    const other = await create('mine', '{"name":"another’s","definition":{}}', 'editor')
    expect([first.status, other.status]).toEqual([201, 201])
    expect(other.headers.get('Idempotency-Replayed')).toBeNull()
  })

  test('keys differ by case and by a blank', async () => {
    const ids = [await create('Case'), await create('case'), await create('ca se')].map(idOf)
    expect(new Set(ids).size).toBe(3)
  })

  test('a refused request releases the key', async () => {
    expect((await create('released', '{"name":""}')).status).toBe(422)
    const answer = await create('released')
    expect([answer.status, answer.headers.get('Idempotency-Replayed')]).toEqual([201, null])
  })

  test('who was disabled gets no stored answer', async () => {
    await create('before', body, 'stranger')
    const { database } = suite.world.service
    const { id } = suite.world.users.stranger
    await database.query(`update users set disabled_at = created_at where id = '${id}'`)
    const answer = await create('before', body, 'stranger')
    await database.query(`update users set disabled_at = null where id = '${id}'`)
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([403, 'account_disabled'])
  })

  test('after 24 hours the key is free again', async () => {
    const first = await create('old')
    const { database } = suite.world.service
    await database.query(`update idempotency_keys set created_at = ${dayAgo[dialect]} where idempotency_key = 'old'`)
    const again = await create('old', '{"name":"a day later","definition":{}}')
    expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, null])
    expect(idOf(again)).not.toBe(idOf(first))
    expect((await create('old', '{"name":"a day later","definition":{}}')).text).toBe(again.text)
  })

  test('of ten at once one is done and the others get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create('at once')))
    const texts = new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text))
    expect(texts.size).toBe(1)
    for (const { status, json, headers } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, asRecord(json)['code']]).toEqual([409, 'idempotency_in_progress'])
      expect(headers.get('Retry-After')).toMatch(/^\d+$/)
    }
    const fresh = answers.filter(
      ({ status, headers }) => status === 201 && headers.get('Idempotency-Replayed') === null,
    )
    expect(fresh).toHaveLength(1)
    expect(await countRows(suite.world, 'idempotency_keys', "idempotency_key = 'at once'")).toBe(1)
  })

  test('a stored answer keeps the exact text', async () => {
    const sent = '{"name":"é\\u00e9","definition":{ "b":1.0, "a":12345678901234567890, "\u2028":"\u{1f600}"} }'
    const first = await create('exact', sent)
    expect(first.text).toContain('{ "b":1.0, "a":12345678901234567890, "\u2028":"\u{1f600}"}')
    expect((await create('exact', sent)).text).toBe(first.text)
  })
})

const dayAgo = {
  sqlite: `${Date.now() - 86_400_001}`,
  postgres: `now() - interval '24 hours 1 second'`,
  mysql: `date_sub(utc_timestamp(3), interval 86401 second)`,
} as const

async function createUnder(
  world: World,
  key: string,
  sent: string,
  actor: Actor,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const init = { body: sent, headers: { 'Idempotency-Key': key, ...headers } }
  return readAnswer(await world.send(actor, 'POST', '/v1/workflows', init))
}

function idOf({ json }: Answer): string {
  return String(asRecord(json)['id'])
}
