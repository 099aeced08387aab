import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { reachDatabase } from '../database.ts'
import { archiveOf, fill } from '../archive/archives.ts'
import { documentOf, emptyDirectory, millrace, start, workspace } from './millrace.ts'
import { describeHalf } from '../sampling.ts'

/** backup, verify, restore, drill and copy through the real bin, on SQLite; the dialects are in test/archive. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

let archive: Buffer
let prepared: string

beforeAll(async () => {
  const source = await reachDatabase('sqlite')
  await fill(source.database, { users: 6, workflows: 12, executions: 60 })
  archive = await archiveOf(source.database)
  await source.stop()
  prepared = mkdtempSync(join(tmpdir(), 'millrace-cli-prepared-'))
  writeFileSync(join(prepared, 'given.millrace'), archive)
  const restored = await millrace(['restore', 'given.millrace', '--json'], { cwd: prepared })
  if (restored.exitCode !== 0) throw new Error(`restore ended with ${restored.exitCode}: ${restored.stderr}`)
}, 120_000)

afterAll(() => rmSync(prepared, { recursive: true, force: true }))

/** A directory with a restored database `workflows.db` in it, and the archive. */
function restoredDirectory(): string {
  const cwd = emptyDirectory()
  cpSync(prepared, cwd, { recursive: true })
  return cwd
}

