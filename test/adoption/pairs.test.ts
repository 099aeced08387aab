import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { archiveTables } from '@millrace/db/archive/tables'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { takeOutRestoredEvent } from '../archive/restored-event.ts'
import { describeDialects, describePartners, freshDatabase, type TestDatabase } from '../dialects.ts'
import { reachOf, verifiedTables } from './reached.ts'
import { startService } from '../service.ts'
import { copied } from './copying.ts'
import { makeLooseDatabase, namedValues, oddDefinition, password, secrets, type EngineRow } from './engine.ts'

const longest = 60_000
const keys = { SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}` }

describeDialects((from) => {
  let source: TestDatabase
  let rows: readonly EngineRow[]
  let bad: readonly EngineRow[]

  beforeAll(async () => {
    source = await freshDatabase(from)
    rows = await makeLooseDatabase(source)
    bad = rows.filter(({ reasons }) => reasons.length > 0)
  }, longest)

  afterAll(() => source.drop())

  describe('adopted as', () => {
    describePartners(from, (to) => {
      let target: TestDatabase

      beforeAll(async () => {
        target = await freshDatabase(to)
      })

      afterAll(() => target.drop())

      test(
        'nothing while rows are wrong; without them read = written + quarantined',
        { timeout: longest },
        async () => {
          const refused = await copied({ from: source.url, to: target.url }, keys)
          expect(refused).toMatchObject({ exitCode: 1, document: { ok: false, error: { code: 'rows_refused' } } })
          expect(refused.document.refused).toEqual(refusedOf(bad))
          expect(refused.document.refused).toMatchObject({
            duplicate_settings: { count: 1, ids: ['u2'] },
            name_conflict: { count: 2, ids: ['u5', 'u6'] },
          })
          for (const { name } of archiveTables) {
            expect(refused.document.tables[name]).toMatchObject({ written: 0, read: countOf(rows, name) })
          }
          await expectNothing(target)

          const file = join(inject('directory'), `refused-${randomBytes(6).toString('hex')}.ndjson`)
          const done = await copied({ from: source.url, to: target.url, quarantine: file }, keys)
          expect(done, JSON.stringify(done.document.error)).toMatchObject({ exitCode: 0, document: { ok: true } })
          expect(done.document.refused).toEqual(refusedOf(bad))
          for (const { name } of archiveTables) {
            const { read, written, quarantined, added } = done.document.tables[name] ?? {}
            expect({ name, read, written, quarantined, added }).toEqual({
              name,
              read: countOf(rows, name),
              written: countOf(rows, name) - countOf(bad, name),
              quarantined: countOf(bad, name),
              // w2, which had no version, and w3, whose definition was none of its versions'.
              added: name === 'workflow_versions' ? 2 : 0,
            })
          }
          expectNotes(done.notes)
          expectQuarantine(file, bad)
          await expectRows(target, rows)
          const moved = Object.values(done.document.tables).reduce(
            (sum, { written, added }) => sum + written + added,
            0,
          )
          await takeOutRestoredEvent(target, { command: 'copy', rows: moved })
          const sums = Object.entries(done.document.tables).map(([name, { sha256 }]) => [name, sha256])
          expect(Object.fromEntries(sums)).toEqual(await verifiedTables(target))
          if (from === 'sqlite') await expectLogIns(target)
          else await expectUsable(target)
        },
      )
    })
  })
})

function countOf(rows: readonly EngineRow[], table: string): number {
  return rows.filter((row) => row.table === table).length
}

/** The JSON document's `refused`: of each reason how many rows, and the first ten ids of each table. */
function refusedOf(bad: readonly EngineRow[]) {
  const reasons = [...new Set(bad.flatMap((row) => row.reasons))]
  return Object.fromEntries(
    reasons.map((reason) => [
      reason,
      { count: bad.filter((row) => row.reasons.includes(reason)).length, ids: expect.any(Array) },
    ]),
  )
}

async function expectNothing(target: TestDatabase): Promise<void> {
  if (target.dialect === 'sqlite') {
    expect(existsSync(target.url.replace(/^[^/]*\/\/\//, ''))).toBe(false)
    return
  }
  const own = target.dialect === 'mysql' ? 'database()' : 'current_schema()'
  expect(await target.query(`select table_name from information_schema.tables where table_schema = ${own}`)).toEqual([])
}

function expectNotes(notes: string): void {
  expect(notes).toContain('The table alembic_version is left, with 1 row.')
  expect(notes).toContain('The column users.avatar is left, with a value in 1 row.')
  expect(notes).toContain('The column workflows.tags is left, with a value in 1 row.')
  expect(notes).toContain('users.is_active is null, and read as false, in 1 row.')
  expect(notes).toContain('workflows.updated_at is null, and read as created_at, in 1 row.')
}

/** Every bad row with all its columns, and no other. */
function expectQuarantine(file: string, bad: readonly EngineRow[]): void {
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { t: string; r: Record<string, unknown>; reasons: readonly string[] })
  const described = lines.map(({ t, r, reasons }) => `${t} ${shownKey(r)} ${reasons.join(' ')}`)
  const expected = bad.map((row) => `${row.table} ${shownKey(namedValues(row))} ${row.reasons.join(' ')}`)
  expect(described.toSorted()).toEqual(expected.toSorted())
  for (const { t, r } of lines) {
    const like = bad.find((row) => row.table === t)
    expect(Object.keys(r)).toEqual(like && Object.keys(namedValues(like)))
  }
  expect(lines.find(({ r }) => r['id'] === 'w9')?.r).toMatchObject({ definition: 'no JSON', owner_id: 'u1' })
}

/** Bytes that are no text show as an object on either side. */
function shownKey(row: Readonly<Record<string, unknown>>): string {
  const key = 'id' in row ? row['id'] : row['user_id']
  return typeof key === 'object' && key !== null ? 'bytes' : String(key)
}

async function expectRows(target: TestDatabase, rows: readonly EngineRow[]): Promise<void> {
  const users = await target.query('select id, username, role, password_hash from users order by id')
  expect(users.map(({ id, username, role }) => [id, username, role])).toEqual([
    ['u1', 'Ada', 'admin'],
    ['u2', 'bob', 'user'],
    ['u3', 'cyd', 'user'],
    ['u4', 'dan', 'user'],
    ['u9', 'Fay', 'user'],
  ])
  const disabled = await target.query('select id from users where disabled_at is not null order by id')
  expect(disabled.map(({ id }) => id)).toEqual(['u3', 'u4'])
  const documentText = target.dialect === 'postgres' ? 'definition::text' : 'definition'
  const workflows = await target.query(
    `select id, name, owner_id, version_number, ${documentText} as definition from workflows order by id`,
  )
  expect(workflows.map((row) => [row['id'], row['name'], row['owner_id'], Number(row['version_number'])])).toEqual([
    ['w1', 'first', 'u1', 2],
    ['w2', 'ownerless', null, 1],
    ['w3', ' odd ', 'u2', 8],
  ])
  expect(workflows[0]?.['definition']).toBe(oddDefinition)
  const versions = await target.query(
    'select workflow_id, version_number, change_notes, created_by from workflow_versions order by workflow_id, version_number',
  )
  expect(versions.map((row) => [row['workflow_id'], Number(row['version_number']), row['created_by']])).toEqual([
    ['w1', 1, 'u1'],
    ['w1', 2, null],
    ['w2', 1, null],
    ['w3', 7, 'u2'],
    ['w3', 8, 'u2'],
  ])
  expect(versions.filter((row) => row['change_notes'] === 'adopted')).toHaveLength(2)
  const shares = await target.query('select id, shared_by from workflow_shares order by id')
  expect(shares.map(({ id, shared_by: by }) => [id, by])).toEqual([
    ['s1', 'u1'],
    ['s2', null],
  ])
  const state = rows.map(namedValues).find(({ id }) => id === 'e3')?.['state']
  const stateText = target.dialect === 'postgres' ? 'state::text' : 'state'
  const executions = await target.query(
    `select id, version_number, ${stateText} as state from executions where id like 'e%' order by id`,
  )
  expect(executions.map((row) => [row['id'], Number(row['version_number']), row['state']])).toEqual([
    ['e1', 2, '12'],
    ['e2', 1, null],
    ['e3', 8, state],
  ])
  await expectNoSecret(target)
}

/** In any column of any table. */
async function expectNoSecret(target: TestDatabase): Promise<void> {
  for (const { name } of archiveTables) {
    const all = JSON.stringify(await target.query(`select * from ${name}`), (_key, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value,
    )
    for (const secret of secrets) expect(all).not.toContain(secret)
  }
  const settings = await target.query('select user_id from settings order by user_id')
  expect(settings.map((row) => row['user_id'])).toEqual(['u1', 'u2'])
}

/** In workerd, as it is deployed: old passwords serve, disabled users stay out, the secret is there for its user. */
async function expectLogIns(target: TestDatabase): Promise<void> {
  const service = await startService(target, { migrate: false, vars: keys })
  try {
    await expectAnswers((path, init) => service.fetch(path, init))
  } finally {
    await service.stop()
  }
}

async function expectUsable(target: TestDatabase): Promise<void> {
  const reached = await reachOf(target, keys)
  try {
    await expectAnswers(reached.fetch)
  } finally {
    await reached.stop()
  }
}

type Fetch = (path: string, init?: RequestInit) => Promise<Response>

async function expectAnswers(fetch: Fetch): Promise<void> {
  const logIn = async (username: string, given = password) =>
    fetch('/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password: given }),
    })
  const ada = await logIn('ada')
  expect(ada.status).toBe(200)
  expect((await logIn('bob')).status).toBe(200)
  expect((await logIn('bob', 'another one')).status).toBe(401)
  for (const name of ['cyd', 'dan']) expect((await logIn(name)).status, name).toBe(403)
  for (const name of ['ida', 'eve', 'o'.repeat(256)]) expect((await logIn(name)).status, name).not.toBe(200)

  const { accessToken } = (await ada.json()) as { accessToken: string }
  const headers = { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' }
  const workflow = await fetch('/v1/workflows/w1', { headers })
  expect(await workflow.text()).toContain(`"definition":${oddDefinition}`)
  const difference = await fetch('/v1/workflows/w1/versions/1/diff/2', { headers })
  expect(difference.status).toBe(200)
  expect((await fetch('/v1/workflows/w2', { headers })).status).toBe(200)
  const settings = await fetch('/v1/settings', { headers })
  const shown = await settings.text()
  for (const secret of secrets) expect(shown).not.toContain(secret)
  const revealed = await fetch('/v1/settings/reveal', {
    method: 'POST',
    headers,
    body: JSON.stringify({ pointer: '/llm/api_key' }),
  })
  expect(await revealed.json()).toMatchObject({ value: secrets[0] })
  const claimed = await fetch('/v1/executions/claim', {
    method: 'POST',
    headers,
    body: JSON.stringify({ worker: 'w', limit: 10 }),
  })
  expect(await claimed.json()).toMatchObject({ items: [{ id: 'e2', versionNumber: 1 }] })
}
