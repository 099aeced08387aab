import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encrypterFor } from '@millrace/db/archive/encryption'
import type { TableDigests } from '@millrace/db/archive/digest'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import type { RawRow } from '../dialects.ts'
import { toolsOf, type ToolEnvironment } from '../servers/debian-tools.ts'
import { archiveOf, fill, restored } from './archives.ts'

/** A pair proven without millrace's code: by the tools of any system, and by plain SQL on both sides. */

let directory: string
let source: ReachedDatabase
let expected: TableDigests
let archive: Buffer

beforeAll(async () => {
  directory = join(inject('directory'), 'tools')
  mkdirSync(directory, { recursive: true })
  source = await reachDatabase('sqlite')
  expected = await fill(source.database, { users: 9, workflows: 25, executions: 400 })
  archive = await archiveOf(source.database)
  writeFileSync(join(directory, 'archive'), archive)
})

afterAll(async () => {
  await source.stop()
  rmSync(directory, { recursive: true, force: true })
})

const shellWith =
  (environment: ToolEnvironment) =>
  (script: string): string =>
    execFileSync('sh', ['-ec', script], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    }).trim()

test('gunzip, jq and sha256sum find the digests of the last line', { timeout: 120_000 }, (context) => {
  const shell = shellWith(toolsOf(context, 'jq'))
  const told = JSON.parse(shell('gunzip -c < archive | tail -n 1 | jq -c .tables')) as TableDigests
  expect(told).toEqual(expected)
  for (const [table, { rows, sha256 }] of Object.entries(told)) {
    const select = `gunzip -c < archive | jq -cS 'select(.t == "${table}") | .r'`
    expect(shell(`${select} | sha256sum | cut -d ' ' -f 1`), table).toBe(sha256)
    expect(Number(shell(`${select} | wc -l`)), table).toBe(rows)
  }
})

test('Debian’s age opens it', { timeout: 120_000 }, async (context) => {
  const shell = shellWith(toolsOf(context, 'age'))
  const identity = await generateX25519Identity()
  const encrypter = encrypterFor([await identityToRecipient(identity)])
  writeFileSync(join(directory, 'encrypted'), await archiveOf(source.database, { encrypter }))
  writeFileSync(join(directory, 'identity'), `${identity}\n`)
  const lines = shell('age -d -i identity encrypted | gunzip -c | tail -n +2')
  expect(lines).toBe(shell('gunzip -c < archive | tail -n +2'))
})

const columns: Readonly<Record<string, string>> = {
  users: 'id, username, email, password_hash, role, username_key, email_key',
  api_keys: 'id, user_id, name, scopes, prefix, key_sha256',
  settings: 'id, user_id, settings_data, revision',
  workflows: 'id, name, description, definition, owner_id, version_number, revision, name_key',
  workflow_versions: 'id, workflow_id, version_number, definition, change_notes, created_by',
  workflow_shares: 'id, workflow_id, shared_with_user_id, permission, shared_by',
  executions: 'id, workflow_id, user_id, status, state, input, error, version_number, attempts, max_attempts, fence',
}

const times: Readonly<Record<string, readonly string[]>> = {
  users: ['created_at', 'disabled_at', 'tokens_valid_from', 'updated_at'],
  executions: ['started_at', 'completed_at', 'due_at', 'created_at', 'updated_at'],
}

const textOf = (rows: readonly RawRow[]): readonly string[] =>
  rows
    .map((row) =>
      JSON.stringify(
        Object.values(row).map((value) =>
          typeof value === 'number' || typeof value === 'bigint' ? value.toString() : value,
        ),
      ),
    )
    .toSorted()

test('on PostgreSQL plain SQL finds the rows that plain SQL finds on SQLite', async () => {
  const target = await reachDatabase('postgres')
  try {
    await restored(target.database, archive)
    for (const [table, names] of Object.entries(columns)) {
      const milliseconds = times[table] ?? ['created_at']
      const ofSqlite = milliseconds.join(', ')
      const ofPostgres = milliseconds
        .map((name) => `cast(extract(epoch from ${name}) * 1000 as bigint) as ${name}`)
        .join(', ')
      const documents = names.replaceAll(/\b(definition|settings_data|state|input|error)\b/g, 'cast($1 as text) as $1')
      const [before, after] = await Promise.all([
        source.raw.query(`select ${names}, ${ofSqlite} from ${table}`),
        target.raw.query(`select ${documents}, ${ofPostgres} from ${table}`),
      ])
      expect(textOf(after), table).toEqual(textOf(before))
    }
  } finally {
    await target.stop()
  }
})
