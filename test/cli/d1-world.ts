import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { startCloudflare } from '../deploy/cloudflare.ts'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { millrace, type Ended } from './millrace.ts'

/** Where a D1 database is: in the files of `millrace dev`, or in an account, behind Cloudflare's API. */
export const places = ['local', 'deployed'] as const
export type Place = (typeof places)[number]

export interface D1World {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The URL of an empty D1 database that nobody else has. */
  fresh(): Promise<string>
  stop(): Promise<void>
}

/** A directory, and with the deployed place an account whose API a stand-in answers. */
export async function startD1World(place: Place): Promise<D1World> {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-d1-')))
  const env = { BCRYPT_COST: '4', TMPDIR: cwd }
  const remove = () => rmSync(cwd, { recursive: true, force: true, maxRetries: 5 })
  let made = 0
  if (place === 'local') {
    const fresh = () => Promise.resolve(`d1://DB${(made += 1)}`)
    return { cwd, env, fresh, stop: async () => remove() }
  }
  const cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:9' })
  return {
    cwd,
    env: { ...env, ...cloudflare.variables },
    fresh: async () => `d1://DB?id=${await cloudflare.d1.make(`d1-${(made += 1)}`)}`,
    async stop() {
      await cloudflare.close()
      remove()
    },
  }
}

/** Runs a command with `--json`, and expects that it succeeds. */
export async function succeed({ cwd, env }: Pick<D1World, 'cwd' | 'env'>, args: readonly string[], input = '') {
  const ended = await millrace([...args, '--json'], { cwd, env, input })
  expect(ended, `${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toMatchObject({ exitCode: 0 })
  return ended
}

/** Table by table what a copy or an archive holds; but for the audit, where each copy and restore leaves an event. */
export function digestsOf({ stdout }: Ended): unknown {
  const { tables } = JSON.parse(stdout) as { tables: Readonly<Record<string, { sha256: string }>> }
  return Object.fromEntries(
    Object.entries(tables)
      .filter(([name]) => name !== 'audit')
      .map(([name, { sha256 }]) => [name, sha256]),
  )
}

/** In JSON it takes twice its bytes. */
export const quotesOf = (bytes: number) => '"'.repeat(bytes)

/** A migrated SQLite file with the administrator ada and 30 workflows of hers, one as large as a row of D1 can be. */
export async function filledDatabase(world: Pick<D1World, 'cwd' | 'env'>): Promise<TestDatabase> {
  const database = await freshDatabase('sqlite')
  await succeed(world, ['migrate', '--database', database.url])
  await database.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at)
     values ('ada', 'Ada', 'a@x', 'h', 1700000000123, 'ada', 'a@x', 'admin', 0, 1700000000123)`,
  )
  for (let count = 0; count < 30; count += 1) {
    const text = count === 7 ? quotesOf(940_000) : '"é漢\\'.repeat(10)
    await insertWorkflow(database, `w${count}`, JSON.stringify({ n: count, text }))
  }
  return database
}

export async function insertWorkflow(database: TestDatabase, id: string, definition: string): Promise<void> {
  await database.query(
    `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key)
     values (?, ?, 1, ?, 'ada', 0, 1700000000000, 1700000000456, 1, ?)`,
    [id, id, definition, id],
  )
  await database.query(
    `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at)
     values (?, ?, 1, ?, 'ada', 1700000000000)`,
    [`v${id}`, id, definition],
  )
}
