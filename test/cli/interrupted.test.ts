import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leanFlags } from '@millrace/cli/archive/lean'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { archiveOf, fill } from '../archive/archives.ts'
import { reachDatabase } from '../database.ts'
import { freshDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace, start, startMillrace, workspace } from './millrace.ts'
import { describeHalf } from '../sampling.ts'

/** Ctrl-C in what moves data: what was left is said, with the command that goes on. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const child = join(workspace, 'test/archive/interrupted-child.ts')
let prepared: string

beforeAll(async () => {
  const source = await reachDatabase('sqlite')
  await fill(source.database, { users: 6, workflows: 40, executions: 3000 })
  prepared = mkdtempSync(join(tmpdir(), 'millrace-interrupted-'))
  writeFileSync(join(prepared, 'given.millrace'), await archiveOf(source.database))
  await source.stop()
  const restored = await millrace(['restore', 'given.millrace', '--json'], { cwd: prepared })
  if (restored.exitCode !== 0) throw new Error(`restore ended with ${restored.exitCode}: ${restored.stderr}`)
}, 120_000)

afterAll(() => rmSync(prepared, { recursive: true, force: true }))

function preparedDirectory(): string {
  const cwd = emptyDirectory()
  cpSync(prepared, cwd, { recursive: true })
  return cwd
}

/** The command, with SIGINT at its n-th statement of that kind. */
function interrupted(args: readonly string[], cwd: string, at: string) {
  const flags = [...leanFlags, '--disable-warning=ExperimentalWarning']
  return start(process.execPath, [...flags, child, ...args], { cwd, env: { INTERRUPT_AT: at } }).ended
}

describeHalf('a command that is interrupted', () => {
  test('a backup that is interrupted leaves no file, and says so', async () => {
    const cwd = preparedDirectory()
    const before = readdirSync(cwd)
    const cut = await interrupted(['backup', '--out', 'new.millrace'], cwd, 'select .*executions 2')
    expect(cut).toMatchObject({ exitCode: 130, stdout: '' })
    expect(cut.stderr).toMatch(/^Interrupted\. Nothing was written to new\.millrace; .* Run the command again\.$/m)
    expect(readdirSync(cwd).filter((name) => !before.includes(name) && !name.startsWith('workflows.db'))).toEqual([])
  })

  test('a restore that is interrupted says how to go on, refuses to begin anew, and goes on', async () => {
    const cwd = preparedDirectory()
    const args = ['restore', 'given.millrace', '--database', 'sqlite:///./new.db']
    const cut = await interrupted(args, cwd, 'insert into .*executions 2')
    expect(cut).toMatchObject({ exitCode: 130, stdout: '' })
    expect(cut.stderr).toMatch(/^Interrupted\. .*new\.db is marked .* --resume, .*`millrace restore --abandon`\.$/m)
    const again = await millrace([...args, '--json'], { cwd })
    expect(documentOf(again)).toMatchObject({
      error: { code: 'restore_in_progress', fix: expect.stringContaining('`millrace restore FILE --resume`') },
    })
    const resumed = await millrace([...args, '--resume', '--json'], { cwd })
    expect(documentOf(resumed)).toMatchObject({ ok: true, tables: { executions: { rows: 3000 } } })
  })

  test('a restore from standard input that waits for more is ended at once, and takes out what it wrote', async () => {
    const cwd = preparedDirectory()
    const args = ['restore', '-', '--database', 'sqlite:///./new.db']
    const waiting = startMillrace([...args, '--json'], { cwd, input: null })
    const archive = readFileSync(join(cwd, 'given.millrace'))
    waiting.process.stdin.write(archive.subarray(0, archive.length / 2))
    await vi.waitFor(() => expect(waiting.stderr()).toContain('Migrated'), { timeout: 60_000, interval: 50 })
    waiting.process.kill('SIGTERM')
    const cut = await waiting.ended
    expect(cut).toMatchObject({ exitCode: 143, stdout: '' })
    expect(cut.stderr).toMatch(/^Interrupted\. What it had written to .*new\.db was removed/m)
    const again = await millrace([args[0] ?? '', 'given.millrace', ...args.slice(2)], { cwd })
    expect(again).toMatchObject({ exitCode: 0 })
  })

  test('a restore that the database ends says how to go on', async () => {
    const cwd = preparedDirectory()
    const target = await freshDatabase('sqlite')
    const args = ['restore', 'given.millrace', '--database', target.url]
    expect(await millrace(['migrate', '--database', target.url], { cwd })).toMatchObject({ exitCode: 0 })
    await target.query(
      "create trigger full before insert on executions begin select raise(abort, 'no space for executions'); end",
    )
    const ended = await millrace([...args, '--json'], { cwd })
    expect(ended).toMatchObject({ exitCode: 1 })
    expect(ended.stderr).toMatch(/^If rows were already written, .* --resume, .*`millrace restore --abandon`\.$/m)
    await target.query('drop trigger full')
    expect(await millrace([...args, '--resume'], { cwd })).toMatchObject({ exitCode: 0 })
    await target.drop()
  })

  test('a copy that is interrupted is called a copy, and names the copy that goes on', async () => {
    const cwd = preparedDirectory()
    const args = ['copy', '--from', 'sqlite:///./workflows.db', '--to', 'sqlite:///./new.db']
    const cut = await interrupted(args, cwd, 'insert into .*executions 2')
    expect(cut).toMatchObject({ exitCode: 130, stdout: '' })
    expect(cut.stderr).toMatch(/^Interrupted\. The source is as it was\. .*new\.db is marked .* --resume, /m)
    const again = documentOf(await millrace([...args, '--json'], { cwd })) as { error: Record<string, string> }
    expect(again.error).toMatchObject({
      code: 'restore_in_progress',
      fix: expect.stringContaining('`millrace copy --from URL --to URL --resume`'),
    })
    expect(`${again.error['what']} ${again.error['why']}`).toMatch(/copy/i)
    const { stdout } = await millrace(['doctor', '--dev', '--json', '--database', 'sqlite:///./new.db'], { cwd })
    const { findings } = JSON.parse(stdout) as { findings: { id: string; level: string; message: string }[] }
    expect(findings.filter(({ id }) => id === 'restore.unfinished')).toMatchObject([{ level: 'fail' }])
    // The mark explains why rows, indexes and keys are not all there.
    expect(findings.filter(({ id, level }) => id.startsWith('schema.') && level === 'fail')).toEqual([])
    const resumed = await millrace([...args, '--resume', '--json'], { cwd })
    expect(documentOf(resumed)).toMatchObject({ ok: true, tables: { executions: { read: 3000, written: 3000 } } })
  })
})
