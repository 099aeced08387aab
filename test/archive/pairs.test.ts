import { createApp } from '@millrace/api/app'
import { parseSettings } from '@millrace/api/settings'
import { watchRows } from '@millrace/db/archive/checked-rows'
import type { TableDigests } from '@millrace/db/archive/digest'
import { openSource } from '@millrace/db/archive/dump'
import { brokenReferences } from '@millrace/db/archive/foreign-keys'
import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark } from '@millrace/db/archive/mark'
import type { Database } from '@millrace/db/store/database'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects, describePartners, dialects, type DialectName } from '../dialects.ts'
import { drawn, isLong, isSampled } from '../sampling.ts'
import { archiveOf, fill, restored, verified } from './archives.ts'
import { samplePassword } from './sample.ts'

/** One of the pairs, by seed, has so many executions that indexes are made last (late-indexes.ts); all have 100,000 in the long form. */
const large = drawn('archive/pairs', dialects.length)
const sizeOf = (from: DialectName, to: DialectName) => {
  const isLarge = dialects.indexOf(to) === large && (isSampled || from === to)
  return { users: 12, workflows: 40, executions: isLong ? 100_000 : isLarge ? 6000 : 600 }
}
const longest = 600_000

describeDialects((to) => {
  let target: ReachedDatabase

  beforeAll(async () => {
    target = await reachDatabase(to)
  })

  afterEach(async () => {
    await (await HeldMark.set(target.database.transport(), 'emptied after the test'))?.begin()
    await abandonRestore(target.database)
  })

  afterAll(() => target.stop())

  describe('reached from', () => {
    describePartners(to, (from) => {
      let source: ReachedDatabase
      let expected: TableDigests

      beforeAll(async () => {
        source = await reachDatabase(from)
        expected = await fill(source.database, sizeOf(from, to))
      }, longest)

      afterAll(() => source.stop())

      test('a backup restores, row for row', { timeout: longest }, async () => {
        const archive = await archiveOf(source.database)
        expect(await verified(archive)).toMatchObject({ isWhole: true, archive: { tables: expected } })
        expect(await restored(target.database, archive)).toEqual(expected)
        await expectServing(target.database)
      })

      test('a copy arrives, row for row', { timeout: longest }, async () => {
        const opened = await openSource(source.database, 'snapshot')
        const rows = watchRows(opened.pages)
        const options = { digest: 'copy', isResumed: false }
        expect(await loadRows(target.database, rows.pages, () => rows.finish(), options)).toEqual(expected)
        await opened.close()
        expect(await verified(await archiveOf(target.database))).toMatchObject({ archive: { tables: expected } })
        await expectServing(target.database)
      })
    })
  })
})

/** References hold, a user logs in with the old password, and reads its workflows. */
async function expectServing(database: Database): Promise<void> {
  expect(await brokenReferences(database.transport())).toEqual([])
  const settings = parseSettings({ DATABASE_URL: 'sqlite:///./any.db', ...newServiceSecrets() }, {})
  if (!settings.ok) throw new Error('the settings are wrong')
  const app = createApp({ settings: settings.settings, database, log: () => undefined })
  const login = await app.request('/v1/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'üSER_2_', password: samplePassword }),
  })
  expect(login.status).toBe(200)
  const { accessToken } = (await login.json()) as { accessToken: string }
  const headers = { Authorization: `Bearer ${accessToken}` }
  const list = await app.request('/v1/workflows?scope=owned', { headers })
  const { items } = (await list.json()) as { items: readonly { id: string }[] }
  expect(items.length).toBeGreaterThan(0)
  for (const { id } of items) {
    const answer = await app.request(`/v1/workflows/${encodeURIComponent(id)}`, { headers })
    expect(answer.status).toBe(200)
  }
}
