import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import {
  asRecord,
  expectConventions,
  itemsOf,
  nextCursorOf,
  placesOf,
  readAnswer,
  tripsOf,
  type Answer,
} from './answers.ts'
import { documentedTrips, type Trips } from './documented-trips.ts'
import { absentId, useWorld } from './scenarios.ts'
import { startTripCounter, type TripCounter } from './trip-counter.ts'
import { startWorld, type Actor, type SendInit, type World } from './world.ts'
import { hasGateway } from '../service.ts'

const members = [
  'id',
  'workflowId',
  'workflowName',
  'versionNumber',
  'userId',
  'scheduleId',
  'status',
  'input',
  'state',
  'error',
  'attempts',
  'maxAttempts',
  'fence',
  'leaseUntil',
  'dueAt',
  'waitFor',
  'createdAt',
  'startedAt',
  'completedAt',
  'updatedAt',
]

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

async function ask(
  world: World,
  actor: Actor,
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const init: SendInit = { body, headers }
  const answer = await readAnswer(await world.send(actor, method, path, init))
  if (answer.headers.get('Idempotency-Replayed') === null) {
    expectConventions(answer, { method, path, isAnonymous: actor === 'nobody' })
  }
  return answer
}

/** Starts an execution of a workflow. */
async function begin(world: World, workflowId: string, body = '{}', actor: Actor = 'owner'): Promise<string> {
  const answer = await ask(world, actor, 'POST', `/v1/workflows/${workflowId}/executions`, body)
  expect([answer.status, answer.text]).toEqual([201, answer.text])
  return String(asRecord(answer.json)['id'])
}

async function claimFrom(world: World, workflowId: string, more = '', actor: Actor = 'owner'): Promise<Answer> {
  const body = `{"worker":"w","workflowIds":["${workflowId}"]${more}}`
  const answer = await ask(world, actor, 'POST', '/v1/executions/claim', body)
  expect([answer.status, answer.text]).toEqual([200, answer.text])
  return answer
}

/** An execution in a given status: its path, and the fence of the last claim. */
async function executionIn(world: World, status: string): Promise<{ path: string; id: string; workflowId: string }> {
  const { id: workflowId } = await world.workflow()
  const id = await begin(world, workflowId)
  const path = `/v1/executions/${id}`
  if (status === 'pending') return { path, id, workflowId }
  await claimFrom(world, workflowId)
  if (status === 'cancelled') await ask(world, 'owner', 'POST', `${path}/cancel`)
  else if (status !== 'running') await ask(world, 'owner', 'PATCH', path, `{"fence":1,"status":"${status}"}`)
  const now = asRecord((await ask(world, 'owner', 'GET', path)).json)
  expect(now['status']).toBe(status)
  return { path, id, workflowId }
}

