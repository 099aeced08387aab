import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { itemsOf, nextCursorOf, tripsOf } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, joinAdministrator, workflowOf, type Member } from './members.ts'

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const share = ({ accessToken }: Member, workflow: string, body: object, headers = {}) =>
    call(service, 'POST', `/v1/workflows/${workflow}/shares`, { token: accessToken, body, headers })
  const list = ({ accessToken }: Member, workflow: string, query = '') =>
    call(service, 'GET', `/v1/workflows/${workflow}/shares${query}`, { token: accessToken })
  const remove = ({ accessToken }: Member, workflow: string, userId: string) =>
    call(service, 'DELETE', `/v1/workflows/${workflow}/shares/${userId}`, { token: accessToken })
  const read = ({ accessToken }: Member, workflow: string) =>
    call(service, 'GET', `/v1/workflows/${workflow}`, { token: accessToken })

  test('the owner shares by name or id; the user may then what was granted, and the revision stays', async () => {
    const [ada, bea] = [await join(service), await join(service)]
    const workflow = await workflowOf(service, ada)
    expectRefusal(await read(bea, workflow), 404, 'not_found')
    const made = await share(ada, workflow, { username: bea.username.toUpperCase(), permission: 'view' })
    const body = bodyOf(made, 201)
    expect(Object.keys(body)).toEqual(['id', 'sharedWithUserId', 'username', 'permission', 'createdAt'])
    expect(body).toMatchObject({ sharedWithUserId: bea.id, username: bea.username, permission: 'view' })
    expect(tripsOf(made)).toBe(documentedTrips['share a workflow'][dialect])
    expect(made.text).not.toContain(bea.email)
    expect(bodyOf(await read(bea, workflow), 200)).toMatchObject({ permission: 'view', revision: 1 })
    const changed = await share(ada, workflow, { userId: bea.id, permission: 'edit' })
    expect(bodyOf(changed, 200)).toEqual({ ...body, permission: 'edit' })
    expect(bodyOf(await share(ada, workflow, { userId: bea.id, permission: 'edit' }), 200)).toEqual({
      ...body,
      permission: 'edit',
    })
    expect(bodyOf(await read(bea, workflow), 200)).toMatchObject({ permission: 'edit', revision: 1 })
    const listed = await list(ada, workflow)
    expect(itemsOf(listed.json)).toEqual([{ ...body, permission: 'edit' }])
    expect(tripsOf(listed)).toBe(1)
  })

  test.each([
    ['an unknown name', { username: 'nobody.has.this', permission: 'view' }, '/username'],
    ['an unknown id', { userId: 'nobody', permission: 'view' }, '/userId'],
    ['neither', { permission: 'view' }, '/username'],
    ['both', { username: 'ada', userId: 'ada', permission: 'view' }, '/username'],
    ['another permission', { username: 'ada', permission: 'owner' }, '/permission'],
    ['no permission', { username: 'ada' }, '/permission'],
    ['a field of the row', { username: 'ada', permission: 'view', shared_by: 'x' }, '/shared_by'],
  ])('%s is 422', async (_what, body, pointer) => {
    const ada = await join(service)
    const workflow = await workflowOf(service, ada)
    const answer = await share(ada, workflow, body)
    expectRefusal(answer, 422, 'validation_failed')
    expect(answer.text).toContain(`"${pointer}"`)
    expect(itemsOf((await list(ada, workflow)).json)).toEqual([])
  })

  test('with oneself or the owner it is 422', async () => {
    const [ada, root] = [await join(service), await joinAdministrator(service)]
    const workflow = await workflowOf(service, ada)
    for (const [who, whom] of [
      [ada, ada],
      [root, ada],
      [root, root],
    ] as const) {
      const answer = await share(who, workflow, { userId: whom.id, permission: 'view' })
      expectRefusal(answer, 422, 'validation_failed')
    }
    expect(itemsOf((await list(root, workflow)).json)).toEqual([])
  })

  test('nobody but the owner and administrators shares, lists or takes away', async () => {
    const [ada, editor, stranger] = [await join(service), await join(service), await join(service)]
    const root = await joinAdministrator(service)
    const workflow = await workflowOf(service, ada)
    await share(ada, workflow, { userId: editor.id, permission: 'edit' })
    const body = { userId: stranger.id, permission: 'view' }
    expectRefusal(await share(editor, workflow, body), 403, 'forbidden')
    expectRefusal(await list(editor, workflow), 403, 'forbidden')
    expectRefusal(await remove(editor, workflow, stranger.id), 403, 'forbidden')
    expectRefusal(await share(stranger, workflow, body), 404, 'not_found')
    expectRefusal(await list(stranger, workflow), 404, 'not_found')
    expectRefusal(await remove(stranger, workflow, editor.id), 404, 'not_found')
    const path = `/v1/workflows/${workflow}/shares`
    expectRefusal(await call(service, 'POST', path, { body }), 401, 'unauthenticated')
    expectRefusal(await call(service, 'GET', path), 401, 'unauthenticated')
    expectRefusal(await call(service, 'DELETE', `${path}/${editor.id}`), 401, 'unauthenticated')
    expect(itemsOf((await list(root, workflow)).json)).toHaveLength(1)
    expect((await share(root, workflow, body)).status).toBe(201)
    expect((await remove(root, workflow, stranger.id)).status).toBe(204)
  })

  test('shares of a public workflow are not public', async () => {
    const [ada, stranger] = [await join(service), await join(service)]
    const workflow = await workflowOf(service, ada, true)
    expectRefusal(await call(service, 'GET', `/v1/workflows/${workflow}/shares`), 401, 'unauthenticated')
    expectRefusal(await list(stranger, workflow), 403, 'forbidden')
    expectRefusal(await call(service, 'DELETE', `/v1/workflows/${workflow}/shares/x`), 401, 'unauthenticated')
  })

  test('a user gives its own share back; the owner takes any away; then it is gone', async () => {
    const [ada, bea, cid] = [await join(service), await join(service), await join(service)]
    const workflow = await workflowOf(service, ada)
    for (const { id } of [bea, cid]) await share(ada, workflow, { userId: id, permission: 'execute' })
    expectRefusal(await remove(bea, workflow, `${bea.id}?x=1`), 422, 'validation_failed')
    expectRefusal(await remove(bea, workflow, `${cid.id}?x=1`), 403, 'forbidden')
    expectRefusal(await remove(ada, workflow, 'nobody?x=1'), 404, 'not_found')
    const dan = await join(service)
    await share(ada, await workflowOf(service, ada), { userId: dan.id, permission: 'view' })
    expectRefusal(await remove(ada, workflow, `${dan.id}?x=1`), 404, 'not_found')
    const own = await remove(bea, workflow, bea.id)
    expect(own.status).toBe(204)
    expect(tripsOf(own)).toBe(documentedTrips['remove a share, end a session, delete an API key'][dialect])
    expectRefusal(await read(bea, workflow), 404, 'not_found')
    expectRefusal(await remove(bea, workflow, bea.id), 404, 'not_found')
    expect((await remove(ada, workflow, cid.id)).status).toBe(204)
    expectRefusal(await remove(ada, workflow, cid.id), 404, 'not_found')
    expect(itemsOf((await list(ada, workflow)).json)).toEqual([])
  })

  test('the list is in pages, newest first, and its cursor is bound to the workflow', async () => {
    const ada = await join(service)
    const [workflow, other] = [await workflowOf(service, ada), await workflowOf(service, ada)]
    const users = [await join(service), await join(service), await join(service)]
    for (const { id } of users) await share(ada, workflow, { userId: id, permission: 'view' })
    const first = await list(ada, workflow, '?limit=2')
    const cursor = nextCursorOf(first.json) ?? ''
    const second = await list(ada, workflow, `?limit=2&cursor=${cursor}`)
    const found = [...itemsOf(first.json), ...itemsOf(second.json)].map(({ sharedWithUserId }) => sharedWithUserId)
    expect(found).toEqual(users.map(({ id }) => id).toReversed())
    expect(nextCursorOf(second.json)).toBeUndefined()
    expectRefusal(await list(ada, other, `?cursor=${cursor}`), 422, 'invalid_cursor')
  })

  test('under an Idempotency-Key the first answer comes again, 201 or 200', async () => {
    const [ada, bea] = [await join(service), await join(service)]
    const workflow = await workflowOf(service, ada)
    const headers = { 'Idempotency-Key': crypto.randomUUID() }
    const body = { userId: bea.id, permission: 'view' }
    const first = await share(ada, workflow, body, headers)
    await remove(ada, workflow, bea.id)
    const replay = await share(ada, workflow, body, headers)
    expect(replay.text).toBe(first.text)
    expect([first.status, replay.status]).toEqual([201, 201])
    expect(replay.headers.get('Idempotency-Replayed')).toBe('true')
    expect(itemsOf((await list(ada, workflow)).json)).toEqual([])
    const changed = { ...body, permission: 'edit' }
    expectRefusal(await share(ada, workflow, changed, headers), 422, 'idempotency_key_reused')
    await share(ada, workflow, body)
    const other = { 'Idempotency-Key': crypto.randomUUID() }
    const answers = [await share(ada, workflow, changed, other), await share(ada, workflow, changed, other)]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers[0]?.text).toBe(answers[1]?.text)
  })

  test('two at once with one key make one share and get one answer', async () => {
    const [ada, bea] = [await join(service), await join(service)]
    const workflow = await workflowOf(service, ada)
    const headers = { 'Idempotency-Key': crypto.randomUUID() }
    const body = { userId: bea.id, permission: 'view' }
    const answers = await Promise.all([1, 2, 3].map(() => share(ada, workflow, body, headers)))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(itemsOf((await list(ada, workflow)).json)).toHaveLength(1)
  })

  describe('the limit', () => {
    test('a caller makes 100 an hour; changes and other callers go on', async () => {
      const [ada, bea, eve] = [await join(service), await join(service), await join(service)]
      const workflow = await workflowOf(service, ada)
      await share(ada, workflow, { userId: bea.id, permission: 'view' })
      await service.database.query(
        `insert into login_attempts (id, kind, name_key, network, attempted_at)
         select ${concatenated('id', "'-copy'")}, kind, name_key, network, attempted_at from login_attempts
         where kind = 'share' and name_key = '${ada.id}'`,
      )
      for (let copies = 2; copies < 64; copies *= 2) await double(ada, String(copies))
      const [row] = await service.database.query(
        `select count(*) as n from login_attempts where kind = 'share' and name_key = '${ada.id}'`,
      )
      const made = Number(row?.['n'])
      const users = await Promise.all(Array.from({ length: 100 - made + 1 }, () => join(service)))
      const statuses: number[] = []
      for (const { id } of users) {
        statuses.push((await share(ada, workflow, { userId: id, permission: 'view' })).status)
      }
      expect(statuses).toEqual([...Array(100 - made).fill(201), 429])
      const refused = await share(ada, workflow, { userId: eve.id, permission: 'view' })
      expectRefusal(refused, 429, 'rate_limited')
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(3000)
      expect((await share(ada, workflow, { userId: bea.id, permission: 'edit' })).status).toBe(200)
      const other = await workflowOf(service, eve)
      expect((await share(eve, other, { userId: ada.id, permission: 'view' })).status).toBe(201)
    }, 60_000)

    const concatenated = (first: string, second: string) =>
      dialect === 'mysql' ? `concat(${first}, ${second})` : `${first} || ${second}`

    const double = (member: Member, mark: string) =>
      service.database.query(
        `insert into login_attempts (id, kind, name_key, network, attempted_at)
         select ${concatenated('id', `'${mark}'`)}, kind, name_key, network, attempted_at from login_attempts
         where kind = 'share' and name_key = '${member.id}'`,
      )
  })
})
