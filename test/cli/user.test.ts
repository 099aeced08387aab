import { knownMigrations } from '@millrace/db/schema/known-migrations'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeOneDialect, freshDatabase, type TestDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const password = 'correct horse battery\n'

describeOneDialect((dialect) => {
  let database: TestDatabase
  const run = (args: readonly string[], input?: string) =>
    millrace([...args, '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, BCRYPT_COST: '4' },
      ...(input === undefined ? {} : { input }),
    })

  const hopperRow = async () => {
    const [row] = await database.query("select * from users where username = 'hopper'")
    return row
  }

  beforeAll(async () => {
    database = await freshDatabase(dialect)
  })
  afterAll(() => database.drop())

  test('an empty database is refused with the command that mends it, and migrated by it, once', async () => {
    const refused = await run(['user', 'list'])
    expect(refused.exitCode).toBe(1)
    expect(documentOf(refused)).toMatchObject({
      error: {
        code: dialect === 'sqlite' ? 'database_missing' : 'database_schema_outdated',
        fix: expect.stringContaining('millrace migrate'),
      },
    })
    expect(await run(['migrate', 'status'])).toMatchObject({ exitCode: 1 })
    expect(documentOf(await run(['push']))).toEqual({ applied: knownMigrations })
    expect(documentOf(await run(['migrate']))).toEqual({ applied: [] })
    const status = await run(['migrate', 'status'])
    expect(status.exitCode).toBe(0)
    expect(documentOf(status)).toEqual({
      applied: knownMigrations.map((name) => ({
        name,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      })),
      pending: [],
      changed: [],
      newer: [],
    })
  })

  test('a user is added with a hashed password, once for a name in any case and once for an email', async () => {
    const added = await run(['user', 'add', 'Grace', '--email', 'Grace@example.com', '--admin'], password)
    expect(added).toMatchObject({ exitCode: 0, stderr: '' })
    const user = {
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      username: 'Grace',
      email: 'Grace@example.com',
      role: 'admin',
      createdAt: expect.stringMatching(/\.\d{3}Z$/),
      disabledAt: null,
    }
    expect(documentOf(added)).toEqual(user)
    const [row] = await database.query("select password_hash from users where username = 'Grace'")
    expect(row?.['password_hash']).toMatch(/^\$2b\$04\$.{53}$/)
    const nameTaken = await run(['user', 'add', 'gRACE', '--email', 'other@example.com'], password)
    expect(nameTaken.exitCode).toBe(1)
    expect(documentOf(nameTaken)).toMatchObject({ error: { code: 'username_taken' } })
    const emailTaken = await run(['user', 'add', 'other', '--email', 'GRACE@example.com'], password)
    expect(emailTaken.exitCode).toBe(1)
    expect(documentOf(emailTaken)).toMatchObject({ error: { code: 'email_taken' } })
    expect(documentOf(await run(['user', 'list']))).toEqual({ items: [user] })
  })

  test('a user is disabled, enabled, and given a new password that ends its sessions', async () => {
    await run(['user', 'add', 'hopper', '--email', 'hopper@example.com'], password)
    const before = await hopperRow()
    const disabled = await run(['user', 'disable', 'HOPPER'])
    expect(documentOf(disabled)).toMatchObject({ username: 'hopper', disabledAt: expect.any(String) })
    const again = await run(['user', 'disable', 'hopper'])
    expect(documentOf(again)).toEqual(documentOf(disabled))
    expect((await hopperRow())?.['disabled_at']).not.toBeNull()
    expect(documentOf(await run(['user', 'enable', 'hopper']))).toMatchObject({ disabledAt: null })
    expect((await hopperRow())?.['disabled_at']).toBeNull()
    expect((await hopperRow())?.['password_hash']).toBe(before?.['password_hash'])
    const changed = await run(['user', 'password', 'hopper@example.com'], 'another good one\n')
    expect(documentOf(changed)).toMatchObject({ username: 'hopper' })
    const after = await hopperRow()
    expect(after?.['password_hash']).not.toBe(before?.['password_hash'])
    expect(after?.['tokens_valid_from']).not.toEqual(before?.['tokens_valid_from'])
  })

  test('a role is given and taken, and shows in the next list', async () => {
    expect(documentOf(await run(['user', 'role', 'HOPPER', 'admin']))).toMatchObject({
      username: 'hopper',
      role: 'admin',
    })
    expect((await hopperRow())?.['role']).toBe('admin')
    expect(documentOf(await run(['user', 'role', 'hopper', 'user']))).toMatchObject({ role: 'user' })
    expect((await hopperRow())?.['role']).toBe('user')
    const refused = await run(['user', 'role', 'hopper', 'owner'])
    expect(refused.exitCode).toBe(2)
    expect(documentOf(refused)).toMatchObject({ error: { code: 'usage' } })
  })

  test('a user that owns workflows is not removed; one that owns none is, disabled too, and its name is free', async () => {
    await run(['user', 'add', 'leaver', '--email', 'leaver@example.com'], password)
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'flow.json'), '{}')
    await millrace(['import', 'flow.json', '--owner', 'leaver'], { cwd, env: { DATABASE_URL: database.url } })
    const kept = await run(['user', 'remove', 'leaver'])
    expect(kept.exitCode).toBe(1)
    expect(documentOf(kept)).toMatchObject({ error: { code: 'account_in_use' } })
    await database.query(
      "delete from workflow_versions where workflow_id in (select id from workflows where name = 'flow')",
    )
    await database.query("delete from workflows where name = 'flow'")
    await run(['user', 'disable', 'leaver'])
    expect(documentOf(await run(['user', 'remove', 'Leaver@example.com']))).toMatchObject({ username: 'leaver' })
    expect(await database.query("select id from users where username = 'leaver'")).toEqual([])
    expect(await run(['user', 'add', 'leaver', '--email', 'leaver@example.com'], password)).toMatchObject({
      exitCode: 0,
    })
  })

  test('an unknown name is not_found, and nothing changes', async () => {
    const before = await database.query('select * from users order by id')
    for (const args of [
      ['disable', 'nobody'],
      ['remove', 'nobody'],
      ['role', 'nobody', 'admin'],
    ]) {
      const ended = await run(['user', ...args])
      expect(ended.exitCode).toBe(1)
      expect(documentOf(ended)).toMatchObject({ error: { code: 'not_found' } })
    }
    expect(await database.query('select * from users order by id')).toEqual(before)
  })
})

