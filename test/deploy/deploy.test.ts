import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { newSecrets } from '@millrace/cli/secrets'
import { startGateway } from '@millrace/gateway/server'
import { expect, onTestFinished, test, vi } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsInTurn, freshDatabase, type DialectName, type TestDatabase, testWhere } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace, start, startMillrace } from '../cli/millrace.ts'
import { drawnFrom, isLong } from '../sampling.ts'
import { workspaceRoot } from '../workspace.ts'
import { startCloudflare, type Cloudflare, type CloudflareOptions } from './cloudflare.ts'

// Each command is a process of its own that starts wrangler, and the machine may have other work.
vi.setConfig({ testTimeout: 240_000 })

const gatewayToken = 'a-gateway-token-of-more-than-32-characters'
const preload = `--import ${join(import.meta.dirname, 'reach-gateway.mjs')}`

interface World {
  readonly database: TestDatabase
  readonly cloudflare: Cloudflare
  readonly env: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

/** An empty database, its gateway with a token, and a platform to deploy to. */
async function world(dialect: DialectName, options: Partial<CloudflareOptions> = {}): Promise<World> {
  const database = await freshDatabase(dialect)
  const gateway = await startGateway({ target: targetOf(database.url), token: gatewayToken })
  const cloudflare = await startCloudflare({ gatewayUrl: gateway.url, ...options })
  onTestFinished(async () => {
    await cloudflare.close()
    await gateway.close()
    await database.drop()
  })
  const { age, ...keys } = await newSecrets()
  const secrets = {
    ...keys,
    DATABASE_URL: database.url,
    DATABASE_GATEWAY_TOKEN: gatewayToken,
    BACKUP_IDENTITY: age.identity,
  }
  const env = {
    ...cloudflare.variables,
    ...secrets,
    DATABASE_GATEWAY_URL: 'https://gateway.example',
    BACKUP_RECIPIENTS: age.recipient,
    NODE_OPTIONS: preload,
    TEST_GATEWAY_URL: gateway.url,
    WRANGLER_LOG_PATH: emptyDirectory(),
    TMPDIR: emptyDirectory(),
  }
  return { database, cloudflare, env, secrets }
}

const staging = (cloudflare: Cloudflare) => ['deploy', '--env', 'staging', '--url', cloudflare.url]

async function tablesOf(database: TestDatabase): Promise<number> {
  const lists = {
    sqlite: "sqlite_schema where name = 'workflows'",
    postgres: "information_schema.tables where table_name = 'workflows'",
    // MySQL's lists the tables of all databases.
    mysql: "information_schema.tables where table_name = 'workflows' and table_schema = database()",
  }
  return (await database.query(`select 1 as one from ${lists[database.dialect]}`)).length
}

/** Each builds a Worker with wrangler: a run of everything takes one of them. */
const others = drawnFrom(['first staging', 'no gateway', 'not ready'], 1, 'deploy')

describeDialectsInTurn((dialect) => {
  test('a deployment migrates, uploads with its secrets unseen, and is over when what it uploaded is ready', async () => {
    const { database, cloudflare, env, secrets } = await world(dialect)
    const cwd = emptyDirectory()
    const rehearsed = await millrace([...staging(cloudflare), '--dry-run', '--json'], { cwd, env })
    expect(rehearsed, rehearsed.stdout).toMatchObject({ exitCode: 0 })
    expect(documentOf(rehearsed)).toMatchObject({
      worker: 'millrace-staging',
      environment: 'staging',
      dryRun: true,
      applied: [],
      pending: expect.arrayContaining([expect.stringMatching(/^0001_/)]),
      url: null,
      version: null,
      vars: ['BACKUP_RECIPIENTS', 'DATABASE_GATEWAY_URL'],
      secrets: Object.keys(secrets).toSorted(),
    })
    expect({ uploads: cloudflare.uploads, tables: await tablesOf(database) }).toEqual({ uploads: [], tables: 0 })

    const deployed = await millrace([...staging(cloudflare), '--json'], { cwd, env })
    expect(deployed, deployed.stdout).toMatchObject({ exitCode: 0 })
    const [upload] = cloudflare.uploads
    const document = documentOf(deployed) as { bundle: { gzipBytes: number } }
    expect(document).toMatchObject({
      dryRun: false,
      url: cloudflare.url,
      version: upload?.version,
      applied: expect.arrayContaining([expect.stringMatching(/^0001_/)]),
      pending: [],
    })
    expect(document.bundle.gzipBytes).toBeGreaterThan(50_000)
    expect((await fetch(`${cloudflare.url}/readyz`)).headers.get('X-Millrace-Deployment')).toBe(upload?.version)

    const textsOf = (kind: string) =>
      Object.fromEntries(
        upload?.bindings.filter(({ type }) => type === kind).map(({ name, text }) => [name, text]) ?? [],
      )
    expect(textsOf('secret_text')).toEqual(secrets)
    expect(Object.keys(textsOf('plain_text')).toSorted()).toEqual(['BACKUP_RECIPIENTS', 'DATABASE_GATEWAY_URL'])
    expect(cloudflare.crons.length).toBeGreaterThan(0)
    const seen = [...(upload?.commandLines ?? []), deployed.stdout, deployed.stderr, rehearsed.stderr].join('\n')
    expect(seen).toContain('secrets.json')
    for (const secret of Object.values(secrets)) expect(seen).not.toContain(secret)
    expect(readdirSync(env['TMPDIR'] ?? '').filter((name) => name.startsWith('millrace-'))).toEqual([])
  })
})

testWhere(
  others.includes('first staging'),
  'the script for a first staging makes secrets that stay, and gets as far as a dry run goes',
  async () => {
    const { cloudflare, env } = await world('sqlite')
    const directory = emptyDirectory()
    const { AUTH_KEYS: _auth, SETTINGS_KEYS: _seal, METRICS_TOKEN: _token, BACKUP_RECIPIENTS: _age, ...given } = env
    const script = join(workspaceRoot, 'deploy/staging.sh')
    const call = { cwd: directory, env: { ...given, MILLRACE_SECRETS: relative(workspaceRoot, directory) } }
    const run = () => start('sh', [script, '--dry-run', '--json'], call).ended
    const ended = await run()
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 })
    expect(documentOf(ended)).toMatchObject({
      worker: 'millrace-staging',
      dryRun: true,
      secrets: expect.arrayContaining(['AUTH_KEYS', 'DATABASE_URL', 'METRICS_TOKEN', 'SETTINGS_KEYS']),
    })
    const kept = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777])
    expect(Object.fromEntries(kept)).toEqual({
      AUTH_KEYS: 0o600,
      BACKUP_RECIPIENTS: 0o600,
      METRICS_TOKEN: 0o600,
      SETTINGS_KEYS: 0o600,
      'age-identity': 0o600,
    })
    for (const [name] of kept) {
      expect(ended.stdout + ended.stderr).not.toContain(readFileSync(join(directory, String(name)), 'utf8').trim())
    }
    expect(cloudflare.uploads).toEqual([])
  },
)

