import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freshDatabase, testWhere } from '../dialects.ts'
import { drawn, isSampled } from '../sampling.ts'
import { expect, onTestFinished, vi } from 'vitest'
import { startCloudflare } from '../deploy/cloudflare.ts'
import { documentOf, emptyDirectory, millrace, type Ended } from './millrace.ts'

// Each command starts wrangler, which starts workerd.
vi.setConfig({ testTimeout: 240_000 })

const secrets = { BCRYPT_COST: '4' }

/** Where the D1 is: a run of everything looks at one of them, by seed. */
const places = ['local', 'deployed'] as const
const isLookedAt = (place: (typeof places)[number]) => !isSampled || places[drawn('place of D1', 2)] === place

async function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const ended = await millrace([...args, '--json'], { cwd, env: { ...secrets, TMPDIR: cwd, ...env } })
  expect(ended, `${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toMatchObject({ exitCode: 0 })
  return ended
}

/** Table by table what a copy or an archive holds; but for the audit, where each copy and restore leaves an event. */
function digestsOf(ended: Ended): unknown {
  const { tables } = documentOf(ended) as { tables: Readonly<Record<string, { sha256: string }>> }
  return Object.fromEntries(
    Object.entries(tables)
      .filter(([name]) => name !== 'audit')
      .map(([name, { sha256 }]) => [name, sha256]),
  )
}

testWhere(
  isLookedAt('local'),
  'the local D1 is migrated, filled from another database, backed up, restored and copied with equal digests',
  async () => {
    const cwd = emptyDirectory()
    const source = await filledDatabase(cwd)
    const missing = await millrace(['doctor', '--database', 'd1://DB', '--json'], { cwd, env: secrets })
    expect(missing.stdout).toContain('The local D1 database does not exist.')
    expect(existsSync(join(cwd, '.millrace'))).toBe(false)

    const copied = digestsOf(await run(cwd, ['copy', '--from', source, '--to', 'd1://DB']))
    const archive = join(cwd, 'd1.archive')
    expect(digestsOf(await run(cwd, ['backup', '--out', archive, '--database', 'd1://DB']))).toEqual(copied)
    expect(digestsOf(await run(cwd, ['verify', archive]))).toEqual(copied)
    await run(cwd, ['restore', archive, '--database', 'd1://SECOND'])
    const back = `sqlite:///${join(cwd, 'back.db')}`
    expect(digestsOf(await run(cwd, ['copy', '--from', 'd1://SECOND', '--to', back]))).toEqual(copied)
  },
)

testWhere(
  isLookedAt('deployed'),
  'the deployed D1 is reached by the API of Cloudflare: the same, and a wrong token is told as such',
  async () => {
    const cwd = emptyDirectory()
    const cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:9' })
    onTestFinished(() => cloudflare.close())
    const uuid = await cloudflare.d1.make('deployed')
    const url = `d1://DB?id=${uuid}`
    const source = await filledDatabase(cwd)
    const copied = digestsOf(await run(cwd, ['copy', '--from', source, '--to', url], cloudflare.variables))
    const archive = join(cwd, 'd1.archive')
    expect(digestsOf(await run(cwd, ['backup', '--out', archive, '--database', url], cloudflare.variables))).toEqual(
      copied,
    )
    const variables = { ...cloudflare.variables, CLOUDFLARE_API_TOKEN: 'another' }
    const refused = await millrace(['migrate', 'status', '--database', url, '--json'], { cwd, env: variables })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stdout).toContain('database_auth_failed')
    const without = await millrace(['migrate', 'status', '--database', url, '--json'], { cwd, env: secrets })
    expect(without.stdout).toContain('CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN are not set')
  },
)

/** A SQLite file with a user and workflows, one of them large. */
async function filledDatabase(cwd: string): Promise<string> {
  const database = await freshDatabase('sqlite')
  onTestFinished(() => database.drop())
  await run(cwd, ['migrate', '--database', database.url])
  await database.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at)
     values ('ada', 'Ada', 'a@x', 'h', 1700000000123, 'ada', 'a@x', 'user', 0, 1700000000123)`,
  )
  for (let count = 0; count < 30; count += 1) {
    const definition = JSON.stringify({ n: count, text: '"é漢\\'.repeat(count === 7 ? 60_000 : 10) })
    await database.query(
      `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key)
       values (?, ?, 1, ?, 'ada', 0, 1700000000000, 1700000000456, 1, ?)`,
      [`w${count}`, `W${count}`, definition, `w${count}`],
    )
    await database.query(
      `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at)
       values (?, ?, 1, ?, 'ada', 1700000000000)`,
      [`v${count}`, `w${count}`, definition],
    )
  }
  return database.url
}
