import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { copied, type Copied } from '../adoption/copying.ts'
import { makeLooseDatabase } from '../adoption/engine.ts'
import { targetOf } from '../database.ts'
import { startCloudflare, type Cloudflare } from '../deploy/cloudflare.ts'
import { describeOneDialect, freshDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { fill } from './archives.ts'

/* Between D1, behind Cloudflare's API, and each other database: every table, and a few thousand rows. */

const longest = 120_000
const size = { users: 12, workflows: 40, executions: 600 }

let cloudflare: Cloudflare
beforeAll(async () => {
  cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:9' })
})
afterAll(() => cloudflare.close())

async function freshD1(): Promise<string> {
  return `d1://DB?id=${await cloudflare.d1.make(randomBytes(8).toString('hex'))}`
}

/** Table by table; but for the audit, where each copy leaves an event. */
function tablesOf({ exitCode, document }: Copied) {
  expect({ exitCode, error: document.error }).toEqual({ exitCode: 0, error: undefined })
  const { audit: _audit, ...tables } = document.tables
  return Object.fromEntries(Object.entries(tables).map(([name, { read, sha256 }]) => [name, { rows: read, sha256 }]))
}

describeOneDialect((dialect) => {
  test('all rows go into D1 and back, with equal digests', { timeout: longest }, async () => {
    const source = await migratedDatabase(dialect)
    const back = await freshDatabase(dialect)
    onTestFinished(() => Promise.all([source.drop(), back.drop()]).then(() => undefined))
    const database = await openNativeDatabase({ target: targetOf(source.url) })
    const { audit: _audit, ...filled } = await fill(database, size)
    await database.close()

    const url = await freshD1()
    expect(tablesOf(await copied({ from: source.url, to: url }, cloudflare.variables))).toEqual(filled)
    expect(tablesOf(await copied({ from: url, to: back.url }, cloudflare.variables))).toEqual(filled)
  })

  test('a database of a Python engine is adopted, and its bad rows are set aside', { timeout: longest }, async () => {
    const source = await freshDatabase(dialect)
    onTestFinished(() => source.drop())
    const rows = await makeLooseDatabase(source)
    const quarantine = join(inject('directory'), `d1-${randomBytes(6).toString('hex')}.ndjson`)
    const keys = { SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}` }
    const adopted = await copied(
      { from: source.url, to: await freshD1(), quarantine },
      { ...cloudflare.variables, ...keys },
    )
    expect(adopted.document.error).toBeUndefined()
    const bad = rows.filter(({ reasons }) => reasons.length > 0)
    for (const table of new Set(rows.map((row) => row.table))) {
      const ofTable = rows.filter((row) => row.table === table)
      const quarantined = ofTable.filter(({ reasons }) => reasons.length > 0).length
      const written = ofTable.length - quarantined
      expect(adopted.document.tables[table], table).toMatchObject({ read: ofTable.length, quarantined, written })
    }
    expect(readFileSync(quarantine, 'utf8').trimEnd().split('\n')).toHaveLength(bad.length)
  })
})

test('a D1 database of another program is adopted too', { timeout: longest }, async () => {
  const id = await cloudflare.d1.make('foreign')
  const ask = (sql: string) => cloudflare.d1.query(id, sql, [])
  await ask(
    'create table users (id integer primary key, username text, email text, hashed_password text, is_admin boolean)',
  )
  await ask('create table workflows (id integer primary key, name text, definition json, owner_id integer)')
  await ask(`insert into users values (1, 'ada', 'ada@example.com', 'h', 1), (2, 'bob', 'bob@example.com', 'h', 0)`)
  await ask(`insert into workflows values (7, 'kept', '{ "n": 1.0 }', 1)`)
  const target = await freshDatabase('sqlite')
  onTestFinished(() => target.drop())
  const adopted = await copied({ from: `d1://DB?id=${id}`, to: target.url }, cloudflare.variables)
  expect(adopted.document.error).toBeUndefined()
  expect(adopted.document.tables).toMatchObject({ users: { written: 2 }, workflows: { written: 1 } })
  expect(await target.query('select w.definition, u.role from workflows w join users u on u.id = w.owner_id')).toEqual([
    { definition: '{ "n": 1.0 }', role: 'admin' },
  ])
})