testWhere(
  others.includes('no gateway'),
  'a dry run names a gateway that it cannot reach, and bundles and checks the rest',
  async () => {
    const { cloudflare, env } = await world('sqlite')
    const unreachable = { ...env, TEST_GATEWAY_URL: 'http://127.0.0.1:1' }
    const call = { cwd: emptyDirectory(), env: unreachable }
    const ended = await millrace([...staging(cloudflare), '--dry-run', '--json'], call)
    expect(ended.exitCode).toBe(1)
    const document = documentOf(ended) as { bundle: { gzipBytes: number }; error: { what: string } }
    expect(document).toMatchObject({ ok: false, dryRun: true, pending: null, error: { code: 'database_unreachable' } })
    expect(document.error.what).toContain('The gateway gateway.example cannot be reached')
    expect(document.bundle.gzipBytes).toBeGreaterThan(50_000)
    expect(cloudflare.uploads).toEqual([])
  },
)

test('a migration that fails ends it before the upload', async () => {
  const { database, cloudflare, env } = await world('sqlite')
  await database.query('create table users (id text)')
  const ended = await millrace([...staging(cloudflare), '--json'], { cwd: emptyDirectory(), env })
  expect(ended.exitCode).toBe(1)
  expect(documentOf(ended)).toMatchObject({ error: { code: 'not_empty' } })
  expect(cloudflare.uploads).toEqual([])
})

testWhere(isLong, 'an upload that the platform refuses is told with its words, and exits 1', async () => {
  const { cloudflare, env } = await world('sqlite', { refusal: 'this token may not deploy' })
  const ended = await millrace([...staging(cloudflare), '--json'], { cwd: emptyDirectory(), env })
  expect(ended.exitCode).toBe(1)
  expect(documentOf(ended)).toMatchObject({
    error: { code: 'internal', why: expect.stringContaining('may not deploy') },
  })
})

testWhere(
  others.includes('not ready'),
  'a deployment that is up and not ready exits 1 with the code of its /readyz',
  async () => {
    const { cloudflare, env } = await world('sqlite', { gatewayUrl: 'http://127.0.0.1:1' })
    const ended = await millrace([...staging(cloudflare), '--wait', '0', '--json'], { cwd: emptyDirectory(), env })
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({
      ok: false,
      url: cloudflare.url,
      error: { code: 'database_unreachable', fix: expect.stringContaining('wrangler rollback --env staging') },
    })
  },
)

test('an interrupted upload ends with 130 and leaves no secret behind', async () => {
  let isUploading = false
  const { cloudflare, env } = await world('sqlite', {
    async onUpload() {
      isUploading = true
      await new Promise(() => undefined)
    },
  })
  const running = startMillrace(staging(cloudflare), { cwd: emptyDirectory(), env })
  const uploading = vi.waitFor(() => expect(isUploading).toBe(true), { timeout: 100_000, interval: 50 })
  await Promise.race([uploading, running.ended.then(({ stderr }) => expect.fail(stderr))])
  running.process.kill('SIGINT')
  expect(await running.ended).toMatchObject({ exitCode: 130 })
  expect(readdirSync(env['TMPDIR'] ?? '').filter((name) => name.startsWith('millrace-'))).toEqual([])
})
