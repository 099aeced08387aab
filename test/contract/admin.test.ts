import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { itemsOf, nextCursorOf, tripsOf } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, joinAdministrator, keyOf, logIn, workflowOf } from './members.ts'

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const list = (token: string | undefined, query = '') => call(service, 'GET', `/v1/admin/users${query}`, { token })
  const change = (token: string | undefined, id: string, body: object) =>
    call(service, 'PATCH', `/v1/admin/users/${id}`, { token, body })
  const me = (token: string) => call(service, 'GET', '/v1/auth/me', { token })

  test('only administrators list and change', async () => {
    const [ada, bea, root] = [await join(service), await join(service), await joinAdministrator(service)]
    const narrow = await keyOf(service, root, ['read', 'write'])
    expectRefusal(await list(undefined), 401, 'unauthenticated')
    expectRefusal(await change(undefined, bea.id, { disabled: true }), 401, 'unauthenticated')
    expectRefusal(await list(ada.accessToken), 403, 'forbidden')
    expectRefusal(await change(ada.accessToken, bea.id, { disabled: true }), 403, 'forbidden')
    expectRefusal(await change(ada.accessToken, ada.id, { role: 'admin' }), 403, 'forbidden')
    expectRefusal(await change(ada.accessToken, 'nobody', { disabled: true }), 403, 'forbidden')
    expectRefusal(await change(ada.accessToken, bea.id, { disabled: 'yes' }), 403, 'forbidden')
    expectRefusal(await list(ada.accessToken, '?limit=0'), 403, 'forbidden')
    expectRefusal(await list(narrow), 403, 'scope_missing')
    expectRefusal(await change(narrow, bea.id, { disabled: true }), 403, 'scope_missing')
    expect((await me(bea.accessToken)).status).toBe(200)
  })

  test('the list has all users, newest first, found by part of name or email', async () => {
    const root = await joinAdministrator(service)
    const users = [await join(service), await join(service), await join(service)]
    const first = await list(root.accessToken, '?limit=2')
    const second = await list(root.accessToken, `?limit=2&cursor=${nextCursorOf(first.json) ?? ''}`)
    const found = [...itemsOf(first.json), ...itemsOf(second.json)].slice(0, 3)
    expect(found.map(({ id }) => id)).toEqual(users.map(({ id }) => id).toReversed())
    expect(found.map((item) => Object.keys(item))).toEqual(
      users.map(() => ['id', 'username', 'email', 'role', 'createdAt', 'disabledAt']),
    )
    expect(tripsOf(first)).toBe(1)
    expect(first.text).not.toMatch(/hash|\$2b/)
    const [wanted] = users
    const byName = await list(root.accessToken, `?q=${wanted?.username.slice(3, 20).toUpperCase()}`)
    expect(itemsOf(byName.json).map(({ id }) => id)).toEqual([wanted?.id])
    const byEmail = await list(root.accessToken, `?q=${encodeURIComponent(wanted?.email ?? '')}`)
    expect(itemsOf(byEmail.json).map(({ id }) => id)).toEqual([wanted?.id])
    expect(itemsOf((await list(root.accessToken, '?q=%25')).json)).toEqual([])
  })

  test('a disabled user is refused from the next request on, with token, key and password; enabled, no more', async () => {
    const [root, ada] = [await joinAdministrator(service), await join(service)]
    const key = await keyOf(service, ada, ['read'])
    const disabled = await change(root.accessToken, ada.id, { disabled: true })
    const { disabledAt } = bodyOf(disabled, 200)
    expect(disabledAt).toMatch(/^\d{4}-.*Z$/)
    expect(tripsOf(disabled)).toBe(documentedTrips['change a user, as an administrator'][dialect])
    expectRefusal(await me(ada.accessToken), 403, 'account_disabled')
    expectRefusal(await me(key), 403, 'account_disabled')
    expectRefusal(await logIn(service, ada, ada.password), 403, 'account_disabled')
    expectRefusal(await call(service, 'GET', '/v1/workflows', { token: ada.accessToken }), 403, 'account_disabled')
    expect(bodyOf(await change(root.accessToken, ada.id, { disabled: true }), 200)['disabledAt']).toBe(disabledAt)
    expect(bodyOf(await change(root.accessToken, ada.id, { disabled: false }), 200)['disabledAt']).toBeNull()
    expect((await me(ada.accessToken)).status).toBe(200)
    expect((await me(key)).status).toBe(200)
  })

  test('a role counts from the next request on, both ways', async () => {
    const [root, ada, bea] = [await joinAdministrator(service), await join(service), await join(service)]
    const workflow = await workflowOf(service, bea)
    const reading = () => call(service, 'GET', `/v1/workflows/${workflow}`, { token: ada.accessToken })
    expectRefusal(await reading(), 404, 'not_found')
    expect(bodyOf(await change(root.accessToken, ada.id, { role: 'admin' }), 200)['role']).toBe('admin')
    expect((await reading()).status).toBe(200)
    expect((await list(ada.accessToken)).status).toBe(200)
    await change(root.accessToken, ada.id, { role: 'user' })
    expectRefusal(await reading(), 404, 'not_found')
    expectRefusal(await list(ada.accessToken), 403, 'forbidden')
  })

  test('an administrator neither disables itself nor gives up its role, and may confirm what it is', async () => {
    const root = await joinAdministrator(service)
    for (const [body, pointer] of [
      [{ disabled: true }, '/disabled'],
      [{ role: 'user' }, '/role'],
    ] as const) {
      const answer = await change(root.accessToken, root.id, body)
      expectRefusal(answer, 422, 'validation_failed')
      expect(answer.text).toContain(`"${pointer}"`)
    }
    expect((await change(root.accessToken, root.id, { role: 'admin', disabled: false })).status).toBe(200)
    expect((await list(root.accessToken)).status).toBe(200)
  })

  test('what is not there is 404, what is not allowed 422, and nothing to change changes nothing', async () => {
    const [root, ada] = [await joinAdministrator(service), await join(service)]
    expectRefusal(await change(root.accessToken, 'nobody', { disabled: true }), 404, 'not_found')
    expectRefusal(await change(root.accessToken, 'nobody', { role: 'root' }), 404, 'not_found')
    for (const body of [{ role: 'root' }, { disabled: 1 }, { email: 'x@y' }, { disabledAt: null }]) {
      expectRefusal(await change(root.accessToken, ada.id, body), 422, 'validation_failed')
    }
    expect(bodyOf(await change(root.accessToken, ada.id, {}), 200)).toMatchObject({ id: ada.id, role: 'user' })
    expectRefusal(await list(root.accessToken, '?cursor=x'), 422, 'invalid_cursor')
  })
})
