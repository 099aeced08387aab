import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { newServiceSecrets } from '../secrets.ts'
import { makePlan, type DeployOptions } from './plan.ts'

// The first plan loads wrangler, which reads wrangler.toml.
vi.setConfig({ testTimeout: 60_000 })

const workspace = fileURLToPath(new URL('../../../..', import.meta.url))
const good = {
  ...newServiceSecrets(),
  DATABASE_URL: 'postgresql://app:canary-password@db.internal/workflows',
  DATABASE_GATEWAY_URL: 'https://gateway.example',
  DATABASE_GATEWAY_TOKEN: 'canary-token-of-32-characters-or-more',
  LOG_LEVEL: 'warn',
}

function planOf(variables: Readonly<Record<string, string>>, options: DeployOptions = {}, at = workspace) {
  const context: Context = {
    output: {
      isJson: false,
      isColored: false,
      result: () => undefined,
      note: () => undefined,
      noteOnce: () => undefined,
      failure: () => undefined,
    },
    directories: { caller: at, workspace: at },
    lifetime: {
      interruption: new AbortController().signal,
      defer: () => undefined,
      endOnSecondSignal: () => undefined,
      end: () => undefined,
    },
    environment: () => variables,
  }
  return makePlan(context, options)
}

async function failureOf(plan: Promise<unknown>): Promise<Failure> {
  const thrown: unknown = await plan.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof Failure) return thrown
  throw new Error('the plan was made')
}

test('a plan parts what is secret from what may be seen, and --database stands for DATABASE_URL', async () => {
  const database = 'libsql://db.example'
  const plan = await planOf(good, { env: 'staging', url: 'https://api.example.com/', database })
  expect(plan).toMatchObject({ worker: 'millrace-staging', url: 'https://api.example.com' })
  expect(plan.vars).toEqual({ DATABASE_GATEWAY_URL: 'https://gateway.example', LOG_LEVEL: 'warn' })
  const { DATABASE_GATEWAY_URL: _url, LOG_LEVEL: _level, ...secrets } = good
  expect(plan.secrets).toEqual({ ...secrets, DATABASE_URL: database })
})

test('all that is wrong is told at once, and no secret with it', async () => {
  const { AUTH_KEYS: _keys, ...rest } = good
  const failure = await failureOf(planOf({ ...rest, BCRYPT_COST: '99', CORS_ORIGINS: 'example.com' }))
  expect(failure).toMatchObject({ code: 'settings_invalid', exitCode: 2 })
  for (const name of ['AUTH_KEYS', 'BCRYPT_COST', 'CORS_ORIGINS']) expect(failure.words.why).toContain(name)
  expect(JSON.stringify(failure.words)).not.toContain('canary')
})

test.for([
  [{ DATABASE_GATEWAY_URL: 'http://127.0.0.1:8789' }, 'DATABASE_GATEWAY_URL: it leads to this machine'],
  [{ DATABASE_GATEWAY_URL: 'http://[::1]:8789' }, 'DATABASE_GATEWAY_URL: it leads to this machine'],
  [{ DATABASE_GATEWAY_URL: 'https://gateway.localhost' }, 'DATABASE_GATEWAY_URL: it leads to this machine'],
  [{ DATABASE_GATEWAY_URL: 'http://gateway.example' }, 'DATABASE_GATEWAY_URL: it is http'],
  [{ DATABASE_GATEWAY_TOKEN: '' }, 'DATABASE_GATEWAY_TOKEN: it is not set'],
  [{ DATABASE_GATEWAY_URL: '' }, 'DATABASE_GATEWAY_URL: it is not set'],
  [{ DATABASE_URL: 'http://127.0.0.1:8080' }, 'DATABASE_URL: it leads to this machine'],
  [{ DATABASE_URL: 'sqlite:///./workflows.db', DATABASE_GATEWAY_URL: '' }, 'DATABASE_GATEWAY_URL: it is not set'],
  [{ DATABASE_URL: '' }, 'DATABASE_URL: it is not set'],
] as const)('what only this machine could reach is no deployment: %j', async ([variables, why]) => {
  const present = Object.entries({ ...good, ...variables }).filter(([, value]) => value !== '')
  const { code, words } = await failureOf(planOf(Object.fromEntries(present)))
  expect(code).toBe('settings_invalid')
  expect(words.why).toContain(why)
})

test.for([
  [{ env: 'nowhere' }, 'wrangler.toml has staging, production.'],
  [{ url: 'api.example.com' }, 'The routes of the API are asked for below it.'],
  [{ url: 'https://api.example.com/v1' }, 'The routes of the API are asked for below it.'],
] as const)('deploy %j is refused', async ([options, why]) => {
  const { code, words } = await failureOf(planOf(good, options))
  expect({ code, why: words.why }).toEqual({ code: 'usage', why })
})

const throughHyperdrive = {
  ...newServiceSecrets(),
  DATABASE_URL: 'hyperdrive://HYPERDRIVE',
}
const own = 'postgresql+asyncpg://app:canary-password@db.example/workflows'

/** A workspace whose wrangler.toml has a Hyperdrive binding for staging. */
function boundWorkspace(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-plan-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const text = readFileSync(join(workspace, 'wrangler.toml'), 'utf8')
  const binding = '\n[[env.staging.hyperdrive]]\nbinding = "HYPERDRIVE"\nid = "0123456789abcdef0123456789abcdef"\n'
  writeFileSync(join(directory, 'wrangler.toml'), `${text}${binding}`)
  return directory
}

test('through Hyperdrive the functions keep their URL, and --database is what the commands reach', async () => {
  const plan = await planOf(throughHyperdrive, { env: 'staging', database: own }, boundWorkspace())
  expect(plan.secrets['DATABASE_URL']).toBe('hyperdrive://HYPERDRIVE')
  expect(plan.settings.database).toMatchObject({ dialect: 'postgres', via: 'hyperdrive', binding: 'HYPERDRIVE' })
  expect(plan.hyperdrive).toMatchObject({
    id: '0123456789abcdef0123456789abcdef',
    own: { target: { via: 'gateway', host: 'db.example' } },
  })
})

test('a Hyperdrive binding that wrangler.toml lacks is refused with the command that makes one', async () => {
  for (const at of [workspace, boundWorkspace()]) {
    const { code, words } = await failureOf(planOf(throughHyperdrive, { env: 'production', database: own }, at))
    expect(code).toBe('settings_invalid')
    expect(JSON.stringify(words)).toContain('npx wrangler hyperdrive create NAME --caching-disabled')
    expect(JSON.stringify(words)).not.toContain('canary')
  }
})

test.for([
  [{}, throughHyperdrive, 'Only the deployed functions have a Hyperdrive binding.'],
  [{ database: 'hyperdrive://OTHER' }, good, 'Only the deployed functions have a Hyperdrive binding.'],
  [{ database: 'sqlite:///./workflows.db' }, throughHyperdrive, 'is not one that Hyperdrive reaches'],
] as const)(
  'through Hyperdrive, without the database by itself, nothing is deployed: %j',
  async ([options, env, why]) => {
    const { words } = await failureOf(planOf(env, { env: 'staging', ...options }, boundWorkspace()))
    expect(words.why).toContain(why)
  },
)
