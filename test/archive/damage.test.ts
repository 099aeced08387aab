import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { restore } from '@millrace/cli/archive/restore'
import { verify } from '@millrace/cli/archive/verify'
import type { Context } from '@millrace/cli/context'
import { asFailure } from '@millrace/cli/failure'
import { createOutput } from '@millrace/cli/output'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { encrypterFor } from '@millrace/db/archive/encryption'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { reachDatabase } from '../database.ts'
import { workspaceRoot } from '../workspace.ts'
import { archiveOf, archiveOfLines, fill, linesOf } from './archives.ts'
import { randomFrom } from './sample.ts'

const isLong = process.env['TEST_LONG'] === '1'
const seed = isLong ? Date.now() % 2 ** 31 : 20_261_124
const flips = isLong ? 200 : 60
const truncations = isLong ? 50 : 20

let directory: string
let whole: Buffer
let encrypted: Buffer
let identity: string

beforeAll(async () => {
  // Progress, hundreds of times.
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  directory = join(inject('directory'), 'damage')
  mkdirSync(directory, { recursive: true })
  const source = await reachDatabase('sqlite')
  await fill(source.database, { users: 6, workflows: 12, executions: 40 })
  whole = await archiveOf(source.database)
  identity = await generateX25519Identity()
  writeFileSync(join(directory, 'identity'), `# a comment\n${identity}\n`)
  encrypted = await archiveOf(source.database, { encrypter: encrypterFor([await identityToRecipient(identity)]) })
  await source.stop()
})

