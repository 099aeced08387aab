import { checkIds } from '@millrace/db/checklist/checks'
import { schemaNumber } from '@millrace/db/schema/known-migrations'
import { openDatabase } from '@millrace/drivers/open'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { testPassword } from '../servers/address.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, itemsOf, nextCursorOf, tripsOf } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, joinAdministrator, keyOf, type Member } from './members.ts'

const at = Date.parse('2026-01-31T09:30:00.000Z')

/** Oldest first; the last two at one moment. */
const backups = [
  { name: 'one', createdAt: new Date(at), result: 'ok', verifiedAt: new Date(at + 5), drilledAt: new Date(at + 9) },
  { name: 'two', createdAt: new Date(at + 1000), result: 'the store was full', verifiedAt: null, drilledAt: null },
  { name: 'three-a', createdAt: new Date(at + 2000), result: 'ok', verifiedAt: null, drilledAt: null },
  { name: 'three-b', createdAt: new Date(at + 2000), result: 'ok', verifiedAt: null, drilledAt: null },
]

describeDialectsByTest((dialect) => {
  let service: Service
  let admin: Member
  let member: Member
  beforeAll(async () => {
    service = await startService(dialect)
    admin = await joinAdministrator(service)
    member = await join(service)
    const store = (
      await openDatabase({ target: targetOf(service.database.url), gatewayUrl: service.gatewayUrls[0] })
    ).store()
    const common = { bytes: 1234, rowCount: 56, sha256: null, isEncrypted: true, consistency: 'snapshot' }
    for (const backup of backups) await recordBackup(store, { ...common, ...backup }, crypto.randomUUID())
  })
  afterAll(() => service.stop())

  const get = (path: string, token: string | undefined = admin.accessToken) => call(service, 'GET', path, { token })

  test('the status tells version, schema, pool, the newest backups and that the schema is whole', async () => {
    const answer = await get('/v1/admin/status')
    const status = bodyOf(answer, 200)
    expect(status).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      dialect,
      schema: schemaNumber,
      pendingMigrations: [],
      pool: {
        size: expect.any(Number),
        checkedOut: expect.any(Number),
        overflow: expect.any(Number),
        waiting: expect.any(Number),
      },
      lastBackups: expect.any(Array),
      findings: expect.any(Array),
    })
    const findings = itemsOf({ items: status['findings'] })
    expect(findings.map(({ id }) => id)).toEqual([...checkIds])
    const others = findings
      .filter(({ level }) => level !== 'ok')
      .map(({ id, level }) => `${String(id)} ${String(level)}`)
    expect(others).toEqual([
      ...(dialect === 'sqlite' ? ['sqlite.production fail'] : []),
      'backup.age fail',
      'backup.drilled warn',
      'registration.open warn',
    ])
    const names = itemsOf({ items: status['lastBackups'] }).map(({ name }) => name)
    expect(names).toEqual(['three-b', 'three-a', 'two', 'one'])
    // Standing and backups, migrations, and the checklist's: docs/adr/0040.
    expect(tripsOf(answer)).toBe(documentedTrips['`GET /v1/admin/status`, which compares the whole schema'][dialect])
    expect(answer.text).not.toMatch(/127\.0\.0\.1|millrace_[0-9a-f]{12}/)
    for (const secret of [testPassword, ...Object.values(service.vars).filter((text) => text.length > 20)]) {
      expect(answer.text).not.toContain(secret)
    }
  })

  test('what the schema lacks is found, with the statement that mends it', async () => {
    const index = 'executions_user_id_created_at_id_index'
    const on = dialect === 'mysql' ? ' on executions' : ''
    // MySQL keeps an index that a foreign key needs.
    const needed = 'create index replacement on executions (user_id)'
    if (dialect === 'mysql') await service.database.query(needed)
    await service.database.query(`drop index ${index}${on}`)
    const { findings } = bodyOf(await get('/v1/admin/status'), 200)
    const found = itemsOf({ items: findings }).find(({ id }) => id === 'schema.index')
    expect(found).toMatchObject({ level: 'fail', message: expect.stringContaining(index), fix: expect.any(String) })
    await service.database.query(String(found?.['sql']))
    const mended = itemsOf({ items: bodyOf(await get('/v1/admin/status'), 200)['findings'] })
    expect(mended.find(({ id }) => id === 'schema.index')).toMatchObject({ level: 'ok', fix: '' })
  })

  test('backups are listed newest first, page by page', async () => {
    const answer = await get('/v1/admin/backups?limit=3')
    expect(tripsOf(answer)).toBe(1)
    const first = itemsOf(answer.json)
    expect(first.map(({ name }) => name)).toEqual(['three-b', 'three-a', 'two'])
    const cursor = nextCursorOf(answer.json)
    const second = await get(`/v1/admin/backups?limit=3&cursor=${encodeURIComponent(String(cursor))}`)
    expect(itemsOf(second.json)).toEqual([
      {
        name: 'one',
        bytes: 1234,
        rows: 56,
        createdAt: '2026-01-31T09:30:00.000Z',
        encrypted: true,
        verifiedAt: '2026-01-31T09:30:00.005Z',
        drilledAt: '2026-01-31T09:30:00.009Z',
        result: 'ok',
      },
    ])
    expect(nextCursorOf(second.json)).toBeUndefined()
  })

  test('a cursor of another list or administrator is refused', async () => {
    const cursor = encodeURIComponent(String(nextCursorOf((await get('/v1/admin/backups?limit=1')).json)))
    const other = await joinAdministrator(service)
    expectRefusal(await get(`/v1/admin/backups?cursor=${cursor}`, other.accessToken), 422, 'invalid_cursor')
    expectRefusal(await get(`/v1/admin/users?cursor=${cursor}`), 422, 'invalid_cursor')
    expectRefusal(await get('/v1/admin/backups?cursor=x', member.accessToken), 403, 'forbidden')
  })

  test.each(['/v1/admin/status', '/v1/admin/backups'])('%s is for administrators alone', async (path) => {
    expectRefusal(await get(path, member.accessToken), 403, 'forbidden')
    expectRefusal(await call(service, 'GET', path), 401, 'unauthenticated')
    expectRefusal(await get(path, await keyOf(service, admin, ['read', 'write', 'secrets'])), 403, 'scope_missing')
    expect(asRecord((await get(path, await keyOf(service, admin, ['admin']))).json)).toBeDefined()
    const refused = await call(service, 'GET', `${path}?nothing=1`, { token: admin.accessToken })
    expectRefusal(refused, 422, 'validation_failed')
  })
})
