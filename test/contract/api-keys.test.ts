import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { itemsOf, nextCursorOf, tripsOf, type Answer } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, joinAdministrator, keyOf, workflowOf, type Member } from './members.ts'

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const make = (token: string, body: object, headers = {}) =>
    call(service, 'POST', '/v1/api-keys', { token, body, headers })
  const list = (token: string, query = '') => call(service, 'GET', `/v1/api-keys${query}`, { token })
  const remove = (token: string, id: unknown) => call(service, 'DELETE', `/v1/api-keys/${String(id)}`, { token })
  const me = (token: string) => call(service, 'GET', '/v1/auth/me', { token })

  async function onlyItem(token: string) {
    const items = itemsOf((await list(token)).json)
    const [item] = items
    if (item === undefined || items.length > 1) throw new Error(`${items.length} keys`)
    return item
  }

  describe('making one', () => {
    test('with a key that expires makes none that lives longer', async () => {
      const ada = await join(service)
      const [soon, later] = ['2099-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z']
      const maker = bodyOf(await make(ada.accessToken, { name: 'a', scopes: ['read', 'write'], expiresAt: soon }), 201)
      const expiries = []
      for (const expiresAt of [undefined, later, soon, '2098-01-01T00:00:00.000Z']) {
        const body = { name: 'b', scopes: ['read'], ...(expiresAt === undefined ? {} : { expiresAt }) }
        expiries.push(bodyOf(await make(String(maker['key']), body), 201)['expiresAt'])
      }
      expect(expiries).toEqual([soon, soon, soon, '2098-01-01T00:00:00.000Z'])
    })

    test('shows the key this once, and stores only its digest', async () => {
      const ada = await join(service)
      const answer = await make(ada.accessToken, { name: 'for CI', scopes: ['worker', 'read'] })
      const made = bodyOf(answer, 201)
      expect(Object.keys(made)).toEqual([
        ...['id', 'name', 'scopes', 'prefix', 'expiresAt', 'createdAt', 'lastUsedAt', 'key'],
      ])
      expect(made).toMatchObject({ name: 'for CI', scopes: ['read', 'worker'], expiresAt: null, lastUsedAt: null })
      const key = String(made['key'])
      expect(key).toMatch(/^mr_/)
      expect(key.startsWith(String(made['prefix']))).toBe(true)
      expect(tripsOf(answer)).toBe(documentedTrips['create an API key'][dialect])
      const listed = await list(ada.accessToken)
      expect(listed.text).not.toContain(key)
      const { key: _shown, ...rest } = made
      expect(itemsOf(listed.json)).toEqual([rest])
      const rows = await service.database.query(`select * from api_keys where id = '${String(made['id'])}'`)
      const stored = JSON.stringify(rows, (_name, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      expect(stored).not.toContain(key.slice(11))
    })

    test.each([
      ['no name', { scopes: ['read'] }, '/name'],
      ['a name of 101', { name: 'x'.repeat(101), scopes: ['read'] }, '/name'],
      ['no scope', { name: 'x', scopes: [] }, '/scopes'],
      ['an unknown scope', { name: 'x', scopes: ['root'] }, '/scopes/0'],
      ['a time that is past', { name: 'x', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
      ['what is no time', { name: 'x', scopes: ['read'], expiresAt: 'soon' }, '/expiresAt'],
      ['a key of one’s own', { name: 'x', scopes: ['read'], key: 'mr_mine' }, '/key'],
    ])('%s is 422', async (_what, body, pointer) => {
      const ada = await join(service)
      const answer = await make(ada.accessToken, body)
      expectRefusal(answer, 422, 'validation_failed')
      expect(answer.text).toContain(`"${pointer}"`)
      expect(itemsOf((await list(ada.accessToken)).json)).toEqual([])
    })

    test('a name of 100 and a repeated scope are fine', async () => {
      const ada = await join(service)
      const made = await make(ada.accessToken, { name: 'ß'.repeat(100), scopes: ['read', 'read'] })
      expect(bodyOf(made, 201)['scopes']).toEqual(['read'])
    })

    test('admin needs the role: forbidden without, before 422', async () => {
      const [ada, root] = [await join(service), await joinAdministrator(service)]
      const body = { name: 'x', scopes: ['admin'] }
      expectRefusal(await make(ada.accessToken, body), 403, 'forbidden')
      expectRefusal(await make(ada.accessToken, { ...body, expiresAt: '2020-01-01T00:00:00Z' }), 403, 'forbidden')
      expect((await make(root.accessToken, body)).status).toBe(201)
      expectRefusal(await call(service, 'POST', '/v1/api-keys', { body }), 401, 'unauthenticated')
    })

    test('a replay has the first answer with key null, and makes no second one', async () => {
      const ada = await join(service)
      const body = { name: 'once', scopes: ['read'] }
      const headers = { 'Idempotency-Key': crypto.randomUUID() }
      const { key, ...first } = bodyOf(await make(ada.accessToken, body, headers), 201)
      const replay = await make(ada.accessToken, body, headers)
      expect(bodyOf(replay, 201)).toEqual({ ...first, key: null })
      expect(replay.headers.get('Idempotency-Replayed')).toBe('true')
      expect((await me(String(key))).status).toBe(200)
      await onlyItem(ada.accessToken)
      expectRefusal(await make(ada.accessToken, { ...body, name: 'two' }, headers), 422, 'idempotency_key_reused')
      const stored = await service.database.query(`select body from idempotency_keys where user_id = '${ada.id}'`)
      expect(JSON.stringify(stored)).not.toContain(String(key))
    })

    test('a refused one keeps no idempotency key', async () => {
      const ada = await join(service)
      const headers = { 'Idempotency-Key': crypto.randomUUID() }
      expectRefusal(await make(ada.accessToken, { name: 'x', scopes: ['admin'] }, headers), 403, 'forbidden')
      expect((await make(ada.accessToken, { name: 'x', scopes: ['read'] }, headers)).status).toBe(201)
    })
  })

  describe('using one', () => {
    test('it acts as its user, whatever the password does, until it is deleted', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read'])
      expect(bodyOf(await me(key), 200)['id']).toBe(ada.id)
      expect(tripsOf(await me(key))).toBe(1)
      const { id } = await onlyItem(ada.accessToken)
      expect((await remove(ada.accessToken, id)).status).toBe(204)
      expectRefusal(await me(key), 401, 'unauthenticated')
      expectRefusal(await remove(ada.accessToken, id), 404, 'not_found')
    })

    test('after expiresAt it is token_expired', async () => {
      const ada = await join(service)
      const expiresAt = new Date(Date.now() + 1500).toISOString()
      const made = bodyOf(await make(ada.accessToken, { name: 'x', scopes: ['read'], expiresAt }), 201)
      expect(made['expiresAt']).toBe(expiresAt)
      const key = String(made['key'])
      expect((await me(key)).status).toBe(200)
      await expect.poll(async () => (await me(key)).status, { timeout: 5000, interval: 100 }).toBe(401)
      expectRefusal(await me(key), 401, 'token_expired')
    })

    test('a key that nobody made, of altered claims or of a user that is gone is 401 everywhere', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      const workflow = await workflowOf(service, ada, true)
      const key = await keyOf(service, ada, ['read'])
      const [random = '', claims = ''] = key.slice(3).split('.')
      const encode = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url')
      const forged = [
        `mr_${'A'.repeat(43)}.${claims}`,
        `mr_${random}.${encode([ada.id, 'read,write,admin', null])}`,
        `mr_${random}.${encode([bea.id, 'read', null])}`,
        `mr_${random}`,
        'mr_',
        key.slice(0, -1),
        `${key}A`,
      ]
      for (const token of forged) {
        expectRefusal(await me(token), 401, 'unauthenticated')
        const reading = await call(service, 'GET', `/v1/workflows/${workflow}`, { token })
        expectRefusal(reading, 401, 'unauthenticated')
        expectRefusal(await call(service, 'GET', '/v1/workflows?scope=public', { token }), 401, 'unauthenticated')
        expectRefusal(await make(token, { name: 'x', scopes: ['read'] }), 401, 'unauthenticated')
      }
    })

    test('of a disabled user it is account_disabled, before scope_missing', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['worker'])
      await service.database.query(`update users set disabled_at = created_at where id = '${ada.id}'`)
      expectRefusal(await me(key), 403, 'account_disabled')
    })

    test('its use is noted after the answer', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read'])
      const before = Date.now()
      await me(key)
      const noted = async () => (await onlyItem(ada.accessToken))['lastUsedAt']
      await expect.poll(noted, { timeout: 5000 }).not.toBeNull()
      expect(Math.abs(Date.parse(String(await noted())) - before)).toBeLessThan(60_000)
    })
  })

  describe('scopes', () => {
    const editing = (token: string, workflow: string) =>
      call(service, 'PATCH', `/v1/workflows/${workflow}`, { token, body: { name: 'x' }, headers: { 'If-Match': '*' } })

    test('read reads, write writes and reads, others do neither', async () => {
      const ada = await join(service)
      const workflow = await workflowOf(service, ada)
      const reading = (token: string) => call(service, 'GET', `/v1/workflows/${workflow}`, { token })
      const outcomes: Record<string, readonly number[]> = {}
      for (const scope of ['read', 'write', 'worker', 'secrets']) {
        const key = await keyOf(service, ada, [scope])
        outcomes[scope] = [(await reading(key)).status, (await editing(key, workflow)).status]
      }
      expect(outcomes).toEqual({ read: [200, 403], write: [200, 200], worker: [403, 403], secrets: [403, 403] })
    })

    test('what is public needs read too; what is missing is scope_missing, before 404 and 422', async () => {
      const [ada, bea] = [await join(service), await join(service)]
      const workflow = await workflowOf(service, bea, true)
      const key = await keyOf(service, ada, ['worker'])
      const paths = [
        `/v1/workflows/${workflow}`,
        '/v1/workflows/nothing',
        '/v1/workflows?limit=x',
        '/v1/workflows?scope=public',
      ]
      for (const path of paths) expectRefusal(await call(service, 'GET', path, { token: key }), 403, 'scope_missing')
    })

    test('without admin a key acts as if its user had no role; with it, with it', async () => {
      const [root, bea] = [await joinAdministrator(service), await join(service)]
      const workflow = await workflowOf(service, bea)
      const narrow = await keyOf(service, root, ['read', 'write'])
      const wide = await keyOf(service, root, ['read', 'write', 'admin'])
      const reading = (token: string) => call(service, 'GET', `/v1/workflows/${workflow}`, { token })
      expectRefusal(await reading(narrow), 404, 'not_found')
      expect((await reading(wide)).status).toBe(200)
      expectRefusal(await editing(narrow, workflow), 404, 'not_found')
      expectRefusal(await call(service, 'GET', '/v1/admin/users', { token: narrow }), 403, 'scope_missing')
      expect((await call(service, 'GET', '/v1/admin/users', { token: wide })).status).toBe(200)
      await service.database.query(`update users set role = 'user' where id = '${root.id}'`)
      expectRefusal(await call(service, 'GET', '/v1/admin/users', { token: wide }), 403, 'forbidden')
      expectRefusal(await reading(wide), 404, 'not_found')
    })

    test('a key makes and deletes only keys whose scopes it holds itself', async () => {
      const ada = await join(service)
      const key = await keyOf(service, ada, ['read', 'write'])
      expect((await make(key, { name: 'x', scopes: ['read'] })).status).toBe(201)
      for (const scopes of [['secrets'], ['read', 'worker'], ['admin']]) {
        expectRefusal(await make(key, { name: 'x', scopes }), 403, 'scope_missing')
      }
      const reader = await keyOf(service, ada, ['read'])
      expectRefusal(await make(reader, { name: 'x', scopes: ['read'] }), 403, 'scope_missing')
      const wide = bodyOf(await make(ada.accessToken, { name: 'wide', scopes: ['read', 'secrets'] }), 201)
      expectRefusal(await remove(key, wide['id']), 403, 'scope_missing')
      expectRefusal(await remove(key, 'nothing'), 404, 'not_found')
      expectRefusal(await remove(key, 'nothing?x=1'), 404, 'not_found')
      expectRefusal(await remove(key, `${String(wide['id'])}?x=1`), 403, 'scope_missing')
      expectRefusal(await remove(ada.accessToken, `${String(wide['id'])}?x=1`), 422, 'validation_failed')
      const narrow = bodyOf(await make(ada.accessToken, { name: 'narrow', scopes: ['write'] }), 201)
      expect((await remove(key, narrow['id'])).status).toBe(204)
    })

    test('a key changes neither password nor sessions nor account, and may read its sessions', async () => {
      const root = await joinAdministrator(service)
      const token = await keyOf(service, root, ['read', 'write', 'worker', 'secrets', 'admin'])
      const [{ id } = {}] = itemsOf((await call(service, 'GET', '/v1/auth/sessions', { token })).json)
      const calls: readonly Promise<Answer>[] = [
        call(service, 'DELETE', `/v1/auth/sessions/${String(id)}`, { token }),
        call(service, 'DELETE', '/v1/auth/me', { token, body: { password: root.password } }),
        call(service, 'POST', '/v1/auth/password', {
          token,
          body: { currentPassword: root.password, newPassword: 'another horse' },
        }),
      ]
      for (const answer of await Promise.all(calls)) expectRefusal(answer, 403, 'scope_missing')
      expect((await me(root.accessToken)).status).toBe(200)
    })
  })

  describe('the list', () => {
    test('has the own keys, newest first, in pages', async () => {
      const [ada, eve] = [await join(service), await join(service)]
      const names = ['first', 'second', 'third']
      for (const name of names) await make(ada.accessToken, { name, scopes: ['read'] })
      const { id: others } = bodyOf(await make(eve.accessToken, { name: 'of eve', scopes: ['read'] }), 201)
      expect(await namesIn(ada)).toEqual(names.toReversed())
      expectRefusal(await remove(ada.accessToken, others), 404, 'not_found')
      expectRefusal(await list(ada.accessToken, '?cursor=x'), 422, 'invalid_cursor')
      expectRefusal(await call(service, 'GET', '/v1/api-keys'), 401, 'unauthenticated')
    })

    async function namesIn({ accessToken }: Member): Promise<readonly unknown[]> {
      const names: unknown[] = []
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const page: Answer = await list(accessToken, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
        names.push(...itemsOf(page.json).map(({ name }) => name))
        cursor = nextCursorOf(page.json)
      }
      return names
    }
  })
})