function codeOf({ json }: Answer): unknown {
  return asRecord(json)['code']
}

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  describe('create', () => {
    test('answers the pending execution with Location, its documents as their exact text', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow({ name: 'näme "1"' })
      const sent = '{"input": { "b":1.0, "a":1e400, "n":12345678901234567890, "t":"\\u00e9é" } , "maxAttempts":7}'
      const answer = await ask(world, 'owner', 'POST', `/v1/workflows/${workflowId}/executions`, sent)
      expect(answer.status).toBe(201)
      const body = asRecord(answer.json)
      expect(Object.keys(body)).toEqual(members)
      expect(answer.headers.get('Location')).toBe(`/v1/executions/${String(body['id'])}`)
      expect(answer.text).toContain('"input":{ "b":1.0, "a":1e400, "n":12345678901234567890, "t":"\\u00e9é" },')
      expect(body).toMatchObject({
        workflowId,
        workflowName: 'näme "1"',
        versionNumber: 1,
        userId: world.users.owner.id,
        status: 'pending',
        state: null,
        error: null,
        attempts: 0,
        maxAttempts: 7,
        fence: 0,
        leaseUntil: null,
        dueAt: null,
        startedAt: null,
        completedAt: null,
        createdAt: expect.stringMatching(instant),
        updatedAt: body['createdAt'],
      })
      expect((await ask(world, 'owner', 'GET', `/v1/executions/${String(body['id'])}`)).text).toBe(answer.text)
    })

    test.each([
      ['', 201],
      ['{}', 201],
      ['{"input":null,"dueAt":null}', 201],
    ] as const)('takes the body %j', async (body, status) => {
      const { world } = suite
      const { id } = await world.workflow()
      const sent = body === '' ? undefined : body
      const answer = await ask(world, 'owner', 'POST', `/v1/workflows/${id}/executions`, sent)
      expect(answer.status).toBe(status)
      expect(asRecord(answer.json)).toMatchObject({ input: null, dueAt: null, maxAttempts: 3 })
    })

    test.each([
      ['{"maxAttempts":0}', ['/maxAttempts']],
      ['{"maxAttempts":101}', ['/maxAttempts']],
      ['{"maxAttempts":1.5}', ['/maxAttempts']],
      ['{"dueAt":"tomorrow"}', ['/dueAt']],
      ['{"status":"running"}', ['/status']],
    ])('refuses %s', async (body, places) => {
      const { world } = suite
      const { id } = await world.workflow()
      const answer = await ask(world, 'owner', 'POST', `/v1/workflows/${id}/executions`, body)
      expect([answer.status, codeOf(answer), placesOf(answer.json)]).toEqual([422, 'validation_failed', places])
    })

    test.each([
      ['{"input":{"a":{"a":1,"a":2}}}', '/input/a/a'],
      ['{"input":{"$secret":"x"}}', '/input/$secret'],
      ['{"input":["\\u0000"]}', '/input/0'],
    ])('refuses the document in %s', async (body, pointer) => {
      const { world } = suite
      const { id } = await world.workflow()
      const answer = await ask(world, 'owner', 'POST', `/v1/workflows/${id}/executions`, body)
      expect([answer.status, codeOf(answer), placesOf(answer.json)]).toEqual([422, 'invalid_json_document', [pointer]])
    })

    test('the time is answered in UTC, whatever offset it was sent in', async () => {
      const { world } = suite
      const { id } = await world.workflow()
      const body = '{"dueAt":"2030-01-31T09:30:00.5+02:00"}'
      const answer = await ask(world, 'owner', 'POST', `/v1/workflows/${id}/executions`, body)
      expect(asRecord(answer.json)['dueAt']).toBe('2030-01-31T07:30:00.500Z')
      expect(itemsOf((await claimFrom(world, id)).json)).toEqual([])
    })
  })

  describe('permissions', () => {
    const rows: readonly (readonly [string, string, string, string, Readonly<Partial<Record<Actor, number>>>])[] = [
      ['read', 'GET', 'pending', '', { owner: 200, editor: 200, executor: 200, viewer: 200, admin: 200 }],
      ['cancel', 'POST', 'pending', '/cancel', { viewer: 403, executor: 200 }],
      ['resume', 'POST', 'paused', '/resume', { viewer: 403, editor: 200 }],
      ['retry', 'POST', 'failed', '/retry', { viewer: 403, executor: 201, admin: 201 }],
      [
        'heartbeat',
        'POST',
        'running',
        '/heartbeat',
        { viewer: 403, executor: 403, editor: 403, admin: 200, owner: 200 },
      ],
      ['report', 'PATCH', 'running', '', { viewer: 403, executor: 403, editor: 403, admin: 200, owner: 200 }],
    ]
    for (const [name, method, status, suffix, allowed] of rows) {
      test(`of ${name}`, async () => {
        const { world } = suite
        const { path } = await executionIn(world, status)
        const body = name === 'heartbeat' || name === 'report' ? '{"fence":1}' : undefined
        const refused = { stranger: 404, disabled: 403, nobody: 401, impostor: 401 } as const
        for (const [actor, wanted] of Object.entries({ ...refused, ...allowed })) {
          const answer = await ask(world, actorOf(actor), method, `${path}${suffix}`, body)
          expect([actor, answer.status]).toEqual([actor, wanted])
          expect(answer.status < 400 || !answer.text.includes('workflowName')).toBe(true)
        }
      })
    }

    test('of create, and of a public workflow, whose executions stay hidden', async () => {
      const { world } = suite
      const { id } = await world.workflow({ isPublic: true })
      const path = `/v1/workflows/${id}/executions`
      for (const [actor, wanted] of [
        ['viewer', 403],
        ['stranger', 403],
        ['nobody', 401],
        ['disabled', 403],
        ['executor', 201],
        ['editor', 201],
        ['admin', 201],
      ] as const) {
        expect([actor, (await ask(world, actor, 'POST', path, '{}')).status]).toEqual([actor, wanted])
      }
      const hidden = await begin(world, id)
      expect((await ask(world, 'stranger', 'GET', `/v1/executions/${hidden}`)).status).toBe(404)
      expect((await ask(world, 'nobody', 'GET', `/v1/executions/${hidden}`)).status).toBe(401)
      expect((await ask(world, 'stranger', 'GET', `/v1/executions?workflowId=${id}`)).text).not.toContain(hidden)
      expect(itemsOf((await claimFrom(world, id, '', 'stranger')).json)).toEqual([])
      expect(itemsOf((await claimFrom(world, id, '', 'editor')).json)).toEqual([])
      expect((await ask(world, 'owner', 'POST', `/v1/workflows/${absentId}/executions`, '{}')).status).toBe(404)
      expect((await ask(world, 'owner', 'GET', `/v1/executions/${absentId}`)).status).toBe(404)
      expect((await ask(world, 'owner', 'GET', '/v1/executions/batch')).status).toBe(404)
    })

    test('404 and forbidden come before what is wrong with the request', async () => {
      const { world } = suite
      const { path } = await executionIn(world, 'running')
      const bad = '{"fence":"x"}'
      const answers = await Promise.all([
        ask(world, 'stranger', 'PATCH', path, bad),
        ask(world, 'editor', 'PATCH', path, bad),
        ask(world, 'owner', 'PATCH', path, bad),
        ask(world, 'nobody', 'PATCH', path, bad),
        ask(world, 'editor', 'POST', `${path}/heartbeat`, '{}'),
        ask(world, 'viewer', 'POST', `${path}/cancel`, '{"x":1}'),
      ])
      expect(answers.map(({ status }) => status)).toEqual([404, 403, 422, 401, 403, 403])
    })
  })

  describe('list', () => {
    test('shows what the caller may see, without input and state, and filters', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow()
      const first = await begin(world, workflowId, '{"input":{"canary":1}}')
      const second = await begin(world, workflowId, '{}', 'executor')
      await ask(world, 'owner', 'POST', `/v1/executions/${first}/cancel`)
      const idsOf = async (actor: Actor, query: string) => {
        const answer = await ask(world, actor, 'GET', `/v1/executions?workflowId=${workflowId}${query}`)
        expect(answer.text).not.toContain('canary')
        return itemsOf(answer.json).map((item) => {
          expect(Object.keys(item)).toEqual(members.filter((name) => name !== 'input' && name !== 'state'))
          return item['id']
        })
      }
      for (const actor of ['owner', 'viewer', 'admin'] as const) expect(await idsOf(actor, '')).toEqual([second, first])
      expect(await idsOf('stranger', '')).toEqual([])
      expect(await idsOf('owner', '&status=cancelled')).toEqual([first])
      expect(await idsOf('owner', '&status=cancelled&status=pending')).toEqual([second, first])
      expect(await idsOf('owner', '&status=failed')).toEqual([])
      const one = asRecord((await ask(world, 'owner', 'GET', `/v1/executions/${first}`)).json)
      const at = encodeURIComponent(String(one['createdAt']))
      expect(await idsOf('owner', `&since=${at}`)).toContain(first)
      expect(await idsOf('owner', `&until=${at}`)).toEqual([])
      const whole = await ask(world, 'executor', 'GET', '/v1/executions?limit=100')
      expect(itemsOf(whole.json).map(({ id }) => id)).toEqual(expect.arrayContaining([first, second]))
    })

    test('pages by a cursor that is bound to filters and caller', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow()
      const made: string[] = []
      for (let count = 0; count < 5; count += 1) made.unshift(await begin(world, workflowId))
      const base = `/v1/executions?workflowId=${workflowId}&status=pending&status=paused&limit=2`
      const seen: unknown[] = []
      let cursor: string | undefined
      do {
        const page = await ask(world, 'owner', 'GET', cursor === undefined ? base : `${base}&cursor=${cursor}`)
        seen.push(...itemsOf(page.json).map(({ id }) => id))
        cursor = nextCursorOf(page.json)
        if (seen.length === 2 && cursor !== undefined) {
          const other = await ask(world, 'admin', 'GET', `${base}&cursor=${cursor}`)
          expect([other.status, codeOf(other)]).toEqual([422, 'invalid_cursor'])
          const filtered = base.replace('&status=paused', '')
          expect(codeOf(await ask(world, 'owner', 'GET', `${filtered}&cursor=${cursor}`))).toBe('invalid_cursor')
          const swapped = base.replace('status=pending&status=paused', 'status=paused&status=pending')
          expect((await ask(world, 'owner', 'GET', `${swapped}&cursor=${cursor}`)).status).toBe(200)
        }
      } while (cursor !== undefined)
      expect(seen).toEqual(made)
    })

    test.each([
      ['status=sleeping', ['status']],
      ['since=yesterday', ['since']],
      ['limit=101', ['limit']],
      ['workflowId=a&workflowId=b', ['workflowId']],
      ['state=x', ['state']],
    ])('refuses ?%s', async (query, places) => {
      const answer = await ask(suite.world, 'owner', 'GET', `/v1/executions?${query}`)
      expect([answer.status, codeOf(answer), placesOf(answer.json)]).toEqual([422, 'validation_failed', places])
    })
  })

  describe('claim', () => {
    test('gives executions with their definition, running, and none to the next', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow({ definition: '{ "x":1.50 }' })
      const [first, second] = [await begin(world, workflowId), await begin(world, workflowId)]
      const answer = await claimFrom(world, workflowId, ',"limit":50,"leaseSeconds":600')
      const items = itemsOf(answer.json)
      expect(items.map(({ id }) => id)).toEqual([first, second])
      expect(Object.keys(items[0] ?? {})).toEqual([...members, 'definition'])
      expect(answer.text).toContain('"definition":{ "x":1.50 }')
      for (const item of items) {
        expect(item).toMatchObject({ status: 'running', fence: 1, attempts: 1, error: null, completedAt: null })
        const leaseMilliseconds = Date.parse(String(item['leaseUntil'])) - Date.parse(String(item['startedAt']))
        expect(leaseMilliseconds).toBe(600_000)
      }
      expect((await claimFrom(world, workflowId, ',"limit":50')).text).toBe('{"items":[]}')
    })

    test.each([
      ['{}', ['/worker']],
      ['{"worker":""}', ['/worker']],
      [`{"worker":"${'x'.repeat(101)}"}`, ['/worker']],
      ['{"worker":"w","limit":0}', ['/limit']],
      ['{"worker":"w","limit":51}', ['/limit']],
      ['{"worker":"w","leaseSeconds":4}', ['/leaseSeconds']],
      ['{"worker":"w","leaseSeconds":3601}', ['/leaseSeconds']],
      ['{"worker":"w","workflowIds":["batch"]}', ['/workflowIds/0']],
      [`{"worker":"w","workflowIds":[${Array(101).fill('"a"').join(',')}]}`, ['/workflowIds']],
      ['{"worker":"w","fence":1}', ['/fence']],
    ])('refuses %s', async (body, places) => {
      const answer = await ask(suite.world, 'owner', 'POST', '/v1/executions/claim', body)
      expect([answer.status, codeOf(answer), placesOf(answer.json)]).toEqual([422, 'validation_failed', places])
    })

    test('no workflow at all is none', async () => {
      const answer = await ask(suite.world, 'owner', 'POST', '/v1/executions/claim', '{"worker":"w","workflowIds":[]}')
      expect([answer.status, answer.text]).toEqual([200, '{"items":[]}'])
    })

    test('a replay gives the same leases while they last', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow()
      for (let count = 0; count < 3; count += 1) await begin(world, workflowId)
      const body = `{"worker":"w","limit":2,"workflowIds":["${workflowId}"]}`
      const key = { 'Idempotency-Key': `claim ${workflowId}` }
      const first = await ask(world, 'owner', 'POST', '/v1/executions/claim', body, key)
      const again = await ask(world, 'owner', 'POST', '/v1/executions/claim', body, key)
      expect(again.text).toBe(first.text)
      expect([first, again].map(({ headers }) => headers.get('Idempotency-Replayed'))).toEqual([null, 'true'])
      const [one, two] = itemsOf(first.json)
      await ask(world, 'owner', 'PATCH', `/v1/executions/${String(one?.['id'])}`, '{"fence":1,"status":"completed"}')
      const later = await ask(world, 'owner', 'POST', '/v1/executions/claim', body, key)
      expect(itemsOf(later.json)).toEqual([two])
      const other = await ask(world, 'owner', 'POST', '/v1/executions/claim', `${body} `, key)
      expect(codeOf(other)).toBe('idempotency_key_reused')
      expect(itemsOf((await claimFrom(world, workflowId, ',"limit":50')).json)).toHaveLength(1)
    })

    test('an administrator claims everyone’s', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow()
      const id = await begin(world, workflowId)
      expect(itemsOf((await claimFrom(world, workflowId, '', 'admin')).json)).toMatchObject([{ id, fence: 1 }])
    })
  })

  describe('report', () => {
    test('writes state and error as their exact text, and moves along', async () => {
      const { world } = suite
      const { path } = await executionIn(world, 'running')
      const state = '{ "z":1.0,"a":[ 1e400 ] }'
      const kept = await ask(world, 'owner', 'PATCH', path, `{"fence":1,"state":${state},"leaseSeconds":3600}`)
      expect(kept.text).toContain(`"state":${state},`)
      expect(asRecord(kept.json)).toMatchObject({ status: 'running', fence: 1 })
      const error = '{"message":"it broke","code":"boom","details":{"n":1.0}}'
      const failed = await ask(world, 'owner', 'PATCH', path, `{"fence":1,"status":"failed","error":${error}}`)
      expect(failed.text).toContain(`"error":${error},`)
      expect(asRecord(failed.json)).toMatchObject({
        status: 'failed',
        leaseUntil: null,
        completedAt: expect.stringMatching(instant),
      })
      expect(failed.text).toContain(`"state":${state},`)
      expect((await ask(world, 'owner', 'GET', path)).text).toBe(failed.text)
    })

    test('paused with dueAt, given back, and given back for the last time', async () => {
      const { world } = suite
      const paused = await executionIn(world, 'running')
      const answer = await ask(
        world,
        'owner',
        'PATCH',
        paused.path,
        '{"fence":1,"status":"paused","dueAt":"2031-01-01T00:00:00Z"}',
      )
      expect(asRecord(answer.json)).toMatchObject({
        status: 'paused',
        dueAt: '2031-01-01T00:00:00.000Z',
        leaseUntil: null,
      })
      const given = await executionIn(world, 'pending')
      for (const fence of [1, 2, 3]) {
        expect(itemsOf((await claimFrom(world, given.workflowId)).json)).toMatchObject([{ fence }])
        const back = `{"fence":${fence},"status":"pending","error":{"code":"bye","message":""}}`
        const returned = asRecord((await ask(world, 'owner', 'PATCH', given.path, back)).json)
        expect(returned).toMatchObject({ attempts: fence, error: { code: 'bye', message: '' } })
        expect(returned['status']).toBe(fence === 3 ? 'failed' : 'pending')
      }
    })

    test.each([
      ['{}', ['/fence']],
      ['{"fence":-1}', ['/fence']],
      ['{"fence":1,"status":"running"}', ['/status']],
      ['{"fence":1,"status":"cancelled"}', ['/status']],
      ['{"fence":1,"error":"text"}', ['/error']],
      ['{"fence":1,"error":[]}', ['/error']],
      ['{"fence":1,"error":{"code":"x"}}', ['/error/message']],
      ['{"fence":1,"error":{"code":1,"message":"m","more":1}}', ['/error/code', '/error/more']],
      ['{"fence":1,"dueAt":"2031-01-01T00:00:00Z"}', ['/dueAt']],
      ['{"fence":1,"status":"completed","dueAt":"2031-01-01T00:00:00Z"}', ['/dueAt']],
      ['{"fence":1,"leaseSeconds":1}', ['/leaseSeconds']],
      ['{"fence":1,"input":1}', ['/input']],
    ])('refuses %s and changes nothing', async (body, places) => {
      const { world } = suite
      const { path } = await executionIn(world, 'running')
      const before = await ask(world, 'owner', 'GET', path)
      const answer = await ask(world, 'owner', 'PATCH', path, body)
      expect([answer.status, placesOf(answer.json)]).toEqual([422, places])
      expect((await ask(world, 'owner', 'GET', path)).text).toBe(before.text)
    })
  })

  describe('conflicts', () => {
    const steps: readonly (readonly [string, string, string, string | undefined, readonly string[]])[] = [
      ['report', 'PATCH', '', '{"fence":1}', ['running']],
      ['heartbeat', 'POST', '/heartbeat', '{"fence":1}', ['running']],
      ['cancel', 'POST', '/cancel', undefined, ['pending', 'running', 'paused']],
      ['resume', 'POST', '/resume', undefined, ['paused']],
      ['retry', 'POST', '/retry', undefined, ['completed', 'failed', 'cancelled']],
    ]
    for (const [name, method, suffix, body, allowed] of steps) {
      test(`${name} is allowed from ${allowed.join(', ')} alone`, async () => {
        const { world } = suite
        for (const status of ['pending', 'running', 'paused', 'completed', 'failed', 'cancelled']) {
          const { path } = await executionIn(world, status)
          const before = asRecord((await ask(world, 'owner', 'GET', path)).json)
          const sent = body?.replace('1', String(before['fence']))
          const answer = await ask(world, 'owner', method, `${path}${suffix}`, sent)
          if (allowed.includes(status)) {
            expect([status, answer.status]).toEqual([status, name === 'retry' ? 201 : 200])
          } else {
            expect([status, answer.status, codeOf(answer)]).toEqual([status, 409, 'invalid_transition'])
            expect(asRecord((await ask(world, 'owner', 'GET', path)).json)).toEqual(before)
          }
        }
      })
    }

    test('another fence is told before all else, and a late worker writes nothing after cancel', async () => {
      const { world } = suite
      const { path } = await executionIn(world, 'running')
      const cancelled = asRecord((await ask(world, 'viewer', 'GET', path)).json)
      expect(cancelled['fence']).toBe(1)
      await ask(world, 'executor', 'POST', `${path}/cancel`)
      const before = await ask(world, 'owner', 'GET', path)
      expect(asRecord(before.json)).toMatchObject({ status: 'cancelled', fence: 2, leaseUntil: null })
      for (const [method, suffix, body] of [
        ['PATCH', '', '{"fence":1,"state":{"late":true},"status":"completed"}'],
        ['POST', '/heartbeat', '{"fence":1}'],
      ] as const) {
        const answer = await ask(world, 'owner', method, `${path}${suffix}`, body)
        expect([answer.status, codeOf(answer)]).toEqual([409, 'fence_stale'])
      }
      expect((await ask(world, 'owner', 'GET', path)).text).toBe(before.text)
    })
  })

  test('an API key with the scope worker alone claims, reads what was claimed, and works it to its end', async () => {
    const { world } = suite
    const made = await ask(world, 'owner', 'POST', '/v1/api-keys', '{"name":"w","scopes":["worker"]}')
    const key = { Authorization: `Bearer ${String(asRecord(made.json)['key'])}` }
    const { id: workflowId } = await world.workflow()
    const [first, second] = [await begin(world, workflowId), await begin(world, workflowId)]
    const as = (method: string, path: string, body?: string) => ask(world, 'owner', method, path, body, key)
    const claimed = await as('POST', '/v1/executions/claim', `{"worker":"w","workflowIds":["${workflowId}"]}`)
    expect(itemsOf(claimed.json)).toMatchObject([{ id: first }])
    expect((await as('GET', `/v1/executions/${first}`)).status).toBe(200)
    expect(codeOf(await as('GET', `/v1/executions/${second}`))).toBe('scope_missing')
    expect(codeOf(await as('GET', '/v1/executions'))).toBe('scope_missing')
    expect(codeOf(await as('POST', `/v1/executions/${first}/cancel`))).toBe('scope_missing')
    const others = await ask(world, 'viewer', 'POST', '/v1/api-keys', '{"name":"w","scopes":["worker"]}')
    const viewerKey = { Authorization: `Bearer ${String(asRecord(others.json)['key'])}` }
    for (const rest of ['', '/steps', '/steps/k', '/history', '/history?cursor=x', '/signals', '/events']) {
      const answer = await ask(world, 'viewer', 'GET', `/v1/executions/${first}${rest}`, undefined, viewerKey)
      expect([rest, codeOf(answer)]).toEqual([rest, 'scope_missing'])
    }
    expect((await as('POST', `/v1/executions/${first}/heartbeat`, '{"fence":1}')).status).toBe(200)
    expect((await as('PATCH', `/v1/executions/${first}`, '{"fence":1,"status":"completed"}')).status).toBe(200)
  })

  test('a heartbeat moves the lease from now on', async () => {
    const { world } = suite
    const { path } = await executionIn(world, 'running')
    const asked = Date.now()
    const answer = await ask(world, 'owner', 'POST', `${path}/heartbeat`, '{"fence":1,"leaseSeconds":1000}')
    expect(Object.keys(asRecord(answer.json))).toEqual(['leaseUntil'])
    const leaseUntil = String(asRecord(answer.json)['leaseUntil'])
    expect(Date.parse(leaseUntil) - asked).toBeGreaterThanOrEqual(1_000_000)
    expect(asRecord((await ask(world, 'owner', 'GET', path)).json)['leaseUntil']).toBe(leaseUntil)
  })

  test('a resumed one is due at once', async () => {
    const { world } = suite
    const { path, id, workflowId } = await executionIn(world, 'running')
    await ask(world, 'owner', 'PATCH', path, '{"fence":1,"status":"paused","dueAt":"2031-01-01T00:00:00Z"}')
    expect(itemsOf((await claimFrom(world, workflowId)).json)).toEqual([])
    expect(asRecord((await ask(world, 'editor', 'POST', `${path}/resume`)).json)).toMatchObject({
      status: 'pending',
      dueAt: null,
    })
    expect(itemsOf((await claimFrom(world, workflowId)).json)).toMatchObject([{ id, fence: 2 }])
  })

  test('a retry is new, pending, and has the same input and version', async () => {
    const { world } = suite
    const { id: workflowId, etag } = await world.workflow()
    const id = await begin(world, workflowId, '{"input":{"i":1.0},"maxAttempts":2}')
    const path = `/v1/executions/${id}`
    await claimFrom(world, workflowId)
    await ask(world, 'owner', 'PATCH', path, '{"fence":1,"status":"completed","state":{"s":1}}')
    const changed = await ask(world, 'owner', 'PATCH', `/v1/workflows/${workflowId}`, '{"definition":{"v":2}}', {
      'If-Match': etag,
    })
    expect(changed.status).toBe(200)
    const key = { 'Idempotency-Key': `retry ${id}` }
    const first = await ask(world, 'executor', 'POST', `${path}/retry`, undefined, key)
    expect(first.status).toBe(201)
    const made = asRecord(first.json)
    expect(first.headers.get('Location')).toBe(`/v1/executions/${String(made['id'])}`)
    expect(first.text).toContain('"input":{"i":1.0},"state":null,')
    expect(made).toMatchObject({ status: 'pending', versionNumber: 1, maxAttempts: 2, attempts: 0, fence: 0 })
    expect(made['userId']).toBe(world.users.executor.id)
    const again = await ask(world, 'executor', 'POST', `${path}/retry`, undefined, key)
    expect([again.status, again.text, again.headers.get('Idempotency-Replayed')]).toEqual([201, first.text, 'true'])
  })

  describe('Idempotency-Key', () => {
    test('a creation gets the first answer again, whatever became of the workflow', async () => {
      const { world } = suite
      const { id: workflowId, etag } = await world.workflow()
      const path = `/v1/workflows/${workflowId}/executions`
      const body = '{"input":{ "a":1.0 }}'
      const key = { 'Idempotency-Key': `start ${workflowId}` }
      const first = await ask(world, 'owner', 'POST', path, body, key)
      expect(first.status).toBe(201)
      await ask(world, 'owner', 'PATCH', `/v1/workflows/${workflowId}`, '{"name":"renamed","definition":{"v":2}}', {
        'If-Match': etag,
      })
      const again = await ask(world, 'owner', 'POST', path, body, key)
      expect([again.status, again.text]).toEqual([201, first.text])
      expect(again.headers.get('Location')).toBe(first.headers.get('Location'))
      expect(again.headers.get('Idempotency-Replayed')).toBe('true')
      const listed = await ask(world, 'owner', 'GET', `/v1/executions?workflowId=${workflowId}`)
      expect(itemsOf(listed.json)).toHaveLength(1)
      expect(codeOf(await ask(world, 'owner', 'POST', path, '{}', key))).toBe('idempotency_key_reused')
    })

    test('404 and 409 are kept, forbidden and 422 are not', async () => {
      const { world } = suite
      const { path } = await executionIn(world, 'running')
      const key = { 'Idempotency-Key': `kept ${path}` }
      const first = await ask(world, 'owner', 'POST', `${path}/retry`, undefined, key)
      expect([first.status, codeOf(first)]).toEqual([409, 'invalid_transition'])
      await ask(world, 'owner', 'POST', `${path}/cancel`)
      const again = await ask(world, 'owner', 'POST', `${path}/retry`, undefined, key)
      expect([again.status, again.text, again.headers.get('Idempotency-Replayed')]).toEqual([409, first.text, 'true'])
      expect((await ask(world, 'owner', 'POST', `${path}/retry`)).status).toBe(201)
      const absent = `/v1/workflows/${absentId}/executions`
      const missing = await ask(world, 'owner', 'POST', absent, '{}', { 'Idempotency-Key': `absent ${path}` })
      const still = await ask(world, 'owner', 'POST', absent, '{}', { 'Idempotency-Key': `absent ${path}` })
      expect([missing.status, still.status, still.text]).toEqual([404, 404, missing.text])
      const viewing = { 'Idempotency-Key': `viewer ${path}` }
      for (const status of [403, 403]) {
        const answer = await ask(world, 'viewer', 'POST', `${path}/retry`, undefined, viewing)
        expect([answer.status, answer.headers.get('Idempotency-Replayed')]).toEqual([status, null])
      }
    })

    test('of eight at once one is done, and the others get its answer', async () => {
      const { world } = suite
      const { id: workflowId } = await world.workflow()
      const path = `/v1/workflows/${workflowId}/executions`
      const key = { 'Idempotency-Key': `at once ${workflowId}` }
      const answers = await Promise.all(
        [1, 2, 3, 4, 5, 6, 7, 8].map(() => ask(world, 'owner', 'POST', path, '{}', key)),
      )
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
      expect(answers.filter(({ headers }) => headers.get('Idempotency-Replayed') === null)).toHaveLength(1)
    })
  })

  // Counted before the gateway: where there is none these tests are not declared.
  if (!hasGateway) return
  describe('trips', () => {
    let counter: TripCounter
    let world: World
    beforeAll(async () => {
      counter = await startTripCounter()
      world = await startWorld(dialect, { DATABASE_GATEWAY_URL: counter.url }, ({ gatewayUrls }) => {
        counter.leadTo(gatewayUrls[0] ?? '')
      })
    })
    afterAll(async () => {
      await world.stop()
      await counter.stop()
    })

    const one: Trips = { sqlite: 1, postgres: 1, mysql: 1 }
    const two: Trips = { sqlite: 2, postgres: 2, mysql: 2 }
    const rows: readonly {
      readonly name: string
      readonly from: string
      readonly method?: string
      readonly path: (made: { path: string; workflowId: string }) => string
      readonly body?: string
      readonly key?: string
      readonly status: number
      readonly trips: Trips
    }[] = [
      { name: 'read', from: 'pending', path: ({ path }) => path, status: 200, trips: one },
      { name: 'list', from: 'pending', path: () => '/v1/executions', status: 200, trips: one },
      {
        name: 'create',
        from: 'pending',
        method: 'POST',
        path: ({ workflowId }) => `/v1/workflows/${workflowId}/executions`,
        body: '{"input":{}}',
        status: 201,
        trips: documentedTrips['start or retry an execution'],
      },
      {
        name: 'create under a key',
        from: 'pending',
        method: 'POST',
        path: ({ workflowId }) => `/v1/workflows/${workflowId}/executions`,
        body: '{}',
        key: 'create',
        status: 201,
        trips: documentedTrips['start or retry an execution with a key'],
      },
      {
        name: 'claim',
        from: 'pending',
        method: 'POST',
        path: () => '/v1/executions/claim',
        body: '{"worker":"w","limit":50}',
        status: 200,
        trips: documentedTrips['claim executions'],
      },
      {
        name: 'claim under a key',
        from: 'pending',
        method: 'POST',
        path: () => '/v1/executions/claim',
        body: '{"worker":"w"}',
        key: 'claim',
        status: 200,
        trips: documentedTrips['claim executions with a key'],
      },
      {
        name: 'heartbeat',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/heartbeat`,
        body: '{"fence":1}',
        status: 200,
        trips: documentedTrips['send a heartbeat, record steps'],
      },
      {
        name: 'stale heartbeat',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/heartbeat`,
        body: '{"fence":2}',
        status: 409,
        trips: two,
      },
      {
        name: 'report',
        from: 'running',
        method: 'PATCH',
        path: ({ path }) => path,
        body: '{"fence":1,"status":"completed"}',
        status: 200,
        trips: documentedTrips['report a status'],
      },
      {
        name: 'stale report',
        from: 'running',
        method: 'PATCH',
        path: ({ path }) => path,
        body: '{"fence":2}',
        status: 409,
        trips: { sqlite: 2, postgres: 2, mysql: 4 },
      },
      {
        name: 'cancel',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/cancel`,
        status: 200,
        trips: documentedTrips['cancel, resume or signal an execution'],
      },
      {
        name: 'resume',
        from: 'paused',
        method: 'POST',
        path: ({ path }) => `${path}/resume`,
        status: 200,
        trips: documentedTrips['cancel, resume or signal an execution'],
      },
      {
        name: 'retry',
        from: 'failed',
        method: 'POST',
        path: ({ path }) => `${path}/retry`,
        status: 201,
        trips: documentedTrips['start or retry an execution'],
      },
      {
        name: 'retry under a key',
        from: 'failed',
        method: 'POST',
        path: ({ path }) => `${path}/retry`,
        key: 'retry',
        status: 201,
        trips: documentedTrips['start or retry an execution with a key'],
      },
      {
        name: 'report of state alone',
        from: 'running',
        method: 'PATCH',
        path: ({ path }) => path,
        body: '{"fence":1,"state":{}}',
        status: 200,
        trips: documentedTrips['report only the state'],
      },
      {
        name: 'pause until a signal',
        from: 'running',
        method: 'PATCH',
        path: ({ path }) => path,
        body: '{"fence":1,"status":"paused","waitFor":["a"]}',
        status: 200,
        trips: documentedTrips['report a status'],
      },
      {
        name: 'a step',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/steps`,
        body: '{"fence":1,"steps":[{"key":"a","output":1}]}',
        status: 200,
        trips: documentedTrips['send a heartbeat, record steps'],
      },
      {
        name: 'two steps that renew the lease',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/steps`,
        body: '{"fence":1,"steps":[{"key":"a","output":1},{"key":"b","output":1}],"leaseSeconds":60}',
        status: 200,
        trips: documentedTrips['record steps and renew the lease'],
      },
      {
        name: 'a stale step',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/steps`,
        body: '{"fence":0,"steps":[{"key":"a","output":1}]}',
        status: 409,
        trips: two,
      },
      { name: 'steps', from: 'running', path: ({ path }) => `${path}/steps`, status: 200, trips: one },
      { name: 'history', from: 'running', path: ({ path }) => `${path}/history`, status: 200, trips: one },
      { name: 'signals', from: 'running', path: ({ path }) => `${path}/signals`, status: 200, trips: one },
      { name: 'events of an end', from: 'failed', path: ({ path }) => `${path}/events`, status: 200, trips: one },
      {
        name: 'a signal',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/signals`,
        body: '{"name":"a"}',
        status: 202,
        trips: documentedTrips['cancel, resume or signal an execution'],
      },
      {
        name: 'a signal under a key',
        from: 'running',
        method: 'POST',
        path: ({ path }) => `${path}/signals`,
        body: '{"name":"a"}',
        key: 'signal',
        status: 202,
        trips: documentedTrips['signal an execution with a key'],
      },
      {
        name: 'delete',
        from: 'failed',
        method: 'DELETE',
        path: ({ path }) => path,
        status: 204,
        trips: documentedTrips['delete an execution'],
      },
    ]
    for (const { name, from, method = 'GET', path, body, key, status, trips: tripsByDialect } of rows) {
      const trips = tripsByDialect[dialect]
      test(`${name} takes ${trips}`, async () => {
        const made = await executionIn(world, from)
        counter.take()
        const headers = key === undefined ? {} : { 'Idempotency-Key': key }
        const answer = await ask(world, 'owner', method, path(made), body, headers)
        const passed = counter.take()
        expect([answer.status, passed, tripsOf(answer), answer.text]).toEqual([status, trips, trips, answer.text])
      })
    }
  })
})

function actorOf(name: string): Actor {
  for (const actor of [
    'owner',
    'editor',
    'executor',
    'viewer',
    'stranger',
    'admin',
    'disabled',
    'nobody',
    'impostor',
  ] as const) {
    if (actor === name) return actor
  }
  throw new Error(`${name} is nobody here`)
}
