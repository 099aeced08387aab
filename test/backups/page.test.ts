import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { documentOf, emptyDirectory, millrace, start } from '../cli/millrace.ts'
import { bodyOf, call, joinAdministrator, keyOf, type Member } from '../contract/members.ts'
import { describeDialectsInTurn, dialects, freshDatabase } from '../dialects.ts'
import { startService, takeDailyBackup, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

/** The commands of docs/backups.md below "Fetching one", as they stand there. */
const section = readFileSync(join(workspaceRoot, 'docs/backups.md'), 'utf8').split('### Fetching one')[1] ?? ''
const commands = /```bash\n([\s\S]*?)```/.exec(section)?.[1] ?? ''

describeDialectsInTurn((dialect) => {
  let service: Service
  let admin: Member
  let identity: string
  beforeAll(async () => {
    identity = await generateIdentity()
    service = await startService(dialect, { vars: { BACKUP_RECIPIENTS: await identityToRecipient(identity) } })
    admin = await joinAdministrator(service)
  })
  afterAll(() => service.stop())

  /** The next dialect, so that each is restored into once. */
  const other = dialects[(dialects.indexOf(dialect) + 1) % dialects.length] ?? 'sqlite'

  test(`a backup of the schedule is fetched and restored into ${other} by the commands of the page`, async () => {
    const text = `{"name":"kept","definition":{"b":1.0,"a":"\\u00e9 é"}}`
    bodyOf(await call(service, 'POST', '/v1/workflows', { token: admin.accessToken, body: text }), 201)
    await takeDailyBackup(service)
    const target = await freshDatabase(other)
    try {
      const cwd = emptyDirectory()
      writeFileSync(join(cwd, 'identity.txt'), `# kept in a safe\n${identity}\n`)
      // The tests' own, instead of one that npx would fetch.
      const written = commands
        .replaceAll('npx millrace', 'millrace')
        .replace('mr_…', await keyOf(service, admin, ['admin']))
        .replace('https://millrace.example.workers.dev', service.urls[0] ?? '')
        .replace('postgresql://user:password@127.0.0.1:5432/restored', `'${target.url}'`)
      expect(written).not.toMatch(/…|example|user:password/)
      mkdirSync(join(cwd, 'bin'))
      const program = `#!/bin/sh\nexec '${process.execPath}' '${inject('command')}' "$@"\n`
      writeFileSync(join(cwd, 'bin/millrace'), program, { mode: 0o755 })
      const PATH = `${join(cwd, 'bin')}:${process.env['PATH'] ?? ''}`
      const ended = await start('bash', ['-euc', written], { cwd, env: { PATH } }).ended
      expect({ exitCode: ended.exitCode, stderr: ended.stderr }).toMatchObject({ exitCode: 0 })
      expect(ended.stdout).toContain('The digests of the database are those of the archive')
      const type = other === 'mysql' ? 'char' : 'text'
      const rows = await target.query(`select cast(definition as ${type}) as definition from workflows`)
      expect(rows.map((row) => String(row['definition']))).toEqual([`{"b":1.0,"a":"\\u00e9 é"}`])
    } finally {
      await target.drop()
    }
  })

  test('a key that may not, a name that is not there and a file that is are refused, and nothing is left', async () => {
    const cwd = emptyDirectory()
    const url = service.urls[0] ?? ''
    const run = (key: string, name: string, out = 'x.millrace') =>
      millrace(['backup', 'fetch', name, '--out', out, '--url', url, '--json'], { cwd, env: { MILLRACE_API_KEY: key } })
    const narrow = await keyOf(service, admin, ['read'])
    const key = await keyOf(service, admin, ['admin'])
    copyFileSync(join(workspaceRoot, 'LICENSE'), join(cwd, 'there.millrace'))
    const [unknown, scope, absent, present] = await Promise.all([
      run('mr_nonsense', 'latest'),
      run(narrow, 'latest'),
      run(key, '2020-01-01T000000Z'),
      run(key, 'latest', 'there.millrace'),
    ])
    expect(unknown).toMatchObject({ exitCode: 1 })
    expect(documentOf(unknown)).toMatchObject({ error: { code: 'unauthenticated' } })
    expect(documentOf(scope)).toMatchObject({ error: { code: 'scope_missing' } })
    expect(documentOf(absent)).toMatchObject({ error: { code: 'not_found' } })
    expect(present).toMatchObject({ exitCode: 2 })
    expect(documentOf(present)).toMatchObject({ error: { code: 'file_exists' } })
    for (const { stdout, stderr } of [unknown, scope, absent, present]) expect(stdout + stderr).not.toContain(key)
  })
})
