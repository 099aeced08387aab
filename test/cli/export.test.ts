import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeOneDialect, freshDatabase, type TestDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

interface ExportDocument {
  readonly exported: readonly {
    readonly file: string
    readonly id: string
    readonly name: string
    readonly versionNumber: number
  }[]
}

/** Exact texts that a parser and a printer would change. */
const texts = {
  'plain.json': '{"nodes":[],"edges":[]}',
  'spaced.json': '{ "n" : [1.0, 1e400, 12345678901234567890, -0], "2":1, "1":2 }',
  'é😀.json': String.raw`{"a":"\/","b":"\u2028","c":"😀"}`,
} as const

function write(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
}

function filesIn(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

describeOneDialect((dialect) => {
  let database: TestDatabase
  const run = (cwd: string, args: readonly string[], input = '') =>
    millrace([...args, '--json'], { cwd, env: { DATABASE_URL: database.url, BCRYPT_COST: '4' }, input })

  beforeAll(async () => {
    database = await freshDatabase(dialect)
    await run(tmpdir(), ['migrate'])
    for (const name of ['ada', 'grace']) {
      await run(tmpdir(), ['user', 'add', name, '--email', `${name}@example.com`], 'correct horse\n')
    }
  })
  afterAll(() => database.drop())

  test('what was imported comes back byte for byte under its names, and import takes it again', async () => {
    const cwd = emptyDirectory()
    write(join(cwd, 'in'), texts)
    await run(cwd, ['import', 'in', '--owner', 'ada'])
    const ended = await run(cwd, ['export', 'out', '--owner', 'ADA'])
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
    const { exported } = documentOf(ended) as ExportDocument
    expect(exported.map(({ file }) => file).toSorted()).toEqual(
      Object.keys(texts)
        .map((name) => join('out', name))
        .toSorted(),
    )
    expect(exported.map(({ versionNumber }) => versionNumber)).toEqual([1, 1, 1])
    expect(filesIn(join(cwd, 'out'))).toEqual(texts)
    expect(statSync(join(cwd, 'out/plain.json')).mode & 0o777).toBe(0o600)
    expect(await run(cwd, ['import', 'out', '--owner', 'grace'])).toMatchObject({ exitCode: 0 })
    expect(documentOf(await run(cwd, ['export', 'again', '--owner', 'grace@example.com']))).toMatchObject({
      exported: [{}, {}, {}],
    })
    expect(filesIn(join(cwd, 'again'))).toEqual(texts)
  })

  test('a workflow with the longest name is a file like any other', async () => {
    const cwd = emptyDirectory()
    write(join(cwd, 'in'), { 'long.json': JSON.stringify({ name: 'x'.repeat(255) }) })
    const imported = documentOf(await run(cwd, ['import', 'in', '--owner', 'ada'])) as { imported: { id: string }[] }
    const id = imported.imported[0]?.id ?? ''
    const ended = await run(cwd, ['export', 'out', '--workflow', id])
    expect(ended).toMatchObject({ exitCode: 0 })
    expect(Object.values(filesIn(join(cwd, 'out')))).toEqual([JSON.stringify({ name: 'x'.repeat(255) })])
    await database.query(`delete from workflow_versions where workflow_id = '${id}'`)
    await database.query(`delete from workflows where id = '${id}'`)
  })

  test('without a choice it is all of them, and two of one name are two files', async () => {
    const cwd = emptyDirectory()
    const ended = await run(cwd, ['export', '.'])
    const { exported } = documentOf(ended) as ExportDocument
    expect(exported).toHaveLength(6)
    expect(readdirSync(cwd).toSorted()).toEqual(
      Object.keys(texts)
        .flatMap((name) => [name, name.replace('.json', ' (2).json')])
        .toSorted(),
    )
    const [first] = exported
    const one = await run(cwd, ['export', 'one', '--workflow', first?.id ?? ''])
    expect((documentOf(one) as ExportDocument).exported).toEqual([
      { ...first, file: join('one', `${first?.name}.json`) },
    ])
  })

  test('the newest version is what is written, and its number is named', async () => {
    const cwd = emptyDirectory()
    write(cwd, { 'changed.json': '{"v":1}' })
    const { imported } = documentOf(await run(cwd, ['import', 'changed.json', '--owner', 'ada'])) as {
      imported: { id: string }[]
    }
    const id = imported[0]?.id ?? ''
    await database.query(`update workflows set definition = '{"v": 2}', version_number = 2 where id = '${id}'`)
    const ended = await run(cwd, ['export', 'out', '--workflow', id])
    expect(documentOf(ended)).toMatchObject({ exported: [{ id, name: 'changed', versionNumber: 2 }] })
    expect(filesIn(join(cwd, 'out'))).toEqual({ 'changed.json': '{"v": 2}' })
  })

  test('a file that exists is refused before anything is written, and overwritten with --force', async () => {
    const cwd = emptyDirectory()
    write(join(cwd, 'out'), { 'plain.json': 'mine' })
    const refused = await run(cwd, ['export', 'out', '--owner', 'ada'])
    expect(refused.exitCode).toBe(2)
    expect(documentOf(refused)).toMatchObject({ error: { code: 'file_exists' } })
    expect(filesIn(join(cwd, 'out'))).toEqual({ 'plain.json': 'mine' })
    expect(await run(cwd, ['export', 'out', '--owner', 'ada', '--force'])).toMatchObject({ exitCode: 0 })
    expect(filesIn(join(cwd, 'out'))).toMatchObject(texts)
    const file = await run(cwd, ['export', 'out/plain.json', '--owner', 'ada'])
    expect(file.exitCode).toBe(2)
    expect(documentOf(file)).toMatchObject({ error: { code: 'file_exists' } })
  })

  test.for([
    [['--owner', 'nobody'], 'not_found', 1],
    [['--workflow', 'nothing'], 'not_found', 1],
    [['--url', 'https://example.com'], 'usage', 2],
  ] as const)('%j is refused as %s, and nothing is made', async ([args, code, exitCode]) => {
    const cwd = emptyDirectory()
    const ended = await run(cwd, ['export', 'out', '--database', database.url, ...args])
    expect(ended.exitCode).toBe(exitCode)
    expect(documentOf(ended)).toMatchObject({ error: { code } })
    expect(existsSync(join(cwd, 'out'))).toBe(false)
  })
})