afterAll(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

interface Told {
  readonly exitCode: number
  readonly document: { readonly ok?: boolean; readonly error?: { readonly code: string; readonly why: string } }
}

/** Runs a command's work as the bin does, and gives its exit code and its document. */
async function run(work: (context: Context) => Promise<number>): Promise<Told> {
  let printed = ''
  const streams = { stdout: { write: (text: string) => (printed += text) }, stderr: { write: () => true } }
  const output = createOutput(streams, true)
  const context: Context = {
    output,
    directories: { caller: directory, workspace: workspaceRoot },
    lifetime: {
      interruption: new AbortController().signal,
      defer: () => undefined,
      endOnSecondSignal: () => undefined,
      end: () => undefined,
    },
    environment: () => ({}),
  }
  const exitCode = await work(context).catch((error: unknown) => {
    const failure = asFailure(error)
    output.failure(failure)
    return failure.exitCode
  })
  return { exitCode, document: JSON.parse(printed) as Told['document'] }
}

/** Both commands exit 1 and tell why; the target is not even made. */
async function expectRefused(bytes: Buffer, name: string, code = 'archive_damaged'): Promise<string> {
  writeFileSync(join(directory, 'archive'), bytes)
  const verdict = await run((context) => verify(context, 'archive', { identity: 'identity' }))
  expect(verdict, name).toMatchObject({ exitCode: 1, document: { ok: false, error: { code } } })
  const target = { database: 'sqlite:///./target.db', identity: 'identity' }
  const refusal = await run((context) => restore(context, 'archive', target))
  expect(refusal, name).toMatchObject({ exitCode: 1, document: { error: { code } } })
  expect(existsSync(join(directory, 'target.db')), name).toBe(false)
  return verdict.document.error?.why ?? ''
}

test('whole archives are whole', async () => {
  for (const bytes of [whole, encrypted, archiveOfLines(linesOf(whole))]) {
    writeFileSync(join(directory, 'archive'), bytes)
    const verdict = await run((context) => verify(context, 'archive', { identity: 'identity' }))
    expect(verdict).toMatchObject({ exitCode: 0, document: { ok: true, problems: [] } })
  }
})

test(`${flips} changed bytes are refused (seed ${seed})`, async () => {
  const random = randomFrom(seed)
  for (let count = 0; count < flips; count += 1) {
    const bytes = Buffer.from(count % 2 === 0 ? whole : encrypted)
    const at = Math.floor(random() * bytes.byteLength)
    const change = 1 + Math.floor(random() * 255)
    bytes[at] = (bytes[at] ?? 0) ^ change
    await expectRefused(bytes, `byte ${at} of ${count % 2 === 0 ? 'the plain' : 'the encrypted'} one ^ ${change}`)
  }
})

test(`${truncations} truncations are refused (seed ${seed})`, async () => {
  const random = randomFrom(seed + 1)
  for (let count = 0; count < truncations; count += 1) {
    const bytes = count % 2 === 0 ? whole : encrypted
    const length = Math.floor(random() * bytes.byteLength)
    await expectRefused(bytes.subarray(0, length), `${length} of ${bytes.byteLength} bytes`)
  }
})

type Lines = readonly string[]

const isRow = (line: string, table: string): boolean => line.startsWith(`{"t":"${table}"`)

function edited(edit: (lines: Lines) => Lines): Buffer {
  return archiveOfLines(edit(linesOf(whole)))
}

/** The last line as it would have to be for these rows: so that digests alone can't tell. */
function resealed(lines: Lines): Lines {
  const rows = lines.slice(1, -1)
  const end = JSON.parse(lines.at(-1) ?? '') as { end: true; tables: Record<string, unknown> }
  for (const name of Object.keys(end.tables)) {
    const texts = rows.filter((line) => isRow(line, name)).map((line) => line.slice(`{"t":"${name}","r":`.length, -1))
    const sha256 = createHash('sha256')
      .update(texts.map((text) => `${text}\n`).join(''))
      .digest('hex')
    end.tables[name] = { rows: texts.length, sha256 }
  }
  return [...lines.slice(0, -1), JSON.stringify(end)]
}

const first = (lines: Lines, table: string): number => lines.findIndex((line) => isRow(line, table))

const without = (lines: Lines, at: number): Lines => lines.toSpliced(at, 1)

const changed = (lines: Lines, table: string, change: (row: Record<string, unknown>) => void): Lines => {
  const at = first(lines, table)
  const line = JSON.parse(lines[at] ?? '') as { t: string; r: Record<string, unknown> }
  change(line.r)
  const r = Object.fromEntries(Object.entries(line.r).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return lines.with(at, JSON.stringify({ t: line.t, r }))
}

const swapped = (lines: Lines, at: number): Lines => lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? '')

/** Each with a word of what has to be told. */
const structural: Record<string, readonly [(lines: Lines) => Lines, RegExp]> = {
  'a row less': [(lines) => without(lines, first(lines, 'audit')), /it has 5 rows, the last line says 6/],
  'a parent less': [(lines) => resealed(without(lines, first(lines, 'users'))), /refers to no user/],
  'a workflow less': [(lines) => resealed(without(lines, first(lines, 'workflows'))), /refers to no workflow/],
  'a row twice': [(lines) => resealed(lines.toSpliced(5, 0, lines[5] ?? '')), /there twice/],
  'a row moved': [(lines) => resealed(swapped(lines, first(lines, 'executions'))), /out of order/],
  'a table emptied': [(lines) => lines.filter((line) => !isRow(line, 'audit')), /it has 0 rows/],
  'an execution less, whose history stays': [
    (lines) => {
      const entry = JSON.parse(lines[first(lines, 'execution_history')] ?? '') as { r: { execution_id: string } }
      const named = `"id":${JSON.stringify(entry.r.execution_id)},`
      return resealed(lines.filter((line) => !isRow(line, 'executions') || !line.includes(named)))
    },
    /refers to no execution/,
  ],
  'the executions emptied': [
    (lines) => resealed(lines.filter((line) => !isRow(line, 'executions'))),
    /refers to no execution/,
  ],
  'an entry of history less': [
    (lines) => resealed(without(lines, first(lines, 'execution_history'))),
    /the history has a gap|refers to no/,
  ],
  'a history that begins late': [
    (lines) => resealed(changed(lines, 'execution_history', (row) => (row['seq'] = 7))),
    /seq 7 follows 0: the history has a gap/,
  ],
  'an unknown entry of history': [
    (lines) => resealed(changed(lines, 'execution_history', (row) => (row['type'] = 'slept'))),
    /type is not one of/,
  ],
  'an unknown event': [
    (lines) => resealed(changed(lines, 'audit', (row) => (row['type'] = 'workflow.read'))),
    /type is not one of/,
  ],
  'a schedule of no workflow': [
    (lines) => resealed(changed(lines, 'schedules', (row) => (row['workflow_id'] = 'nothing'))),
    /workflow_id refers to no workflow/,
  ],
  'a schedule of no user': [
    (lines) => resealed(changed(lines, 'schedules', (row) => (row['created_by'] = 'nobody'))),
    /created_by refers to no user/,
  ],
  'the workflows emptied': [
    (lines) => resealed(lines.filter((line) => !isRow(line, 'workflows'))),
    /refers to no workflow/,
  ],
  'tables in another order': [
    (lines) => [lines[0] ?? '', lines.at(-2) ?? '', ...lines.slice(1, -2), lines.at(-1) ?? ''],
    /stands behind audit/,
  ],
  'without its last line': [(lines) => lines.slice(0, -1), /without its last line/],
  'without its head': [(lines) => lines.slice(1), /not the head of an archive/],
  'the last line twice': [(lines) => [...lines, lines.at(-1) ?? ''], /a line behind the last/],
  'two archives in one': [(lines) => [...lines, ...lines], /a line behind the last/],
  'a digest of another archive': [
    (lines) => [...lines.slice(0, -1), (lines.at(-1) ?? '').replace(/"sha256":"./, '"sha256":"_')],
    /count and digest are missing or malformed/,
  ],
  'a row edited': [
    (lines) => changed(lines, 'users', (row) => (row['email'] = 'another@example.com')),
    /users.*another than the last line says/,
  ],
  'an unknown table': [(lines) => lines.toSpliced(4, 0, '{"t":"secrets","r":{}}'), /unknown table "secrets"/],
  'an unknown column': [(lines) => resealed(changed(lines, 'users', (row) => (row['x'] = 1))), /unknown column "x"/],
  'a column less': [(lines) => resealed(changed(lines, 'users', (row) => delete row['email'])), /email is missing/],
  'an unknown status': [
    (lines) => resealed(changed(lines, 'executions', (row) => (row['status'] = 'done'))),
    /status is not one of/,
  ],
  'an unknown permission': [
    (lines) => resealed(changed(lines, 'workflow_shares', (row) => (row['permission'] = 'own'))),
    /permission is not one of/,
  ],
  'a document that is not JSON': [
    (lines) => resealed(changed(lines, 'workflows', (row) => (row['definition'] = '{"a":'))),
    /definition is a document that is not JSON/,
  ],
  'a head that is not the newest version': [
    (lines) => resealed(changed(lines, 'workflows', (row) => (row['definition'] = '{"other":1}'))),
    /has another definition than its newest version/,
  ],
  'a version number that is not the newest': [
    (lines) => resealed(changed(lines, 'workflows', (row) => (row['version_number'] = 9))),
    /is at version 9/,
  ],
  'an execution of a version that is not there': [
    (lines) => resealed(changed(lines, 'executions', (row) => (row['version_number'] = 99))),
    /version_number refers to no version of the workflow/,
  ],
  'a share that nobody has given': [
    (lines) => resealed(changed(lines, 'workflow_shares', (row) => (row['shared_by'] = 'nobody'))),
    /shared_by refers to no user/,
  ],
  'a time with an offset': [
    (lines) => resealed(changed(lines, 'users', (row) => (row['created_at'] = '2026-01-01T00:00:00.000+00:00'))),
    /created_at is not a time/,
  ],
  'a flag that is a number': [
    (lines) => resealed(changed(lines, 'workflows', (row) => (row['is_public'] = 1))),
    /is_public is neither true nor false/,
  ],
  'a null where none may be': [
    (lines) => resealed(changed(lines, 'users', (row) => (row['username'] = null))),
    /username is null/,
  ],
  'a name twice, ignoring case': [
    (lines) => {
      const other = (JSON.parse(lines[first(lines, 'users') + 1] ?? '') as { r: { username: string } }).r.username
      return resealed(changed(lines, 'users', (row) => (row['username'] = other.toUpperCase())))
    },
    /another row has the same username, ignoring case/,
  ],
  'a member twice in a row': [
    (lines) => lines.with(1, (lines[1] ?? '').replace('"r":{', '"r":{"role":"admin",')),
    /must not repeat a key/,
  ],
  'a blank line': [(lines) => lines.toSpliced(3, 0, ''), /the line is empty/],
  'a line that is not JSON': [(lines) => lines.with(2, (lines[2] ?? '').slice(0, -1)), /Line 3: the line is not JSON/],
  'an empty file of lines': [() => [''], /the line is empty/],
}

test.each(Object.entries(structural))('%s is refused', async (name, [edit, reason]) => {
  expect(await expectRefused(edited(edit), name)).toMatch(reason)
})

test('two archives one after another are refused', async () => {
  expect(await expectRefused(Buffer.concat([whole, whole]), 'twice')).toMatch(/bytes behind the end/)
  expect(await expectRefused(Buffer.concat([encrypted, encrypted]), 'encrypted twice')).toMatch(/age/)
})

test('a file that is no archive is refused', async () => {
  await expectRefused(Buffer.alloc(0), 'empty')
  await expectRefused(Buffer.from('{"millrace":1}'), 'plain text')
  await expectRefused(archiveOfLines(['{}']), 'an object')
})

test.each([
  ['format', /"millrace":1/, '"millrace":2', 'its format is 2'],
  ['schema', /"schema":\d+/, '"schema":9999', 'its schema is 9999'],
])('a newer %s is told by the version that it needs', async (_name, pattern, replacement, reason) => {
  const bytes = edited((lines) => lines.with(0, (lines[0] ?? '').replace(pattern, replacement)))
  expect(await expectRefused(bytes, replacement, 'archive_newer')).toContain(reason)
})

test('an archive of an older schema may not hold what that schema had not', async () => {
  const older = (lines: Lines) => lines.with(0, (lines[0] ?? '').replace(/"schema":\d+/, '"schema":1'))
  expect(await expectRefused(edited(older), 'schema 1')).toMatch(/unknown (?:table|column)/)
})

test('an encrypted archive without an identity is a wrong argument, with another one it is refused', async () => {
  writeFileSync(join(directory, 'archive'), encrypted)
  const missing = await run((context) => verify(context, 'archive', {}))
  expect(missing).toMatchObject({ exitCode: 2, document: { error: { code: 'usage' } } })
  writeFileSync(join(directory, 'other'), await generateX25519Identity())
  const other = await run((context) => verify(context, 'archive', { identity: 'other' }))
  expect(other).toMatchObject({
    exitCode: 1,
    document: { ok: false, error: { code: 'archive_damaged', what: 'This identity does not open archive.' } },
  })
  expect(JSON.stringify(other.document)).not.toContain('another backup')
})

test.each([
  ['a text', Buffer.from('# notes\nnothing of ours\n')],
  ['a database', Buffer.from('SQLite format 3\0')],
  ['another gzip', gzipSync('{"some":"json"}\n')],
])('%s is called no archive, and not a damaged one', async (_name, bytes) => {
  writeFileSync(join(directory, 'archive'), bytes)
  const refused = await run((context) => verify(context, 'archive', {}))
  expect(refused).toMatchObject({
    exitCode: 1,
    document: { ok: false, error: { code: 'archive_damaged', what: 'archive is not an archive of millrace.' } },
  })
})