describeHalf('backup', () => {
  test('writes a private file and says what is in it', async () => {
    const cwd = restoredDirectory()
    const made = await millrace(['backup', '--out', 'new.millrace', '--json'], { cwd })
    expect(made).toMatchObject({ exitCode: 0 })
    const bytes = readFileSync(join(cwd, 'new.millrace'))
    expect(documentOf(made)).toMatchObject({
      file: join(cwd, 'new.millrace'),
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      encrypted: false,
      consistency: 'snapshot',
      tables: { users: { rows: 6 }, executions: { rows: 60 } },
    })
    expect(statSync(join(cwd, 'new.millrace')).mode & 0o777).toBe(0o600)
    expect(made.stderr).toContain('not encrypted')
    const again = await millrace(['backup', '--out', 'new.millrace', '--json'], { cwd })
    expect(again).toMatchObject({ exitCode: 2 })
    expect(documentOf(again)).toMatchObject({ error: { code: 'file_exists' } })
    expect(readFileSync(join(cwd, 'new.millrace')).equals(bytes)).toBe(true)
    expect(await millrace(['backup', '--out', 'new.millrace', '--force'], { cwd })).toMatchObject({ exitCode: 0 })
    expect(readdirSync(cwd).filter((name) => name.includes('.part'))).toEqual([])
  })

  test('replaces what a link leads to, and never a link to nothing or a pipe', async () => {
    const cwd = restoredDirectory()
    writeFileSync(join(cwd, 'old.millrace'), 'old')
    symlinkSync('old.millrace', join(cwd, 'link'))
    symlinkSync('nowhere', join(cwd, 'dangling'))
    await start('mkfifo', ['pipe'], { cwd }).ended
    const backup = (...args: readonly string[]) => millrace(['backup', '--json', '--out', ...args], { cwd })
    expect(await backup('link', '--force')).toMatchObject({ exitCode: 0 })
    expect(lstatSync(join(cwd, 'link')).isSymbolicLink()).toBe(true)
    expect(statSync(join(cwd, 'old.millrace')).size).toBeGreaterThan(3)
    for (const args of [['dangling'], ['pipe'], ['pipe', '--force']]) {
      const refused = await backup(...args)
      expect(refused, args.join(' ')).toMatchObject({ exitCode: 2 })
      expect(documentOf(refused)).toMatchObject({ error: { code: 'file_exists' } })
    }
    expect(lstatSync(join(cwd, 'pipe')).isFIFO()).toBe(true)
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
    expect(readdirSync(cwd).filter((name) => name.includes('.part'))).toEqual([])
  })

  test('encrypts for its recipients, and only their identity opens it', async () => {
    const cwd = restoredDirectory()
    const secrets = documentOf(await millrace(['secrets', 'new', '--json'], { cwd })) as {
      age: { recipient: string; identity: string }
    }
    writeFileSync(join(cwd, 'identity'), secrets.age.identity)
    const env = { BACKUP_RECIPIENTS: secrets.age.recipient }
    const made = await millrace(['backup', '--out', 'secret.millrace', '--json'], { cwd, env })
    expect(documentOf(made)).toMatchObject({ encrypted: true })
    const verdict = await millrace(['verify', 'secret.millrace', '--identity', 'identity', '--json'], { cwd })
    expect(documentOf(verdict)).toMatchObject({ ok: true, encrypted: true, problems: [] })
    expect(await millrace(['verify', 'secret.millrace'], { cwd })).toMatchObject({ exitCode: 2 })
    const wrong = await millrace(['backup', '--out', 'x', '--recipient', 'age1wrong', '--json'], { cwd })
    expect(wrong).toMatchObject({ exitCode: 2 })
    expect(existsSync(join(cwd, 'x'))).toBe(false)
  })

  test('pipes into a restore, with the document beside the archive', () => {
    const script = [
      'set -e',
      'millrace restore given.millrace --database sqlite:///./one.db --json > restored.json',
      'millrace backup --database sqlite:///./one.db --out - --json 2> backup.txt | millrace restore - --database sqlite:///./two.db --json',
    ].join('\n')
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'given.millrace'), archive)
    const { PATH = '', HOME = '' } = process.env
    const env = { PATH: `${join(workspace, 'node_modules/.bin')}:${PATH}`, HOME }
    const { status, stdout } = spawnSync('sh', ['-c', script], { cwd, env, encoding: 'utf8' })
    expect(status).toBe(0)
    const first = JSON.parse(readFileSync(join(cwd, 'restored.json'), 'utf8')) as {
      tables: { audit: { rows: number } }
    }
    // The first restore left its event in the database that the second one is of.
    const audit = { rows: first.tables.audit.rows + 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }
    expect(JSON.parse(stdout)).toEqual({ ...first, tables: { ...first.tables, audit } })
    expect(readFileSync(join(cwd, 'backup.txt'), 'utf8')).toContain('"file":"-"')
  })

  test('with recipients that name nobody is refused, not left unencrypted', async () => {
    const cwd = restoredDirectory()
    for (const BACKUP_RECIPIENTS of [' , ', 'age1nobody']) {
      const refused = await millrace(['backup', '--out', 'new.millrace', '--json'], { cwd, env: { BACKUP_RECIPIENTS } })
      expect(refused, BACKUP_RECIPIENTS).toMatchObject({ exitCode: 2 })
      expect(documentOf(refused)).toMatchObject({ error: { code: 'settings_invalid' } })
    }
    expect(existsSync(join(cwd, 'new.millrace'))).toBe(false)
  })

  test('to standard output, says what is wrong beside it too', async () => {
    const missing = await millrace(['backup', '--out', '-', '--json'], { cwd: emptyDirectory() })
    expect(missing).toMatchObject({ exitCode: 1, stdout: '' })
    expect(missing.stderr).toMatch(/^\{"error":\{"code":"database_missing".*\}$/m)
    const misspelt = await millrace(['backup', '--out=-', '--forse', '--json'], { cwd: emptyDirectory() })
    expect(misspelt).toMatchObject({ exitCode: 2, stdout: '' })
    expect(misspelt.stderr).toMatch(/^\{"error":\{"code":"usage".*\}$/m)
  })

  test('of a database that is not there makes nothing', async () => {
    const cwd = emptyDirectory()
    expect(await millrace(['backup', '--out', 'new.millrace'], { cwd })).toMatchObject({ exitCode: 1 })
    expect(readdirSync(cwd)).toEqual([])
  })
})

