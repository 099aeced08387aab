import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeDialectsByTest, freshDatabase, type TestDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

interface ImportDocument {
  readonly imported: readonly { readonly file: string; readonly id: string; readonly name: string }[]
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

/** Exact texts that a parser and a printer would change. */
const exactTexts = {
  'plain.json': '{"nodes":[],"edges":[]}',
  'spaced.json': '{ "name" : "Named inside" ,\r\n\t"n" : [1.0, 1e400, 12345678901234567890, -0], "2":1, "1":2 }',
  'escaped.json': String.raw`{"name":"\u00e9\ud83d\ude00","a":"\/","b":"\u2028","c":"😀"}`,
  'empty-name.json': '{"name":""}',
  'number-name.json': '{"name":7}',
} as const

const names = ['Named inside', 'é😀', 'empty-name', 'number-name', 'plain']

const badTexts = {
  'array.json': '[]',
  'broken.json': '{"a":',
  'duplicate.json': '{"a":{"b":1,"b":2}}',
  'zero.json': String.raw`{"a":"\u0000"}`,
  'secret.json': '{"a":{"$secret":"x"}}',
  'deep.json': `{"a":${'['.repeat(64)}${']'.repeat(64)}}`,
  'mark.json': '\uFEFF{}',
  'long-name.json': `{"name":"${'x'.repeat(256)}"}`,
  'latin1.json': Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d]),
  'blank.json': ' \n',
} as const

function write(directory: string, files: Readonly<Record<string, string | Buffer>>): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
}

describeDialectsByTest((dialect) => {
  let database: TestDatabase
  const run = (cwd: string, args: readonly string[], input = '') =>
    millrace([...args, '--json'], { cwd, env: { DATABASE_URL: database.url, BCRYPT_COST: '4' }, input })
  const text = (column: string) => `cast(${column} as ${dialect === 'mysql' ? 'char' : 'text'})`
  const rows = () =>
    database.query(
      `select w.id, w.name, ${text('w.definition')} as head, ${text('v.definition')} as first, v.version_number, u.username
       from workflows w join workflow_versions v on v.workflow_id = w.id join users u on u.id = w.owner_id`,
    )

  beforeAll(async () => {
    database = await freshDatabase(dialect)
    await run(tmpdir(), ['migrate'])
    await run(tmpdir(), ['user', 'add', 'ada', '--email', 'ada@example.com'], 'correct horse\n')
  })
  afterAll(() => database.drop())

  test('one bad file, an unknown owner or a missing path, and nothing is written', async () => {
    const cwd = emptyDirectory()
    write(join(cwd, 'flows'), { ...exactTexts, ...badTexts })
    const refused = await run(cwd, ['import', 'flows', '--owner', 'ada'])
    expect(refused.exitCode).toBe(1)
    const document = documentOf(refused) as ImportDocument
    expect(document).toMatchObject({ ok: false, imported: [], error: { code: 'rows_refused' } })
    expect(document.skipped.map(({ file }) => file)).toEqual(
      Object.keys(badTexts)
        .toSorted()
        .map((name) => join('flows', name)),
    )
    const unknown = await run(cwd, ['import', 'flows', '--owner', 'nobody', '--skip-bad'])
    expect(unknown.exitCode).toBe(1)
    expect(documentOf(unknown)).toMatchObject({ error: { code: 'not_found' } })
    const missing = await run(cwd, ['import', 'flows', 'absent.json', '--owner', 'ada', '--skip-bad'])
    expect(missing.exitCode).toBe(2)
    expect(documentOf(missing)).toMatchObject({ error: { code: 'file_missing' } })
    expect(await rows()).toEqual([])
  })

  test('with --skip-bad the good files become workflows with their exact text, the bad ones are named', async () => {
    const cwd = emptyDirectory()
    write(join(cwd, 'flows'), { ...exactTexts, ...badTexts, 'white.json': ' \r\n\t{"w":1}\n\n', 'readme.txt': 'no' })
    write(join(cwd, 'flows/below'), { 'unseen.json': '{"unseen":true}' })
    const ended = await run(cwd, ['import', 'flows', '--owner', 'ADA', '--skip-bad'])
    expect(ended.exitCode).toBe(0)
    const { imported, skipped } = documentOf(ended) as ImportDocument
    expect(imported.map(({ name }) => name).toSorted()).toEqual([...names, 'white'].toSorted())
    expect(skipped).toHaveLength(Object.keys(badTexts).length)
    const texts: Readonly<Record<string, string>> = { ...exactTexts, 'white.json': '{"w":1}' }
    const stored = await rows()
    expect(stored).toHaveLength(imported.length)
    for (const { file, id, name } of imported) {
      const row = stored.find((candidate) => candidate['id'] === id)
      const exact = texts[file.slice('flows/'.length)]
      expect(exact).toBeDefined()
      expect(row).toMatchObject({ name, head: exact, first: exact, username: 'ada' })
      expect(Number(row?.['version_number'])).toBe(1)
    }
  })

  test('more files than one batch holds are all written', async () => {
    const cwd = emptyDirectory()
    const files = Array.from(
      { length: 205 },
      (_, position) => [`f${position}.json`, `{"position":${position}}`] as const,
    )
    write(join(cwd, 'many'), Object.fromEntries(files))
    const before = await rows()
    const ended = await run(cwd, ['import', 'many', 'many/f1.json', '--owner', 'ada'])
    expect(ended.exitCode).toBe(0)
    expect((documentOf(ended) as ImportDocument).imported).toHaveLength(205)
    expect((await rows()).length - before.length).toBe(205)
  })

  test('a document larger than MAX_BODY_BYTES is taken', async () => {
    const cwd = emptyDirectory()
    write(cwd, { 'large.json': `{"text":"${'x'.repeat(3_000_000)}"}` })
    const ended = await run(cwd, ['import', 'large.json', '--owner', 'ada'])
    expect(ended.exitCode).toBe(0)
  })

  test('a disabled owner is given nothing', async () => {
    const cwd = emptyDirectory()
    write(cwd, { 'one.json': '{}' })
    await run(cwd, ['user', 'disable', 'ada'])
    const before = await rows()
    const ended = await run(cwd, ['import', 'one.json', '--owner', 'ada'])
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'account_disabled' } })
    expect(await rows()).toEqual(before)
    await run(cwd, ['user', 'enable', 'ada'])
  })
})
