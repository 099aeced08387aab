import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { verifyArchive } from '@millrace/db/archive/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { itemsOf } from '../contract/answers.ts'
import { bodyOf, call, expectRefusal, join, joinAdministrator, keyOf, type Member } from '../contract/members.ts'
import { describeDialects } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { encryptedBackups } from './encrypted.ts'

/** The built Worker with R2, as `wrangler dev` runs it. */
const daily = '30 3 * * *'
const sweep = '*/5 * * * *'
const namePattern = /^\d{4}-\d\d-\d\dT\d{6}Z$/

describeDialects((dialect) => {
  let service: Service
  let admin: Member
  let identity: string
  beforeAll(async () => {
    const encrypted = await encryptedBackups()
    identity = encrypted.identity
    service = await startService(dialect, { vars: encrypted.vars })
    admin = await joinAdministrator(service)
    await call(service, 'POST', '/v1/workflows', {
      token: admin.accessToken,
      body: '{"name":"kept","definition":{"canary":"hush-hush","n":1.0}}',
    })
  })
  afterAll(() => service.stop())

  const get = (path: string, token: string | undefined = admin.accessToken) => call(service, 'GET', path, { token })
  const list = async () => itemsOf((await get('/v1/admin/backups')).json)
  async function runSchedule(cron: string): Promise<void> {
    const response = await service.fetch(`/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`)
    expect(await response.text()).toBe('ok')
  }
  async function until<Value>(read: () => Promise<Value | undefined>): Promise<Value> {
    for (let tries = 0; tries < 200; tries += 1) {
      const value = await read()
      if (value !== undefined) return value
      await delay(50)
    }
    throw new Error('it did not come about')
  }

  /** Whether no run is under way: one that has taken its backup still prunes. */
  async function settled(): Promise<true | undefined> {
    const marks = await service.database.query(`select owner from marks where name = 'backup'`)
    return marks[0]?.['owner'] === null ? true : undefined
  }

  test('the daily schedule takes one: encrypted, read back, drilled, listed, in /metrics, and to be fetched', async () => {
    await runSchedule(daily)
    const [taken, ...others] = await list()
    expect(others).toEqual([])
    expect(service.logs().filter((line) => line.includes('_failed'))).toEqual([])
    expect(taken).toMatchObject({ result: 'ok', encrypted: true, bytes: expect.any(Number), rows: expect.any(Number) })
    expect(taken?.['name']).toMatch(namePattern)
    expect(taken?.['verifiedAt']).not.toBeNull()
    expect(taken?.['drilledAt']).not.toBeNull()
    const headers = { Authorization: `Bearer ${await keyOf(service, admin, ['admin'])}` }
    for (const name of [String(taken?.['name']), 'latest']) {
      const response = await service.fetch(`/v1/admin/backups/${name}`, { headers })
      const bytes = Buffer.from(await response.arrayBuffer())
      const sha256 = createHash('sha256').update(bytes).digest('base64')
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': String(taken?.['bytes']),
        'content-disposition': `attachment; filename="${String(taken?.['name'])}.millrace"`,
        'repr-digest': `sha-256=:${sha256}:`,
      })
      expect(bytes.includes('hush-hush')).toBe(false)
      const verdict = await verifyArchive(new Blob([bytes]).stream(), { identities: [identity] })
      expect(verdict).toMatchObject({ isWhole: true, archive: { tables: { workflows: { rows: 1 } } } })
    }
    const metrics = await service.fetch('/metrics', {
      headers: { Authorization: `Bearer ${service.vars['METRICS_TOKEN'] ?? ''}` },
    })
    const text = await metrics.text()
    expect(text).toMatch(/^millrace_last_backup_ok 1$/m)
    expect(text).toMatch(/^millrace_last_verified_backup_age_seconds \d/m)
    expect(service.logs().join('\n')).not.toMatch(/hush-hush|AGE-SECRET-KEY/)
  })

  test('POST asks for one: 202 with its row, which comes off after the answer', async () => {
    const answer = await call(service, 'POST', '/v1/admin/backups', { token: admin.accessToken })
    const asked = bodyOf(answer, 202)
    expect(asked).toMatchObject({ result: 'requested', bytes: null, rows: null, verifiedAt: null, drilledAt: null })
    const taken = await until(async () =>
      (await list()).find(({ name, result }) => name === asked['name'] && result === 'ok'),
    )
    expect(taken['verifiedAt']).not.toBeNull()
    await until(settled)
  })

  test('while one was asked for or is taken, that one is the answer, and no other begins', async () => {
    const at = dialect === 'sqlite' ? '1769851800000' : `'2026-01-31 09:30:00'`
    await service.database.query(
      `insert into backups (name, is_encrypted, result, created_at) values ('2026-01-31T093000Z', ${dialect === 'postgres' ? 'true' : '1'}, 'running', ${at})`,
    )
    const before = await list()
    const answer = await call(service, 'POST', '/v1/admin/backups', { token: admin.accessToken })
    expect(bodyOf(answer, 202)).toMatchObject({ name: '2026-01-31T093000Z', result: 'running' })
    expect(await list()).toEqual(before)
    await service.database.query(`delete from backups where name = '2026-01-31T093000Z'`)
  })

  test('what was asked for and left is taken by the next sweep, and a sweep alone takes none', async () => {
    const before = (await list()).length
    await runSchedule(sweep)
    expect(await list()).toHaveLength(before)
    const at = dialect === 'sqlite' ? '1769851801000' : `'2026-01-31 09:30:01'`
    await service.database.query(
      `insert into backups (name, is_encrypted, result, created_at) values ('2026-01-31T093001Z', ${dialect === 'postgres' ? 'true' : '1'}, 'requested', ${at})`,
    )
    await runSchedule(sweep)
    expect((await list()).find(({ name }) => name === '2026-01-31T093001Z')).toMatchObject({ result: 'ok' })
  })

  test('two at once: one runs', async () => {
    const before = service.logs().length
    await Promise.all([runSchedule(daily), runSchedule(daily), runSchedule(daily)])
    const lines = service.logs().slice(before)
    const [taken, skipped] = ['"backup_taken"', '"backup_skipped"'].map(
      (event) => lines.filter((line) => line.includes(event)).length,
    )
    expect((taken ?? 0) + (skipped ?? 0)).toBe(3)
    expect(skipped).toBeGreaterThan(0)
  })

  test('it is for administrators alone, and one that is not there is 404 to them', async () => {
    const member = await join(service)
    for (const method of ['GET', 'POST'] as const) {
      const path = method === 'GET' ? '/v1/admin/backups/latest' : '/v1/admin/backups'
      expectRefusal(await call(service, method, path, { token: member.accessToken }), 403, 'forbidden')
      expectRefusal(await call(service, method, path), 401, 'unauthenticated')
      const narrow = await keyOf(service, admin, ['read', 'write'])
      expectRefusal(await call(service, method, path, { token: narrow }), 403, 'scope_missing')
    }
    for (const name of [
      '2020-01-01T000000Z',
      'nothing',
      '..%2F..%2Fetc',
      'backups%2F2026%2F01%2F31T093000Z.millrace',
    ]) {
      expectRefusal(await get(`/v1/admin/backups/${name}`), 404, 'not_found')
    }
  })
})