describeHalf('restore', () => {
  test('refuses a database with rows, and leaves it as it was', async () => {
    const cwd = restoredDirectory()
    const again = await millrace(['restore', 'given.millrace', '--json'], { cwd })
    expect(again).toMatchObject({ exitCode: 1 })
    expect(documentOf(again)).toMatchObject({ error: { code: 'not_empty' } })
    expect(await millrace(['user', 'list'], { cwd })).toMatchObject({ exitCode: 0 })
  })

  test('from standard input, takes out again what was not whole', () => {
    const cwd = emptyDirectory()
    const { PATH = '', HOME = '' } = process.env
    const env = { PATH: `${join(workspace, 'node_modules/.bin')}:${PATH}`, HOME }
    const run = (input: Buffer) => spawnSync('millrace', ['restore', '-', '--json'], { cwd, env, input })
    const cut = run(archive.subarray(0, -20))
    expect(cut.status).toBe(1)
    expect(JSON.parse(cut.stdout.toString())).toMatchObject({ error: { code: 'archive_damaged' } })
    // Empty and without a mark: the whole one goes in.
    expect(run(archive).status).toBe(0)
  })

  test('from a pipe of the shell is from standard input', async () => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'given.millrace'), archive)
    const piped = (command: string) => {
      const script = `exec "$0" "$1" ${command} <(cat given.millrace) --json`
      return start('bash', ['--norc', '-c', script, process.execPath, inject('command')], { cwd }).ended
    }
    expect(await piped('verify')).toMatchObject({ exitCode: 0 })
    expect(await piped('restore --resume')).toMatchObject({ exitCode: 2 })
    expect(await piped('drill')).toMatchObject({ exitCode: 2 })
    const restored = await piped('restore')
    expect(restored).toMatchObject({ exitCode: 0 })
    expect(documentOf(restored)).toMatchObject({ ok: true, tables: { users: { rows: 6 } } })
  })

  test.each([
    [['restore'], 'usage'],
    [['restore', 'nowhere.millrace'], 'file_missing'],
    [['restore', '-', '--resume'], 'usage'],
    [['restore', '--resume', '--abandon'], 'usage'],
    [['verify', 'nowhere.millrace'], 'file_missing'],
    [['drill', '-'], 'usage'],
    [['copy', '--from', 'sqlite:///./a.db'], 'usage'],
    [['backup'], 'usage'],
  ])('%j is a wrong argument', async (args, code) => {
    const cwd = emptyDirectory()
    const refused = await millrace([...args, '--json'], { cwd })
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(documentOf(refused)).toMatchObject({ error: { code } })
    expect(readdirSync(cwd)).toEqual([])
  })
})

test('a drill without a place for temporary files says which is missing', async () => {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'given.millrace'), archive)
  const TMPDIR = join(cwd, 'nowhere')
  const refused = await millrace(['drill', 'given.millrace', '--json'], { cwd, env: { TMPDIR } })
  expect(refused.exitCode).toBe(2)
  expect(documentOf(refused)).toMatchObject({
    error: { code: 'settings_invalid', what: expect.stringContaining(TMPDIR), fix: expect.stringContaining('TMPDIR') },
  })
})

test('a drill restores for trial, is noted, and leaves nothing behind', async () => {
  const cwd = restoredDirectory()
  const drill = await millrace(['drill', 'given.millrace', '--database', 'sqlite:///./workflows.db', '--json'], { cwd })
  expect(drill).toMatchObject({ exitCode: 0 })
  expect(documentOf(drill)).toMatchObject({ ok: true, problems: [] })
  const backup = await millrace(['backup', '--out', 'after.millrace', '--json'], { cwd })
  expect(backup).toMatchObject({ exitCode: 0 })
  const ours = readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-drill-'))
  const running = ours.filter((name) => !isGone(Number(/-(\d+)-/.exec(name)?.[1])))
  expect(ours).toEqual(running)
  writeFileSync(join(cwd, 'cut.millrace'), archive.subarray(0, -9))
  const damaged = await millrace(['drill', 'cut.millrace', '--json'], { cwd })
  expect(damaged).toMatchObject({ exitCode: 1 })
  expect(documentOf(damaged)).toMatchObject({ ok: false, rows: 0, error: { code: 'archive_damaged' } })
  expect(documentOf(damaged)).toHaveProperty('problems', [expect.stringMatching(/^Line \d+: /)])
})

function isGone(processId: number): boolean {
  return !existsSync(`/proc/${processId}`)
}

test('a copy says what was read and written, and refuses to copy onto itself', async () => {
  const cwd = restoredDirectory()
  const copied = await millrace(
    ['copy', '--from', 'sqlite:///./workflows.db', '--to', 'sqlite:///./copy.db', '--json'],
    { cwd },
  )
  expect(copied).toMatchObject({ exitCode: 0 })
  expect(documentOf(copied)).toMatchObject({
    ok: true,
    tables: { executions: { read: 60, written: 60, quarantined: 0, added: 0 } },
  })
  const same = await millrace(['copy', '--from', 'sqlite:///./copy.db', '--to', 'sqlite:///copy.db', '--json'], { cwd })
  expect(same).toMatchObject({ exitCode: 2 })
})
