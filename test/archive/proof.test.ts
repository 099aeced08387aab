import { watchRows } from '@millrace/db/archive/checked-rows'
import { TablesDigester, type TableDigests } from '@millrace/db/archive/digest'
import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark, readMark } from '@millrace/db/archive/mark'
import { Proof } from '@millrace/db/archive/proof'
import { entryOf, type RowPage, type RowPages } from '@millrace/db/archive/row'
import { readRows, TableReader } from '@millrace/db/archive/source'
import { archiveTables } from '@millrace/db/archive/tables'
import { plain } from '@millrace/db/dialects/plain'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, testWhere } from '../dialects.ts'
import { fill } from './archives.ts'
import { sampleRows } from './sample.ts'

const size = { users: 5, workflows: 10, executions: 60 }

describeDialectsByTest((dialect) => {
  let target: ReachedDatabase

  beforeAll(async () => {
    target = await reachDatabase(dialect)
  })

  beforeEach(() => empty(target))

  afterAll(() => target.stop())

  /** What was written, as far as the filter lets it. */
  async function proofOf(pages: RowPages, isWritten: (id: unknown) => boolean = () => true) {
    const proof = new Proof(target.database.transport())
    const digester = new TablesDigester()
    for await (const { table, entries } of pages) {
      const page: RowPage = { table, entries: entries.filter(({ row }) => isWritten(row['id'])) }
      proof.add(page)
      digester.add(page)
    }
    const expected: TableDigests = digester.finish()
    return proof.complete(expected, {})
  }

  test('a mark is held though its progress is noted twice, and not once another has taken it over', async () => {
    const transport = target.database.transport()
    const held = await HeldMark.set(transport, 'a'.repeat(64))
    await held?.note('users', 5)
    await held?.note('users', 5)
    const mark = await readMark(transport)
    if (held === undefined || mark === undefined) throw new Error('there is no mark')
    const other = await HeldMark.takeOver(transport, mark)
    await other.note('users', 5)
    await expect(held.note('users', 5)).rejects.toThrow(/taken over/)
    await other.lift()
  })

  test('every character survives', { timeout: 120_000 }, async () => {
    const written = await loadAll(target, rowsOfAllCharacters())
    const read = watchRows(readRows(target.database.transport()))
    for await (const page of read.pages) expect(page.entries.length).toBeGreaterThan(0)
    expect(read.finish()).toEqual(written)
  })

  test('what the database digests is what was written to it', async () => {
    await fill(target.database, size)
    const transport = target.database.transport()
    for (const table of archiveTables) {
      const reader = new TableReader(transport, table)
      for await (const { entries } of reader.pages({ rows: 7, bytes: 1_000_000 })) {
        const last = entries.at(-1)?.row
        const after = entries.at(0)?.row
        if (last === undefined || after === undefined || entries.length < 2) continue
        const found = await reader.digest({ after, last }, 7)
        expect(found).toEqual({ rows: entries.length - 1, sha256: reader.digestOf(entries.slice(1)) })
      }
    }
  })

  test('a row that is another, is missing or is too many fails the proof', async () => {
    await fill(target.database, size)
    await proofOf(sampleRows(size))
    const failure = { fault: 'proof_failed', message: expect.stringContaining('executions') }
    const [one] = await target.raw.query('select id from executions order by attempts, id limit 1')
    await expect(proofOf(sampleRows(size), (id) => id !== one?.['id'])).rejects.toMatchObject(failure)
    await target.raw.query(`update executions set attempts = attempts + 1 where id = '${String(one?.['id'])}'`)
    await expect(proofOf(sampleRows(size))).rejects.toMatchObject(failure)
    await target.raw.query(`update executions set attempts = attempts - 1 where id = '${String(one?.['id'])}'`)
    await proofOf(sampleRows(size))
    await target.raw.query(`delete from executions where id = '${String(one?.['id'])}'`)
    await expect(proofOf(sampleRows(size))).rejects.toMatchObject(failure)
  })

  test('rows behind the last one fail the proof', async () => {
    await fill(target.database, size)
    const ids = (await target.raw.query('select id from executions')).map(({ id }) => String(id))
    const last = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).at(-1)
    await expect(proofOf(sampleRows(size), (id) => id !== last)).rejects.toMatchObject({
      message: expect.stringContaining('executions has 60 rows instead of 59'),
    })
  })

  testWhere(dialect === 'mysql', 'a list of rows that the server cuts is read row by row', async () => {
    const written = await fill(target.database, size)
    // PlanetScale lets nobody set it; the gateway does.
    for (const bytes of [64, 1024, 64 * 1024]) {
      const snapshot = await target.database.snapshot()
      await snapshot.run(plain(`set session group_concat_max_len = ${bytes}`))
      const read = watchRows(readRows(snapshot))
      for await (const page of read.pages) expect(page.entries.length).toBeGreaterThan(0)
      expect(read.finish()).toEqual(written)
      await snapshot.close()
    }
  })
})

async function loadAll({ database }: ReachedDatabase, pages: RowPages): Promise<TableDigests> {
  const watched = watchRows(pages)
  return loadRows(database, watched.pages, () => watched.finish(), { digest: 'sample', isResumed: false })
}

async function empty({ database }: ReachedDatabase): Promise<void> {
  await (await HeldMark.set(database.transport(), 'emptied before the test'))?.begin()
  await abandonRestore(database)
}

const isLong = process.env['TEST_LONG'] === '1'
const charactersOfRow = 8192
const pageRows = 24
const at = '2026-01-01T00:00:00.000Z'

/** Workflows whose descriptions and definitions hold every character that a database takes, many in each. */
async function* rowsOfAllCharacters(): RowPages & AsyncGenerator<RowPage> {
  const texts: string[] = []
  // All of the first plane, whose characters a server may treat each in its own way; the beginnings of the others.
  const step = (first: number) => (isLong || first < 0x1_0000 ? charactersOfRow : 0x1_0000)
  for (let first = 1; first < 0x11_0000; first += step(first)) {
    const codes = Array.from({ length: charactersOfRow }, (_, offset) => first + offset)
    const taken = codes.filter((code) => code < 0x11_0000 && (code < 0xd800 || code > 0xdfff))
    if (taken.length > 0) texts.push(String.fromCodePoint(...taken))
  }
  for (const table of archiveTables) {
    const rows = texts.map((text, number) => ({ ...rowOf(table.name, number), ...documentsOf(table.name, text) }))
    if (table.name !== 'workflows' && table.name !== 'workflow_versions') continue
    const entries = rows.map((row) =>
      entryOf(Object.fromEntries(table.columns.map(({ name }) => [name, valueOf(row, name)]))),
    )
    for (let first = 0; first < entries.length; first += pageRows) {
      yield await Promise.resolve({ table, entries: entries.slice(first, first + pageRows) })
    }
  }
}

function valueOf(row: Readonly<Record<string, string | number | boolean | null>>, name: string) {
  return row[name] ?? null
}

function documentsOf(table: string, text: string) {
  const definition = JSON.stringify({ text })
  return table === 'workflows' ? { definition, description: text } : { definition, change_notes: text }
}

function rowOf(table: string, number: number) {
  const id = `w${String(number).padStart(4, '0')}`
  const common = { created_at: at, version_number: 1 }
  if (table === 'workflow_versions') return { ...common, id: `v${id}`, workflow_id: id }
  return { ...common, id, name: id, is_public: false, updated_at: at, revision: 1 }
}
