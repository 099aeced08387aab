import { describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, expectConventions, itemsOf, nextCursorOf, placesOf, readAnswer, type Answer } from './answers.ts'
import { absentId, useWorld } from './scenarios.ts'
import { countRows, type Actor, type World } from './world.ts'

/* Steps, history, signals, waits, events and deletion: what an execution is made of that outlives its workers. */

async function ask(
  world: World,
  actor: Actor,
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await readAnswer(await world.send(actor, method, path, { body, headers }))
  if (answer.headers.get('Idempotency-Replayed') === null) {
    expectConventions(answer, {
      method,
      path,
      isAnonymous: actor === 'nobody' && headers['Authorization'] === undefined,
    })
  }
  return answer
}

const statusAndCode = ({ status, json }: Answer) => [status, json === undefined ? undefined : asRecord(json)['code']]

const actors: readonly Actor[] = [
  ...(['owner', 'editor', 'executor', 'viewer', 'stranger', 'admin', 'disabled', 'nobody', 'impostor'] as const),
]

function actorOf(name: string): Actor {
  const actor = actors.find((candidate) => candidate === name)
  if (actor === undefined) throw new Error(`nobody is ${name}`)
  return actor
}

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  async function begin(workflowId?: string, body = '{}'): Promise<{ path: string; id: string; workflowId: string }> {
    const { world } = suite
    const workflow = workflowId ?? (await world.workflow()).id
    const made = await ask(world, 'owner', 'POST', `/v1/workflows/${workflow}/executions`, body)
    expect([made.status, made.text]).toEqual([201, made.text])
    const id = String(asRecord(made.json)['id'])
    return { path: `/v1/executions/${id}`, id, workflowId: workflow }
  }

  async function claim(workflowId: string, more = ''): Promise<Answer> {
    const body = `{"worker":"wörker 1","workflowIds":["${workflowId}"]${more}}`
    const answer = await ask(suite.world, 'owner', 'POST', '/v1/executions/claim', body)
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer
  }

  async function running() {
    const begun = await begin()
    await claim(begun.workflowId)
    return begun
  }

  const owner = (method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>) =>
    ask(suite.world, 'owner', method, path, body, headers)

  async function typesOf(path: string): Promise<unknown[]> {
    const { json } = await owner('GET', `${path}/history?limit=100`)
    const items = itemsOf(json)
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1))
    return items.map(({ type }) => type)
  }

  describe('steps', () => {
    test('are recorded in order with their exact text, answered by key, and listed oldest first', async () => {
      const { path } = await running()
      const body =
        '{"fence":1,"steps":[{"key":"a/b é","output":{ "n":1.0, "big":1e400 },"attempt":2,"startedAt":"2026-01-31T10:30:00.000+01:00"},{"key":"failed","error":{"code":"no","message":"m"}},{"key":"nothing","output":null}],"leaseSeconds":600}'
      const recorded = await owner('POST', `${path}/steps`, body)
      expect(recorded.status).toBe(200)
      expect(asRecord(recorded.json)).toEqual({
        steps: [
          { key: 'a/b é', seq: 3 },
          { key: 'failed', seq: 4 },
          { key: 'nothing', seq: 5 },
        ],
        leaseUntil: expect.stringMatching(/Z$/),
      })
      const list = await owner('GET', `${path}/steps`)
      expect(list.text).toContain('"output":{ "n":1.0, "big":1e400 }')
      expect(nextCursorOf(list.json)).toBeUndefined()
      expect(itemsOf(list.json).map((item) => Object.keys(item))).toEqual(
        Array.from({ length: 3 }, () => ['seq', 'key', 'output', 'error', 'attempt', 'startedAt', 'recordedAt']),
      )
      expect(itemsOf(list.json)).toMatchObject([
        { seq: 3, key: 'a/b é', error: null, attempt: 2, startedAt: '2026-01-31T09:30:00.000Z' },
        { seq: 4, key: 'failed', output: null, error: { code: 'no', message: 'm' }, attempt: null, startedAt: null },
        { seq: 5, key: 'nothing', output: null, error: null },
      ])
      const one = await owner('GET', `${path}/steps/${encodeURIComponent('a/b é')}`)
      expect([one.status, asRecord(one.json)['seq']]).toEqual([200, 3])
      expect((await owner('GET', `${path}/steps/absent`)).status).toBe(404)
      const execution = asRecord((await owner('GET', path)).json)
      expect(execution['leaseUntil']).toBe(asRecord(recorded.json)['leaseUntil'])
    })

    test('a key that is there with the same text answers its place, with another 409, and nothing is recorded', async () => {
      const { path } = await running()
      const record = (steps: string, fence = 1) =>
        owner('POST', `${path}/steps`, `{"fence":${fence},"steps":[${steps}]}`)
      await record('{"key":"a","output":{"x":1}}')
      const again = await record('{"key":"b","output":2},{"key":"a","output":{"x":1},"attempt":7}')
      expect(asRecord(again.json)['steps']).toEqual([
        { key: 'b', seq: 4 },
        { key: 'a', seq: 3 },
      ])
      const twice = await record('{"key":"d","output":1},{"key":"a","output":{"x":1}},{"key":"d","output":1}')
      expect(asRecord(twice.json)['steps']).toEqual([
        { key: 'd', seq: 5 },
        { key: 'a', seq: 3 },
        { key: 'd', seq: 5 },
      ])
      const other = await record('{"key":"c","output":1},{"key":"a","output":{"x":1.0}}')
      expect(statusAndCode(other)).toEqual([409, 'step_recorded'])
      const both = await record('{"key":"c","output":1},{"key":"c","output":1.0}')
      expect(statusAndCode(both)).toEqual([409, 'step_recorded'])
      expect(statusAndCode(await record('{"key":"a","output":9}', 0))).toEqual([409, 'fence_stale'])
      expect(await typesOf(path)).toEqual(['created', 'claimed', 'step', 'step', 'step'])
      await owner('PATCH', path, '{"fence":1,"status":"completed"}')
      expect(statusAndCode(await record('{"key":"z","output":1}'))).toEqual([409, 'invalid_transition'])
      expect(statusAndCode(await record('{"key":"a","output":{"x":1}}'))).toEqual([409, 'invalid_transition'])
    })

    test.each([
      ['{}', ['/fence', '/steps']],
      ['{"fence":1,"steps":[]}', ['/steps']],
      ['{"fence":1,"steps":[{"key":"a"}]}', ['/steps/0']],
      ['{"fence":1,"steps":[{"key":"a","output":1,"error":{"code":"c","message":"m"}}]}', ['/steps/0']],
      ['{"fence":1,"steps":[{"key":"..","output":1}]}', ['/steps/0/key']],
      ['{"fence":1,"steps":[{"key":"","output":1}]}', ['/steps/0/key']],
      ['{"fence":1,"steps":[{"key":"a","output":1},{"key":"b","error":"x"}]}', ['/steps/1/error']],
      ['{"fence":1,"steps":[{"key":"a","output":1,"x":1}]}', ['/steps/0/x']],
    ])('refuses %s', async (body, places) => {
      const { path } = await running()
      const answer = await owner('POST', `${path}/steps`, body)
      expect(statusAndCode(answer)).toEqual([422, 'validation_failed'])
      expect(placesOf(answer.json)).toEqual(places)
    })

    test('a document that no database keeps is refused by its place', async () => {
      const { path } = await running()
      const answer = await owner('POST', `${path}/steps`, '{"fence":1,"steps":[{"key":"a","output":{"a":1,"a":2}}]}')
      expect(statusAndCode(answer)).toEqual([422, 'invalid_json_document'])
      expect(placesOf(answer.json)).toEqual(['/steps/0/output/a'])
    })

    test('come with a claim that asks for them', async () => {
      const { path, workflowId } = await running()
      await owner('POST', `${path}/steps`, '{"fence":1,"steps":[{"key":"a","output":1.50}]}')
      await owner('PATCH', path, '{"fence":1,"status":"pending"}')
      const plain = itemsOf((await claim(workflowId)).json)
      expect(Object.keys(plain[0] ?? {})).not.toContain('steps')
      await owner('PATCH', path, '{"fence":2,"status":"pending"}')
      const second = await begin(workflowId)
      const answer = await claim(workflowId, ',"limit":5,"withSteps":true')
      expect(answer.text).toContain('"output":1.50')
      expect(itemsOf(answer.json).map(({ id, steps }) => [id, steps])).toEqual([
        [path.split('/').at(-1), [expect.objectContaining({ key: 'a', seq: 3 })]],
        [second.id, []],
      ])
    })
  })

  describe('history', () => {
    test('tells everything once, in order, by whom and under which claim', async () => {
      const { path, workflowId } = await begin(undefined, '{"maxAttempts":2}')
      await claim(workflowId)
      await owner('POST', `${path}/steps`, '{"fence":1,"steps":[{"key":"k","output":1}]}')
      await owner('PATCH', path, '{"fence":1,"state":1}')
      await owner('POST', `${path}/heartbeat`, '{"fence":1}')
      await owner('PATCH', path, '{"fence":1,"status":"paused"}')
      await ask(suite.world, 'executor', 'POST', `${path}/resume`)
      await owner('POST', `${path}/signals`, '{"name":"s"}')
      await claim(workflowId)
      await owner('PATCH', path, '{"fence":2,"status":"pending"}')
      const { users } = suite.world
      const { json } = await owner('GET', `${path}/history`)
      const entry = { fence: null, worker: null, by: users.owner.id, key: null, name: null }
      const worker = 'wörker 1'
      expect(itemsOf(json).map(({ at, ...rest }) => (expect(at).toMatch(/Z$/), rest))).toEqual([
        { seq: 1, type: 'created', ...entry },
        { seq: 2, type: 'claimed', ...entry, fence: 1, worker },
        { seq: 3, type: 'step', ...entry, fence: 1, worker, key: 'k' },
        { seq: 4, type: 'paused', ...entry, fence: 1, worker },
        { seq: 5, type: 'resumed', ...entry, by: users.executor.id },
        { seq: 6, type: 'signal', ...entry, name: 's' },
        { seq: 7, type: 'claimed', ...entry, fence: 2, worker },
        // Given back with its attempts used up, it has failed.
        { seq: 8, type: 'failed', ...entry, fence: 2, worker },
      ])
      const retried = asRecord((await owner('POST', `${path}/retry`)).json)
      expect(await typesOf(`/v1/executions/${String(retried['id'])}`)).toEqual(['created'])
    })

    test('a lease that ran out is told before what follows it', async () => {
      const { path, workflowId, id } = await begin(undefined, '{"maxAttempts":2}')
      const expire = () =>
        suite.world.service.database.query(`update executions set lease_until = created_at where id = '${id}'`)
      await claim(workflowId)
      await expire()
      await claim(workflowId)
      await expire()
      expect(itemsOf((await claim(workflowId)).json)).toEqual([])
      const { json } = await owner('GET', `${path}/history`)
      expect(itemsOf(json).map(({ type, fence }) => [type, fence])).toEqual([
        ['created', null],
        ['claimed', 1],
        ['lease_expired', 1],
        ['claimed', 2],
        ['lease_expired', 2],
        ['failed', 2],
      ])
      await typesOf(path)
    })

    test('pages by a cursor of its own', async () => {
      const { path } = await running()
      const steps = Array.from({ length: 5 }, (_, index) => `{"key":"k${index}","output":${index}}`)
      await owner('POST', `${path}/steps`, `{"fence":1,"steps":[${steps.join()}]}`)
      for (const [list, wanted] of [
        ['history', [1, 2, 3, 4, 5, 6, 7]],
        ['steps', [3, 4, 5, 6, 7]],
      ] as const) {
        const seen: unknown[] = []
        let cursor: string | undefined
        do {
          const page = await owner('GET', `${path}/${list}?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`)
          seen.push(...itemsOf(page.json).map(({ seq }) => seq))
          cursor = nextCursorOf(page.json)
          if (cursor !== undefined) {
            const other = list === 'history' ? 'steps' : 'history'
            const misled = await owner('GET', `${path}/${other}?cursor=${cursor}`)
            expect(statusAndCode(misled)).toEqual([422, 'invalid_cursor'])
          }
        } while (cursor !== undefined)
        expect(seen).toEqual(wanted)
      }
    })

    test('a page ends early at 8 MiB of documents, and a claim counts none of another execution', async () => {
      const { path } = await running()
      const large = `"${'x'.repeat(1_040_000)}"`
      for (let index = 0; index < 9; index += 1) {
        const body = `{"fence":1,"steps":[{"key":"k${index}","output":${large}}]}`
        expect((await owner('POST', `${path}/steps`, body)).status).toBe(200)
      }
      const page = await owner('GET', `${path}/steps`)
      expect(itemsOf(page.json)).toHaveLength(8)
      const rest = await owner('GET', `${path}/steps?cursor=${String(nextCursorOf(page.json))}`)
      expect(itemsOf(rest.json).map(({ key }) => key)).toEqual(['k8'])
      expect(nextCursorOf(rest.json)).toBeUndefined()
      const { path: other, workflowId } = await running()
      await owner('POST', `${other}/steps`, '{"fence":1,"steps":[{"key":"a","output":1}]}')
      await owner('PATCH', other, '{"fence":1,"status":"pending"}')
      const [claimed] = itemsOf((await claim(workflowId, ',"withSteps":true')).json)
      expect(claimed?.['steps']).toEqual([expect.objectContaining({ key: 'a' })])
    })
  })

  describe('signals', () => {
    test('are kept with their exact text, answered by their place, and listed by name and from a place on', async () => {
      const { path } = await running()
      const first = await owner('POST', `${path}/signals`, '{"name":"go","payload":{ "n":1.0 }}')
      expect([first.status, first.text]).toEqual([202, '{"seq":3}'])
      await ask(suite.world, 'executor', 'POST', `${path}/signals`, '{"name":"go "}')
      await owner('POST', `${path}/signals`, '{"name":"go","payload":null}')
      const list = await owner('GET', `${path}/signals`)
      expect(list.text).toContain('"payload":{ "n":1.0 }')
      expect(itemsOf(list.json).map(({ seq, name, by }) => [seq, name, by])).toEqual([
        [3, 'go', suite.world.users.owner.id],
        [4, 'go ', suite.world.users.executor.id],
        [5, 'go', suite.world.users.owner.id],
      ])
      const seqs = async (query: string) =>
        itemsOf((await owner('GET', `${path}/signals?${query}`)).json).map(({ seq }) => seq)
      expect(await seqs('name=go')).toEqual([3, 5])
      expect(await seqs('name=go%20')).toEqual([4])
      expect(await seqs('name=go&after=3')).toEqual([5])
      expect(await seqs('after=5')).toEqual([])
      const ended = await owner('POST', `${path}/cancel`)
      expect(ended.status).toBe(200)
      expect(statusAndCode(await owner('POST', `${path}/signals`, '{"name":"late"}'))).toEqual([
        409,
        'invalid_transition',
      ])
    })

    test('under a key one is sent once', async () => {
      const { path } = await running()
      const headers = { 'Idempotency-Key': 'one signal' }
      const send = () => owner('POST', `${path}/signals`, '{"name":"go"}', headers)
      const answers = await Promise.all([send(), send(), send()])
      expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [202, '{"seq":3}']))
      expect(answers.filter(({ headers: given }) => given.get('Idempotency-Replayed') === 'true')).toHaveLength(2)
      expect(await typesOf(path)).toEqual(['created', 'claimed', 'signal'])
      const other = await owner('POST', `${path}/signals`, '{"name":"other"}', headers)
      expect(statusAndCode(other)).toEqual([422, 'idempotency_key_reused'])
    })

    test('end the pause of what waits for them, before it and after it', async () => {
      const pause = '{"fence":1,"status":"paused","waitFor":["go","stop"],"dueAt":"2099-01-01T00:00:00.000Z"}'
      const late = await running()
      const paused = asRecord((await owner('PATCH', late.path, pause)).json)
      expect(paused).toMatchObject({ status: 'paused', waitFor: ['go', 'stop'], dueAt: '2099-01-01T00:00:00.000Z' })
      await owner('POST', `${late.path}/signals`, '{"name":"other"}')
      expect(asRecord((await owner('GET', late.path)).json)['status']).toBe('paused')
      await owner('POST', `${late.path}/signals`, '{"name":"stop"}')
      expect(asRecord((await owner('GET', late.path)).json)).toMatchObject({
        status: 'pending',
        waitFor: null,
        dueAt: null,
      })
      expect(itemsOf((await claim(late.workflowId)).json)).toHaveLength(1)
      const early = await running()
      await owner('POST', `${early.path}/signals`, '{"name":"go"}')
      expect(asRecord((await owner('PATCH', early.path, pause)).json)).toMatchObject({
        status: 'pending',
        waitFor: null,
        dueAt: null,
        leaseUntil: null,
      })
      const seen = await running()
      await owner('POST', `${seen.path}/signals`, '{"name":"go"}')
      const after = pause.replace('"dueAt"', '"afterSeq":3,"dueAt"')
      expect(asRecord((await owner('PATCH', seen.path, after)).json)).toMatchObject({ status: 'paused' })
      expect(asRecord((await owner('POST', `${seen.path}/resume`)).json)).toMatchObject({
        status: 'pending',
        waitFor: null,
      })
    })

    test.each([
      ['{"fence":1,"waitFor":["a"]}', ['/waitFor']],
      ['{"fence":1,"status":"pending","waitFor":["a"]}', ['/waitFor']],
      ['{"fence":1,"status":"paused","waitFor":[]}', ['/waitFor']],
      ['{"fence":1,"status":"paused","waitFor":[""]}', ['/waitFor/0']],
      ['{"fence":1,"status":"paused","afterSeq":1}', ['/afterSeq']],
      [
        `{"fence":1,"status":"paused","waitFor":${JSON.stringify(Array.from({ length: 21 }, () => 'a'))}}`,
        ['/waitFor'],
      ],
    ])('refuses %s', async (body, places) => {
      const { path } = await running()
      const answer = await owner('PATCH', path, body)
      expect(statusAndCode(answer)).toEqual([422, 'validation_failed'])
      expect(placesOf(answer.json)).toEqual(places)
    })
  })

  describe('events', () => {
    const entriesOf = (text: string) =>
      [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)].map(([, id, event, data]) => {
        const entry = asRecord(JSON.parse(data ?? ''))
        expect([entry['seq'], entry['type']]).toEqual([Number(id), event])
        return entry['type']
      })

    test('of one that has ended are its history, from where they are taken up', async () => {
      const { path } = await running()
      await owner('PATCH', path, '{"fence":1,"status":"completed"}')
      const all = await owner('GET', `${path}/events`)
      expect([all.status, all.headers.get('Content-Type')]).toEqual([200, 'text/event-stream'])
      // nginx would keep entries back until it has some kilobytes of them.
      expect(all.headers.get('X-Accel-Buffering')).toBe('no')
      expect(entriesOf(all.text)).toEqual(['created', 'claimed', 'completed'])
      const after = await owner('GET', `${path}/events?after=1`)
      expect(entriesOf(after.text)).toEqual(['claimed', 'completed'])
      const resumed = await owner('GET', `${path}/events?after=0`, undefined, { 'Last-Event-ID': '2' })
      expect(entriesOf(resumed.text)).toEqual(['completed'])
      expect((await owner('GET', `${path}/events?after=3`)).text).toBe('')
      expect(statusAndCode(await owner('GET', `${path}/events?after=x`))).toEqual([422, 'validation_failed'])
      const bad = await owner('GET', `${path}/events`, undefined, { 'Last-Event-ID': 'x' })
      expect([statusAndCode(bad), placesOf(bad.json)]).toEqual([[422, 'validation_failed'], ['Last-Event-ID']])
    })

    test('tell what happens while it happens, and end behind the last', async () => {
      const { path } = await running()
      const response = await suite.world.send('owner', 'GET', `${path}/events`)
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      if (reader === undefined) throw new Error('no body')
      let text = ''
      const until = async (type: string) => {
        while (!text.includes(`event: ${type}\n`)) {
          const { value, done } = await reader.read()
          if (done) throw new Error(`it ended before ${type}: ${text}`)
          text += value
        }
      }
      await until('claimed')
      await owner('POST', `${path}/signals`, '{"name":"go"}')
      await until('signal')
      await owner('POST', `${path}/cancel`)
      await until('cancelled')
      expect((await reader.read()).done).toBe(true)
      expect(entriesOf(text)).toEqual(['created', 'claimed', 'signal', 'cancelled'])
    })
  })

  describe('deletion', () => {
    test('takes one that has ended with its history, and no other', async () => {
      const { path, id } = await running()
      const other = await running()
      expect(statusAndCode(await owner('DELETE', path))).toEqual([409, 'execution_active'])
      await owner('POST', `${path}/steps`, '{"fence":1,"steps":[{"key":"k","output":1}]}')
      await owner('POST', `${path}/cancel`)
      expect(statusAndCode(await ask(suite.world, 'editor', 'DELETE', path))).toEqual([403, 'forbidden'])
      expect(statusAndCode(await ask(suite.world, 'stranger', 'DELETE', path))).toEqual([404, 'not_found'])
      expect((await owner('DELETE', path)).status).toBe(204)
      expect((await owner('GET', path)).status).toBe(404)
      expect((await owner('GET', `${path}/history`)).status).toBe(404)
      expect(await countRows(suite.world, 'execution_history', `execution_id = '${id}'`)).toBe(0)
      expect(await typesOf(other.path)).toEqual(['created', 'claimed'])
      expect((await owner('DELETE', path)).status).toBe(404)
    })
  })

  describe('permissions', () => {
    const refused = { stranger: 404, disabled: 403, nobody: 401, impostor: 401 } as const
    const readers = { owner: 200, editor: 200, executor: 200, viewer: 200, admin: 200 } as const
    const rows: readonly (readonly [
      string,
      string,
      string,
      string | undefined,
      Readonly<Partial<Record<Actor, number>>>,
    ])[] = [
      [
        'record',
        'POST',
        '/steps',
        '{"fence":1,"steps":[{"key":"k","output":1}]}',
        { viewer: 403, editor: 403, admin: 200, owner: 200 },
      ],
      [
        'signal',
        'POST',
        '/signals',
        '{"name":"go"}',
        { viewer: 403, executor: 202, editor: 202, admin: 202, owner: 202 },
      ],
      ['read steps', 'GET', '/steps', undefined, readers],
      ['read a step', 'GET', '/steps/k', undefined, readers],
      ['read history', 'GET', '/history', undefined, readers],
      ['read signals', 'GET', '/signals', undefined, readers],
    ]
    for (const [name, method, suffix, body, allowed] of rows) {
      test(`to ${name}`, async () => {
        const { path } = await running()
        await owner('POST', `${path}/steps`, '{"fence":1,"steps":[{"key":"k","output":1}]}')
        const before = await typesOf(path)
        for (const [actor, wanted] of Object.entries(refused)) {
          const answer = await ask(suite.world, actorOf(actor), method, `${path}${suffix}`, body)
          expect([actor, answer.status]).toEqual([actor, wanted])
        }
        expect(await typesOf(path)).toEqual(before)
        for (const [actor, wanted] of Object.entries(allowed)) {
          const answer = await ask(suite.world, actorOf(actor), method, `${path}${suffix}`, body)
          expect([actor, answer.status]).toEqual([actor, wanted])
        }
        expect((await owner(method, `/v1/executions/${absentId}${suffix}`, body)).status).toBe(404)
      })
    }

    test('of a key: `worker` records, and reads what was claimed', async () => {
      const { world } = suite
      const made = await owner('POST', '/v1/api-keys', '{"name":"k","scopes":["worker"]}')
      const Authorization = `Bearer ${String(asRecord(made.json)['key'])}`
      const { path } = await running()
      const waiting = await begin()
      const withKey = (method: string, to: string, body?: string) =>
        ask(world, 'nobody', method, to, body, { Authorization })
      const steps = '{"fence":1,"steps":[{"key":"k","output":1}]}'
      const answers = [
        await withKey('POST', `${path}/steps`, steps),
        await withKey('GET', `${path}/steps`),
        await withKey('GET', `${path}/history`),
        await withKey('GET', `${waiting.path}/history`),
        await withKey('POST', `${path}/signals`, '{"name":"go"}'),
        await withKey('DELETE', path),
      ]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 403, 403, 403])
    })
  })
})
