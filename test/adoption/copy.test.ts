import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { describeDialectsByTest, freshDatabase, type DialectName, type TestDatabase } from '../dialects.ts'
import { copied } from './copying.ts'
import { looseRows, makeLooseDatabase } from './engine.ts'

const keys = { SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}` }
const longest = 60_000
const hash = '$2b$04$HMWaRfzKo/IliCX0AJmsue8FXLvck2XulxfPJc1H10KiD/fntip8u'

async function fresh(dialect: DialectName = 'sqlite'): Promise<TestDatabase> {
  const database = await freshDatabase(dialect)
  onTestFinished(() => database.drop())
  return database
}

/** Made once: whoever copies it only reads it. */
let source: TestDatabase

beforeAll(async () => {
  source = await freshDatabase('sqlite')
  await makeLooseDatabase(source)
})

afterAll(() => source.drop())

const fileName = () => join(inject('directory'), `refused-${randomBytes(6).toString('hex')}.ndjson`)
const pathOf = ({ url }: TestDatabase) => url.replace(/^[^/]*\/\/\//, '')
const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** The guide's users and workflows, as `create_all` makes them, with integer keys. */
async function makeSound(source: TestDatabase, users: number): Promise<void> {
  const end = source.dialect === 'mysql' ? ' CHARACTER SET utf8mb4' : ''
  await source.query(
    `CREATE TABLE users (id INTEGER NOT NULL, username VARCHAR(255) NOT NULL, email VARCHAR(255) NOT NULL, password_hash VARCHAR(255) NOT NULL, created_at ${source.dialect === 'postgres' ? 'TIMESTAMP' : 'DATETIME'}, PRIMARY KEY (id), UNIQUE (username), UNIQUE (email))${end}`,
  )
  await source.query(
    `CREATE TABLE workflows (id INTEGER NOT NULL, name VARCHAR(255) NOT NULL, definition JSON NOT NULL, owner_id INTEGER, PRIMARY KEY (id), FOREIGN KEY(owner_id) REFERENCES users (id))${end}`,
  )
  const numbers = Array.from({ length: users }, (_, at) => at + 1)
  const values = numbers.map((id) => `(${id}, 'user${id}', 'user${id}@example.com', '${hash}', '2024-01-01 10:00:00')`)
  await source.query(`INSERT INTO users VALUES ${values.join(', ')}`)
  // One that is longer than a page of the others, so that pages have different lengths.
  const workflows = numbers.map((id) => `(${id}, 'w', '{"n": "${'x'.repeat(id === 7 ? 600_000 : 1)}"}', ${id})`)
  await source.query(`INSERT INTO workflows VALUES ${workflows.join(', ')}`)
}

describeDialectsByTest((dialect) => {
  test(
    'integer keys become text, over many pages; tables and columns that are missing count as empty',
    { timeout: longest },
    async () => {
      const source = await fresh(dialect)
      await makeSound(source, 600)
      const target = await fresh()
      const done = await copied({ from: source.url, to: target.url })
      expect(done.document.error).toBeUndefined()
      expect(done.document.tables).toMatchObject({
        users: { read: 600, written: 600 },
        workflows: { read: 600, written: 600 },
        workflow_versions: { read: 0, written: 0, added: 600 },
        executions: { read: 0, written: 0 },
      })
      expect(done.notes).toContain('The table executions is not there, and counts as empty.')
      const users = await target.query('select id from users where disabled_at is null order by id limit 3')
      expect(users.map(({ id }) => id)).toEqual(['1', '10', '100'])
      expect(await target.query("select is_public, description, owner_id from workflows where id = '600'")).toEqual([
        { is_public: 0n, description: null, owner_id: '600' },
      ])
    },
  )
})

test('a source is left as it is, to the byte', { timeout: longest }, async () => {
  const before = digestOf(pathOf(source))
  await copied({ from: source.url, to: (await fresh()).url, quarantine: fileName() }, keys)
  expect(digestOf(pathOf(source))).toBe(before)
  expect(readdirSync(dirname(pathOf(source)))).toEqual(['workflows.db'])
})

test(
  'the same source gives the same quarantine each time, and no scratch database stays behind',
  { timeout: longest },
  async () => {
    const files = [fileName(), fileName()]
    for (const quarantine of files) await copied({ from: source.url, to: (await fresh()).url, quarantine }, keys)
    const [first, second] = files.map((file) => readFileSync(file, 'utf8'))
    expect(second).toBe(first)
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`millrace-adoption-${process.pid}-`))
    expect(left).toEqual([])
  },
)

test('a quarantine file that is there is replaced by --force alone', { timeout: longest }, async () => {
  const target = await fresh()
  const quarantine = fileName()
  writeFileSync(quarantine, 'mine')
  const refused = await copied({ from: source.url, to: target.url, quarantine }, keys)
  expect(refused).toMatchObject({ exitCode: 2, document: { error: { code: 'file_exists' } } })
  expect(readFileSync(quarantine, 'utf8')).toBe('mine')
  expect(existsSync(pathOf(target))).toBe(false)
  expect(await copied({ from: source.url, to: target.url, quarantine, force: true }, keys)).toMatchObject({
    exitCode: 0,
  })
  const lines = readFileSync(quarantine, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(looseRows('sqlite').filter(({ reasons }) => reasons.length > 0).length)
})

test('secrets without SETTINGS_KEYS are exit 2, and nothing is made', { timeout: longest }, async () => {
  const target = await fresh()
  const quarantine = fileName()
  const refused = await copied({ from: source.url, to: target.url, quarantine })
  expect(refused).toMatchObject({ exitCode: 2, document: { error: { code: 'settings_invalid' } } })
  expect(existsSync(pathOf(target))).toBe(false)
  expect(existsSync(quarantine)).toBe(false)
})

test('SETTINGS_KEYS that are wrong are exit 2', { timeout: longest }, async () => {
  const refused = await copied({ from: source.url, to: (await fresh()).url }, { SETTINGS_KEYS: 'short' })
  expect(refused).toMatchObject({ exitCode: 2, document: { error: { code: 'settings_invalid' } } })
})

test(
  'a target with rows is refused before the source is read, and no quarantine is left',
  { timeout: longest },
  async () => {
    const target = await fresh()
    await copied({ from: source.url, to: target.url, quarantine: fileName() }, keys)
    const before = await target.query('select id, username from users')
    const quarantine = fileName()
    const refused = await copied({ from: source.url, to: target.url, quarantine }, keys)
    expect(refused).toMatchObject({ exitCode: 1, document: { error: { code: 'not_empty' } } })
    expect(existsSync(quarantine)).toBe(false)
    expect(await target.query('select id, username from users')).toEqual(before)
  },
)

test(
  "what a refused `millrace migrate` left in the source doesn't make it millrace's own",
  { timeout: longest },
  async () => {
    const source = await fresh()
    await makeSound(source, 3)
    await source.query('CREATE TABLE marks (name text primary key, owner text, value text, lease_until integer)')
    await source.query(
      'CREATE TABLE migrations (name text primary key, hash text, statements_done integer, left_out text, applied_at integer)',
    )
    const done = await copied({ from: source.url, to: (await fresh()).url })
    expect(done).toMatchObject({ exitCode: 0, document: { tables: { users: { read: 3, written: 3 } } } })
    expect(done.notes).not.toContain('migrations')
  },
)

test('a database without any table of the guide is no database to copy from', { timeout: longest }, async () => {
  const source = await fresh()
  await source.query('CREATE TABLE notes (id integer)')
  const refused = await copied({ from: source.url, to: (await fresh()).url })
  expect(refused).toMatchObject({ exitCode: 1, document: { error: { code: 'database_schema_outdated' } } })
})

test('each kind is told for people, with its first rows and what to do', { timeout: longest }, async () => {
  const { document } = await copied({ from: source.url, to: (await fresh()).url }, keys)
  const lines = (document.error?.why ?? '').split('\n')
  expect(lines.find((line) => line.startsWith('name_conflict'))).toBe(
    'name_conflict, 2 rows (users u5, u6): an older user has the same name, ignoring case and form. Rename one of them.',
  )
  expect(lines).toHaveLength(Object.keys(document.refused ?? {}).length)
  expect(document.error?.fix).toContain('--quarantine')
})
