import { openSource } from '@millrace/db/archive/dump'
import { watchRows } from '@millrace/db/archive/checked-rows'
import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark } from '@millrace/db/archive/mark'
import { buildQuery, buildStatement } from '@millrace/db/sql/building'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { itemsOf, nextCursorOf, readAnswer, tripsOf, type Answer } from './contract/answers.ts'
import { register, startWorld, type Actor, type World } from './contract/world.ts'
import { reachDatabase, targetOf, type ReachedDatabase } from './database.ts'
import { describeOneDialect } from './dialects.ts'
import { startLosingProxy, type LosingProxy } from './faults/losing-proxy.ts'
import { startService } from './service.ts'

vi.setConfig({ testTimeout: 60_000 })

const noCache = { 'Cache-Control': 'max-age=0, no-cache' }

/** A second database that has what the first had when it was last brought up to date: a replica that lags at will. */
describeOneDialect((dialect) => {
  let replica: ReachedDatabase
  /** Between the functions and the replica's gateway. */
  let line: LosingProxy
  let world: World
  let primary: Database

  beforeAll(async () => {
    replica = await reachDatabase(dialect)
    line = await startLosingProxy(replica.gateway.url)
    world = await startWorld(dialect, { DATABASE_READ_URL: replica.raw.url, DATABASE_READ_GATEWAY_URL: line.url })
    primary = await openDatabase({
      target: targetOf(world.service.database.url),
      gatewayUrl: world.service.gatewayUrls[0],
    })
    await catchUp()
    // Once for each isolate the replica's schema is looked at.
    await get('owner', '/v1/workflows')
  })

  afterAll(async () => {
    await world.stop()
    await line.close()
    await replica.stop()
  })

  beforeEach(() => {
    // Counts from here on, and breaks nothing.
    line.loseNext(0, 'request')
  })

  /** The replica has everything that the primary has now: the archive's rows, and the sessions that its users are in. */
  async function catchUp(): Promise<void> {
    const mark = await HeldMark.set(replica.database.transport(), 'emptied to be filled again')
    expect(mark).toBeDefined()
    await mark?.begin()
    await abandonRestore(replica.database)
    const source = await openSource(primary, 'snapshot')
    const rows = watchRows(source.pages)
    await loadRows(replica.database, rows.pages, () => rows.finish(), { digest: 'replica', isResumed: false })
    await source.close()
    const transport = replica.database.transport()
    const { builder, tables } = transport.dialect
    const query = buildQuery(builder.select().from(tables.sessions))
    const { rows: sessions } = await primary.transport().run(query)
    const values = sessions.map((session) => query.decode(session))
    await transport.run(buildStatement(builder.insert(tables.sessions).values(values)))
  }

  async function get(actor: Actor, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return readAnswer(await world.send(actor, 'GET', path, { headers }))
  }

  async function namesOf(actor: Actor, path: string, headers: Readonly<Record<string, string>> = {}) {
    const { status, json } = await get(actor, path, headers)
    expect(status).toBe(200)
    return itemsOf(json).map(({ name }) => name)
  }

  async function reads(result: string): Promise<number> {
    const headers = { Authorization: `Bearer ${world.service.vars['METRICS_TOKEN']}` }
    const { text } = await get('nobody', '/metrics', headers)
    return Number(new RegExp(`^millrace_replica_reads_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  }

  test('a list is the replica’s, as of when it was last up to date', async () => {
    await world.workflow({ name: 'known' })
    await catchUp()
    await world.workflow({ name: 'new' })
    expect(await namesOf('owner', '/v1/workflows')).toEqual(['known'])
    expect(line.seen()).toBe(1)
  })

  test('with Cache-Control: no-cache it is the primary’s, in one trip', async () => {
    const fresh = await get('owner', '/v1/workflows', noCache)
    expect(itemsOf(fresh.json).map(({ name }) => name)).toEqual(['new', 'known'])
    expect(tripsOf(fresh)).toBe(1)
    expect(line.seen()).toBe(0)
  })

  test('one trip goes to the replica and one, at the same time, to the primary', async () => {
    const answer = await get('owner', '/v1/workflows')
    expect(tripsOf(answer)).toBe(2)
    const [, database, app] = /db;dur=([\d.]+);.*app;dur=([\d.]+)/.exec(answer.headers.get('Server-Timing') ?? '') ?? []
    expect(Number(database)).toBeGreaterThan(0)
    expect(Number(app)).toBeGreaterThanOrEqual(0)
    const anyone = await get('nobody', '/v1/workflows?scope=public')
    expect(tripsOf(anyone)).toBe(1)
  })

  test('one workflow, one version, one execution and everything of an account are the primary’s', async () => {
    const { id } = await world.workflow({ name: 'alone' })
    const { id: execution } = JSON.parse(
      (await readAnswer(await world.send('owner', 'POST', `/v1/workflows/${id}/executions`, { body: '{}' }))).text,
    ) as { id: string }
    for (const path of [
      `/v1/workflows/${id}`,
      `/v1/workflows/${id}/versions/1`,
      `/v1/workflows/${id}/versions/1/diff/1`,
      `/v1/executions/${execution}`,
      '/v1/auth/me',
      '/v1/auth/sessions',
      '/v1/api-keys',
      '/v1/settings',
    ]) {
      expect([path, (await get('owner', path)).status]).toEqual([path, 200])
    }
    expect(line.seen()).toBe(0)
  })

  test('every list and history but an account’s own is read from it', async () => {
    const { id } = await world.workflow()
    await catchUp()
    for (const [actor, path] of [
      ['owner', '/v1/workflows?scope=owned'],
      ['viewer', '/v1/workflows?scope=shared'],
      ['owner', '/v1/executions'],
      ['owner', `/v1/workflows/${id}/versions`],
      ['owner', `/v1/workflows/${id}/shares`],
      ['owner', `/v1/workflows/${id}/schedules`],
      ['owner', '/v1/audit'],
      ['admin', '/v1/admin/users'],
      ['admin', '/v1/admin/backups'],
    ] as const) {
      line.loseNext(0, 'request')
      const answered = await reads('replica')
      const lagging = await get(actor, path)
      expect([path, lagging.status, line.seen()]).toEqual([path, 200, 1])
      expect(await reads('replica')).toBe(answered + 1)
      expect((await get(actor, path, noCache)).json).toEqual(lagging.json)
    }
  })

  describe('what it does not know yet is no refusal:', () => {
    test('a user who just registered has a list', async () => {
      const { token } = await register(world.service, `late_${crypto.randomUUID().slice(0, 8)}`)
      const answer = await readAnswer(
        await world.service.fetch('/v1/workflows', { headers: { Authorization: `Bearer ${token}` } }),
      )
      expect([answer.status, itemsOf(answer.json)]).toEqual([200, []])
    })

    test('a workflow that was just made has its versions', async () => {
      const { id } = await world.workflow()
      expect(itemsOf((await get('owner', `/v1/workflows/${id}/versions`)).json)).toHaveLength(1)
    })
  })

  describe('what it still believes is no permission:', () => {
    test('a share that was taken back counts for nothing', async () => {
      const { id } = await world.workflow()
      await catchUp()
      expect((await get('viewer', `/v1/workflows/${id}/versions`)).status).toBe(200)
      const path = `/v1/workflows/${id}/shares/${world.users.viewer.id}`
      expect((await world.send('owner', 'DELETE', path)).status).toBe(204)
      expect((await get('viewer', `/v1/workflows/${id}/versions`)).status).toBe(404)
    })

    test('a workflow that is no longer public is not shown to anyone', async () => {
      const { id, etag } = await world.workflow({ isPublic: true })
      await catchUp()
      expect((await get('nobody', `/v1/workflows/${id}/versions`)).status).toBe(200)
      const headers = { 'If-Match': etag }
      const hidden = await world.send('owner', 'PATCH', `/v1/workflows/${id}`, { body: '{"isPublic":false}', headers })
      expect(hidden.status).toBe(200)
      expect((await get('nobody', `/v1/workflows/${id}/versions`)).status).toBe(401)
    })

    test('a user who was disabled is refused from the next request on, and so is who lost the role', async () => {
      const { id, token } = await register(world.service, `gone_${crypto.randomUUID().slice(0, 8)}`)
      await world.service.database.query(`update users set role = 'admin' where id = '${id}'`)
      await catchUp()
      const list = async (path: string) =>
        readAnswer(await world.service.fetch(path, { headers: { Authorization: `Bearer ${token}` } }))
      expect((await list('/v1/admin/users')).status).toBe(200)
      const change = async (body: string) =>
        expect((await world.send('admin', 'PATCH', `/v1/admin/users/${id}`, { body })).status).toBe(200)
      await change('{"role":"user"}')
      expect((await list('/v1/admin/users')).status).toBe(403)
      expect((await list('/v1/workflows')).status).toBe(200)
      await change('{"disabled":true}')
      expect((await list('/v1/workflows')).json).toMatchObject({ status: 403, code: 'account_disabled' })
    })
  })

  test('a cursor leads on across both', async () => {
    const { token } = await register(world.service, `pager_${crypto.randomUUID().slice(0, 8)}`)
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
    for (const name of ['1', '2', '3', '4', '5']) {
      const body = JSON.stringify({ name, definition: {} })
      expect((await world.service.fetch('/v1/workflows', { method: 'POST', headers, body })).status).toBe(201)
    }
    await catchUp()
    const names: unknown[] = []
    let cursor: string | undefined
    for (let page = 0; page === 0 || cursor !== undefined; page += 1) {
      const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const given = page % 2 === 0 ? headers : { ...headers, ...noCache }
      const { json } = await readAnswer(await world.service.fetch(`/v1/workflows?limit=2${query}`, { headers: given }))
      names.push(...itemsOf(json).map(({ name }) => name))
      cursor = nextCursorOf(json)
    }
    expect(names).toEqual(['5', '4', '3', '2', '1'])
    expect(line.seen()).toBe(2)
  })

  test('when it is dead the primary answers, it is counted and told once, and it is left alone for a while', async () => {
    const names = await namesOf('owner', '/v1/workflows', noCache)
    const before = { failed: await reads('database_unreachable'), away: await reads('away') }
    line.loseNext(1, 'request')
    expect(await namesOf('owner', '/v1/workflows')).toEqual(names)
    expect(await namesOf('owner', '/v1/workflows')).toEqual(names)
    // Asked once, not once more for each request.
    expect(line.seen()).toBe(1)
    expect(await reads('database_unreachable')).toBe(before.failed + 1)
    expect(await reads('away')).toBe(before.away + 1)
    const told = world.service.logs().filter((entry) => entry.includes('"replica_failed"'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('DATABASE_READ_URL')
    expect(told[0]).not.toMatch(/127\.0\.0\.1|@/)
  })

  test('and when it is back it is read again', async () => {
    await vi.waitFor(
      async () => {
        line.loseNext(0, 'request')
        expect((await get('owner', '/v1/workflows')).status).toBe(200)
        expect(line.seen()).toBe(1)
      },
      { timeout: 20_000, interval: 100 },
    )
  })

  test('one that lacks the migrations is no replica yet', async () => {
    const empty = await reachDatabase(dialect, { isMigrated: false })
    const other = await startService(world.service.database, {
      migrate: false,
      vars: {
        ...world.service.vars,
        DATABASE_GATEWAY_URL: world.service.gatewayUrls[0] ?? '',
        DATABASE_READ_GATEWAY_URL: empty.gateway.url,
      },
    })
    try {
      const headers = { Authorization: `Bearer ${world.users.owner.token}` }
      expect((await other.fetch('/v1/workflows', { headers })).status).toBe(200)
      expect(other.logs().filter((entry) => entry.includes('"replica_failed"'))).toHaveLength(1)
    } finally {
      await other.stop()
      await empty.stop()
    }
  })
})