/** On a file that is no database yet, and stays so: what is wrong is found before it is opened. */
async function runUnopened(args: readonly string[], input: string) {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'workflows.db'), '')
  const ended = await millrace([...args, '--json'], { cwd, input })
  expect(statSync(join(cwd, 'workflows.db')).size).toBe(0)
  return ended
}

describe('before any work', () => {
  test.for([
    ['seven77\n', 'too short'],
    [`${'x'.repeat(73)}\n`, 'too long'],
    ['', 'absent'],
    ['two lines\nof text\n', 'two lines'],
    ['with \0 in it\n', 'with U+0000'],
  ])('a password that is %j (%s) is refused before any work, and never shown', async ([input = '']) => {
    const ended = await runUnopened(['user', 'add', 'lovelace', '--email', 'lovelace@example.com'], input)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'validation_failed' } })
    if (input !== '') expect(ended.stdout + ended.stderr).not.toContain(input.split('\n')[0])
  })

  test.for([
    ['ab', 'ok@example.com'],
    ['with space', 'ok@example.com'],
    ['fine', 'no-address'],
  ])('the name %s with the email %s is refused before any work', async ([name = '', email = '']) => {
    const ended = await runUnopened(['user', 'add', name, '--email', email], password)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'validation_failed' } })
  })
})
