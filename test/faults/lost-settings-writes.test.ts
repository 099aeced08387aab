import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import {
  changeSettings,
  getSettings,
  putSettings,
  type SettingsWrite,
} from '@millrace/db/repositories/settings/settings'
import { readSettingsOf, resealSettings } from '@millrace/db/repositories/settings/resealing'
import { registerUser } from '@millrace/db/repositories/accounts/users'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startLosingProxy, type Loss, type LosingProxy } from './losing-proxy.ts'

const losses: readonly Loss[] = ['request', 'answer']
const now = new Date('2026-01-31T09:30:00.000Z')
/** Of a read and the write after it; where a batch does both, the second is never reached. */
const trips = [1, 2]

function documentOf(text: string): DocumentText {
  const checked = checkDocument(text)
  if (!checked.ok) throw new Error(`no document: ${text}`)
  return checked.text
}

function writeOf(name: string, text: string): SettingsWrite {
  return { data: documentOf(text), id: `row-${name}`, operation: `op-${name}`, at: now }
}

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let proxy: LosingProxy
  let store: Store
  let users = 0

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    proxy = await startLosingProxy(reached.gateway.url)
  })
  beforeEach(async () => {
    // A database of its own for each test: the retry budget is one for a process.
    store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
    await getSettings(store, await someone())
  })
  afterAll(async () => {
    await proxy.close()
    await reached.stop()
  })

  async function someone(): Promise<UserCaller> {
    const id = `user-${(users += 1)}`
    const names = { username: id, usernameKey: id, email: `${id}@example.org`, emailKey: `${id}@example.org` }
    await registerUser(reached.database.store(), { id, ...names, passwordHash: 'h', role: 'user', createdAt: now })
    return { kind: 'user', userId: id, issuedAt: now, mayAdminister: false }
  }

  describe.each(losses)('when the %s is lost at any trip', (loss) => {
    test.each(trips)('settings are put once, first and again (trip %i)', async (trip) => {
      const caller = await someone()
      for (const revision of [1, 2]) {
        proxy.loseNext(trip, loss)
        const write = writeOf(`${caller.userId}-${revision}`, `{"n":${revision}}`)
        const put = await putSettings(store, caller, [revision - 1], write)
        expect(put).toMatchObject({ ok: true, value: { revision, data: `{"n":${revision}}` } })
        const read = await getSettings(reached.database.store(), caller)
        expect(read).toMatchObject(put.ok ? { value: { revision, createdAt: now, data: put.value.data } } : put)
      }
    })

    test.each(trips)('a change is applied once (trip %i)', async (trip) => {
      const caller = await someone()
      for (const revision of [1, 2]) {
        proxy.loseNext(trip, loss)
        const changed = await changeSettings(store, caller, 'any', (before) =>
          Promise.resolve({
            ok: true,
            value: writeOf(`${caller.userId}-${revision}`, `{"after":${before.revision}}`),
          }),
        )
        expect(changed).toMatchObject({ ok: true, value: { revision, data: `{"after":${revision - 1}}` } })
        const read = await getSettings(reached.database.store(), caller)
        expect(read).toMatchObject({ value: { revision, createdAt: now, data: `{"after":${revision - 1}}` } })
        expect(proxy.seen()).toBeGreaterThan(2)
      }
    })

    test('a resealing is done, and its caller told so', async () => {
      const caller = await someone()
      await putSettings(reached.database.store(), caller, 'any', writeOf(caller.userId, '{"seal":"old"}'))
      const read = await readSettingsOf(store, caller.userId)
      if (read === undefined) throw new Error('no settings')
      proxy.loseNext(1, loss)
      const to = { data: documentOf('{"seal":"new"}'), operation: `reseal-${caller.userId}`, secrets: 1, at: now }
      expect(await resealSettings(store, read, to)).toBe(true)
      expect(await resealSettings(store, read, { ...to, operation: 'another' })).toBe(false)
      expect(await getSettings(store, caller)).toMatchObject({ value: { revision: 1, data: '{"seal":"new"}' } })
    })
  })

  test('a change that read before a resealing is made anew', async () => {
    const caller = await someone()
    await putSettings(store, caller, 'any', writeOf(caller.userId, '{"seal":"old"}'))
    const seen: unknown[] = []
    const changed = await changeSettings(store, caller, [1], async (before) => {
      seen.push(before.data)
      const read = await readSettingsOf(store, caller.userId)
      if (seen.length === 1 && read !== undefined) {
        const to = { data: documentOf('{"seal":"new"}'), operation: `reseal-${caller.userId}`, secrets: 1, at: now }
        expect(await resealSettings(store, read, to)).toBe(true)
      }
      return { ok: true, value: writeOf(`after-${caller.userId}`, `{"was":${String(before.data)}}`) }
    })
    expect(seen).toEqual(['{"seal":"old"}', '{"seal":"new"}'])
    expect(changed).toMatchObject({ ok: true, value: { revision: 2, data: '{"was":{"seal":"new"}}' } })
  })
})
