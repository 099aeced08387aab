import {
  createClient,
  exactJson,
  parseJson,
  toJson,
  type Client,
  type ClientOptions,
  type Execution,
  type JsonText,
  type ProblemError,
  type Tokens,
  type Workflow,
} from '@millrace/client'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { lossyFetch } from './lossy-fetch.ts'

const exact = exactJson('{ "b": 1.0, "a": 1e400, "n": 12345678901234567890, "t": "\\u00e9\\"}", "0": [ ] }')

describeDialectsByTest((dialect) => {
  let service: Service
  let accounts = 0

  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  function open(options: Partial<ClientOptions> = {}): Client {
    const [url = ''] = service.urls
    return createClient({ url, retry: { firstDelayMilliseconds: 1 }, ...options })
  }

  /** A client that is logged in as a new user. */
  async function user(options: Partial<ClientOptions> = {}) {
    accounts += 1
    const client = open(options)
    const username = `user-${accounts}`
    const account = await client.auth.register({
      username,
      email: `${username}@example.com`,
      password: 'correct horse',
    })
    return { client, account }
  }

  async function all<Item>(list: AsyncIterable<Item>): Promise<readonly Item[]> {
    const items: Item[] = []
    for await (const item of list) items.push(item)
    return items
  }

  describe('sessions', () => {
    test('a token that no longer counts is refreshed once for all calls, and the session goes on', async () => {
      let tokens: Tokens | undefined
      const { fetch: send, statuses } = lossyFetch()
      const store = { load: () => tokens, save: (next: Tokens | undefined) => void (tokens = next) }
      const { client, account } = await user({ tokens: store, fetch: send })
      expect(account).toEqual(await client.auth.me())
      tokens = { accessToken: 'e30.e30.e30', refreshToken: tokens?.refreshToken ?? '' }
      const before = tokens
      statuses.length = 0
      const answers = await Promise.all(Array.from({ length: 8 }, () => client.auth.me()))
      expect(answers.map(({ id }) => id)).toEqual(Array(8).fill(account.id))
      expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(0)
      expect(tokens.refreshToken).not.toBe(before.refreshToken)
      expect(await all(client.auth.sessions())).toMatchObject([{ current: true }])
    })

    test('logging out forgets the tokens and ends the session', async () => {
      let tokens: Tokens | undefined
      const store = { load: () => tokens, save: (next: Tokens | undefined) => void (tokens = next) }
      const { client } = await user({ tokens: store })
      const kept = tokens
      await client.auth.logout()
      await expect(client.auth.me()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
      tokens = { accessToken: 'e30.e30.e30', refreshToken: kept?.refreshToken ?? '' }
      await expect(client.auth.me()).rejects.toMatchObject({ status: 401 })
      expect(tokens).toBeUndefined()
    })

    test('a wrong password is told by its code, and nothing is tried again', async () => {
      const { account } = await user()
      const { fetch: send, statuses } = lossyFetch()
      const login = open({ fetch: send }).auth.login({ username: account.username, password: 'wrong' })
      await expect(login).rejects.toMatchObject({ name: 'ProblemError', code: 'invalid_credentials' })
      expect(statuses).toEqual([401])
    })

    test('an API key acts within its scopes', async () => {
      const { client } = await user()
      const { key } = await client.apiKeys.create({ name: 'reader', scopes: ['read'] })
      const reader = open({ apiKey: key ?? '' })
      expect(await all(reader.workflows.list())).toEqual([])
      await expect(reader.workflows.create({ name: 'n', definition: exact })).rejects.toMatchObject({
        code: 'scope_missing',
      })
      const [listed] = await all(client.apiKeys.list())
      await client.apiKeys.remove(listed?.id ?? '')
      await expect(reader.auth.me()).rejects.toMatchObject({ code: 'unauthenticated' })
    })
  })

  describe('workflows', () => {
    test('documents come back to the letter, from each route that has them', async () => {
      const { client } = await user()
      const made = await client.workflows.create({ name: 'exact', definition: exact })
      expect(made.definition).toBe(exact)
      const other = exactJson('{ "b": 1.0, "a": 2.50 }')
      const changed = await client.workflows.update(made, { definition: other, changeNotes: 'less' })
      expect([changed.definition, changed.versionNumber, changed.revision]).toEqual([other, 2, 2])
      expect((await client.versions.get(made.id, 1)).definition).toBe(exact)
      expect((await client.versions.difference(made.id, 1, 2)).patch).toContain('"value":2.50')
      const restored = await client.versions.restore(changed, 1, { changeNotes: 'more again' })
      expect([restored.definition, restored.versionNumber]).toEqual([exact, 3])
      const notes = (await all(client.versions.list(made.id))).map(({ changeNotes }) => changeNotes)
      expect(notes).toEqual(['more again', 'less', null])
      const batch = await client.workflows.createAll([
        { name: 'one', definition: exact },
        { name: 'two', definition: other, description: '{"definition": 1}' },
      ])
      expect(batch.map(({ definition }) => definition)).toEqual([exact, other])
      expect(batch[1]?.description).toBe('{"definition": 1}')
      expect(parseJson(other)).toEqual({ b: 1, a: 2.5 })
    })

    test('a change of another revision than the one seen is refused, unless forced', async () => {
      const { client } = await user()
      const made = await client.workflows.create({ name: 'n', definition: exact })
      await client.workflows.update(made, { name: 'mine' })
      const stale = client.workflows.update(made, { name: 'theirs' })
      await expect(stale).rejects.toMatchObject({ code: 'precondition_failed', status: 412 })
      await expect(client.workflows.remove(made)).rejects.toMatchObject({ code: 'precondition_failed' })
      expect((await client.workflows.get(made.id)).name).toBe('mine')
      await client.workflows.update({ id: made.id, revision: '*' }, { name: 'theirs' })
      await client.workflows.remove(await client.workflows.get(made.id))
      await expect(client.workflows.get(made.id)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('a workflow that was read before is asked for by its ETag, and is always the newest', async () => {
      const { fetch: send, statuses } = lossyFetch()
      const { client } = await user({ fetch: send, cachedEntities: 10 })
      const { id } = await client.workflows.create({ name: 'n', definition: exact })
      const first = await client.workflows.get(id)
      statuses.length = 0
      expect(await client.workflows.get(id)).toEqual(first)
      await client.workflows.update(first, { name: 'm' })
      expect((await client.workflows.get(id)).name).toBe('m')
      expect(statuses).toEqual([304, 200, 200])
      const other = await user()
      await client.auth.login({ username: other.account.username, password: 'correct horse' })
      await expect(client.workflows.get(id)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('a list is one iteration over all of its pages, and asks for no page that nobody comes to', async () => {
      const { fetch: send, statuses } = lossyFetch()
      const { client } = await user({ fetch: send })
      const names = Array.from({ length: 7 }, (_none, index) => `workflow ${index}`)
      await client.workflows.createAll(names.map((name) => ({ name, definition: exact })))
      statuses.length = 0
      const listed = await all(client.workflows.list({ scope: 'owned', limit: 3 }))
      expect(listed.map(({ name }) => name).toSorted()).toEqual(names)
      expect(statuses).toHaveLength(3)
      expect(await all(client.workflows.list({ q: 'FLOW 4' }))).toMatchObject([{ name: 'workflow 4' }])
      statuses.length = 0
      for await (const page of client.workflows.list({ limit: 3 }).pages()) {
        expect(page.items).toHaveLength(3)
        const rest = await all(client.workflows.list({ limit: 3, cursor: page.nextCursor ?? '' }))
        expect(rest).toHaveLength(4)
        break
      }
      expect(statuses).toHaveLength(3)
    })

    test('shares give, change and take what another may do', async () => {
      const [owner, friend] = [await user(), await user()]
      const workflow = await owner.client.workflows.create({ name: 'n', definition: exact })
      await expect(friend.client.workflows.get(workflow.id)).rejects.toMatchObject({ code: 'not_found' })
      await owner.client.shares.put(workflow.id, { username: friend.account.username, permission: 'view' })
      expect((await friend.client.workflows.get(workflow.id)).permission).toBe('view')
      await expect(friend.client.workflows.update(workflow, { name: 'm' })).rejects.toMatchObject({ code: 'forbidden' })
      await owner.client.shares.put(workflow.id, { userId: friend.account.id, permission: 'edit' })
      expect(await all(owner.client.shares.list(workflow.id))).toMatchObject([{ permission: 'edit' }])
      await friend.client.workflows.update(workflow, { name: 'm' })
      await owner.client.shares.remove(workflow.id, friend.account.id)
      await expect(friend.client.workflows.get(workflow.id)).rejects.toMatchObject({ code: 'not_found' })
      const seen = await owner.client.workflows.get(workflow.id)
      await owner.client.workflows.transfer(seen, friend.account.username)
      expect(await friend.client.workflows.get(workflow.id)).toMatchObject({ permission: 'owner' })
    })

    test('hc reaches every route with the client’s token, and knows each answer', async () => {
      const { client, account } = await user()
      const made = await client.rpc.v1.workflows.$post({ json: { name: 'n', definition: { nodes: [] } } })
      if (made.status !== 201) throw new Error('not made')
      const { id, ownerId } = await made.json()
      expect(ownerId).toBe(account.id)
      const gone = await client.rpc.v1.workflows[':id'].$get({ param: { id: 'absent' } })
      if (gone.ok) throw new Error('there is one')
      expect([gone.status, (await gone.json()).code]).toEqual([404, 'not_found'])
      const removed = await client.rpc.v1.workflows[':id'].$delete({ param: { id }, header: { 'If-Match': '"1"' } })
      expect(removed.status).toBe(204)
    })
  })

  test('settings keep their numbers and show no secret that nobody asks for', async () => {
    const { client } = await user()
    expect(await client.settings.get()).toMatchObject({ data: '{}', revision: 0 })
    const data = exactJson('{"rate":1.50,"mail":{"password":"a long canary"}}')
    const put = await client.settings.put(data, { ifRevision: 0 })
    expect(put.revision).toBe(1)
    expect(put.data).toContain('"rate":1.50')
    expect(put.data).not.toContain('canary')
    await expect(client.settings.put(data, { ifRevision: 0 })).rejects.toMatchObject({ code: 'precondition_failed' })
    expect((await client.settings.patch(exactJson('{"rate":null,"size":2.0}'))).data).toContain('"size":2.0')
    expect(await client.settings.reveal('/mail/password')).toBe('a long canary')
  })

  describe('lost answers', () => {
    test('a workflow is created once', async () => {
      const lossy = lossyFetch()
      const { client } = await user({ fetch: lossy.fetch })
      lossy.lose('POST', '/v1/workflows', 2)
      const made = await client.workflows.create({ name: 'once', definition: exact })
      expect((await all(client.workflows.list())).map(({ id }) => id)).toEqual([made.id])
    })

    test('an execution is started once, claimed once, and reported once', async () => {
      const lossy = lossyFetch()
      const { client } = await user({ fetch: lossy.fetch })
      const { id: workflowId } = await client.workflows.create({ name: 'n', definition: exact })
      lossy.lose('POST', '/executions')
      const started = await client.executions.start(workflowId, { input: exact, maxAttempts: 5 })
      expect(await all(client.executions.list({ workflowId, status: ['pending', 'running'] }))).toHaveLength(1)
      lossy.lose('POST', '/claim')
      const claimed = await client.executions.claim({ worker: 'one', limit: 10 })
      expect(claimed).toMatchObject([{ id: started.id, fence: 1, input: exact, state: 'null', definition: exact }])
      expect(await client.executions.claim({ worker: 'two', limit: 10 })).toEqual([])
      lossy.lose('POST', '/heartbeat')
      await client.executions.heartbeat(started.id, { fence: 1 })
      lossy.lose('PATCH', started.id)
      const reported = await client.executions.report(started.id, { fence: 1, status: 'completed', state: exact })
      expect(reported).toMatchObject({ status: 'completed', state: exact, attempts: 1, fence: 1 })
      const late = client.executions.report(started.id, { fence: 1, status: 'failed' })
      await expect(late).rejects.toMatchObject({ code: 'invalid_transition' })
      lossy.lose('POST', '/retry')
      const again = await client.executions.retry(started.id)
      expect(again).toMatchObject({ status: 'pending', input: exact, state: 'null', attempts: 0 })
      expect(await all(client.executions.list({ workflowId }))).toHaveLength(2)
      expect(await client.executions.cancel(again.id)).toMatchObject({ status: 'cancelled' })
    })

    test('a change without a key is not sent again: the caller is told that nobody knows', async () => {
      const lossy = lossyFetch()
      const { client } = await user({ fetch: lossy.fetch })
      const made = await client.workflows.create({ name: 'n', definition: exact })
      lossy.lose('PATCH', made.id)
      const changed = client.workflows.update(made, { name: 'm' })
      await expect(changed).rejects.toMatchObject({ name: 'ConnectionError' })
      expect(await client.workflows.get(made.id)).toMatchObject({ name: 'm', revision: 2 })
    })
  })
})

test('types: documents are text, and a change needs what was seen', () => {
  expectTypeOf<Workflow['definition']>().toEqualTypeOf<JsonText>()
  expectTypeOf<Execution['input']>().toEqualTypeOf<JsonText>()
  expectTypeOf<Workflow['permission']>().toEqualTypeOf<'view' | 'execute' | 'edit' | 'owner'>()
  const refused = (client: Client, workflow: Workflow): unknown[] => [
    // @ts-expect-error -- a definition is JSON text, not any text
    client.workflows.create({ name: 'n', definition: '{}' }),
    // @ts-expect-error -- without the revision that was seen
    client.workflows.update({ id: 'w' }, { name: 'n' }),
    // @ts-expect-error -- a workflow has no title
    client.workflows.update(workflow, { title: 'n' }),
    // @ts-expect-error -- no such scope
    client.workflows.list({ scope: 'mine' }),
    // @ts-expect-error -- a report needs its fence
    client.executions.report('e', { status: 'completed' }),
    // @ts-expect-error -- no such code
    client.auth.me().catch((error: ProblemError) => error.code === 'teapot'),
  ]
  expect([refused, toJson({ a: 1 })]).toEqual([expect.any(Function), '{"a":1}'])
})
