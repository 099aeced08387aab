import { expect, test } from 'vitest'
import { parseSettings, type Environment } from './settings.ts'

const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'
const good: Environment = {
  DATABASE_URL: 'postgresql://millrace:pw@ep-x.neon.tech/db',
  AUTH_KEYS: `new:${key},old:${key}A`,
}

test('what is not set has the value that CLI.md and API.md name', () => {
  const parsed = parseSettings(good)
  expect(parsed).toMatchObject({
    ok: true,
    settings: {
      registration: 'open',
      bcryptCost: 10,
      maxBodyBytes: 1_048_576,
      backupKeep: { days: 7, weeks: 4, months: 12 },
      corsOrigins: [],
      logLevel: 'info',
      slowQueryMilliseconds: 200,
    },
  })
})

test('the first of AUTH_KEYS stays the first, and secrets are bytes', () => {
  const parsed = parseSettings(good)
  const keys = parsed.ok ? parsed.settings.authKeys : []
  expect(keys.map(({ kid, secret }) => [kid, secret.length])).toEqual([
    ['new', 32],
    ['old', 33],
  ])
})

test('everything that is wrong is listed at once, and no secret is in the list', () => {
  const secret = 'c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0'
  const parsed = parseSettings({
    DATABASE_URL: 'postgresql://millrace:hush@db.internal/x?pool_sizes=5',
    AUTH_KEYS: `a:${secret}`,
    BCRYPT_COST: '99',
    REGISTRATION: 'maybe',
    CORS_ORIGINS: 'https://app.example/path',
    TRUSTED_PROXIES: '10.0.0.0/33',
    BACKUP_KEEP: '7x',
    BACKUP_RECIPIENTS: 'ssh-ed25519 AAAA',
    DATABASE_GATEWAY_URL: 'ftp://127.0.0.1',
    LOG_LEVEL: 'loud',
    MAX_BODY_BYTES: '1e6',
  })
  const problems = parsed.ok ? [] : parsed.problems
  expect(new Set(problems.map(({ variable }) => variable))).toEqual(
    new Set([
      'DATABASE_URL',
      'AUTH_KEYS',
      'BCRYPT_COST',
      'REGISTRATION',
      'CORS_ORIGINS',
      'TRUSTED_PROXIES',
      'BACKUP_KEEP',
      'BACKUP_RECIPIENTS',
      'DATABASE_GATEWAY_URL',
      'LOG_LEVEL',
      'MAX_BODY_BYTES',
    ]),
  )
  expect(JSON.stringify(problems)).not.toContain('hush')
  expect(JSON.stringify(problems)).not.toContain(secret)
})

test.each<[string, Environment, string]>([
  ['no database', { AUTH_KEYS: good['AUTH_KEYS'] }, 'DATABASE_URL'],
  ['an empty value counts as absent', { ...good, DATABASE_URL: '' }, 'DATABASE_URL'],
  ['no keys', { DATABASE_URL: good['DATABASE_URL'] }, 'AUTH_KEYS'],
  ['a kid twice', { ...good, AUTH_KEYS: `a:${key},a:${key}` }, 'AUTH_KEYS'],
  ['a key without kid', { ...good, AUTH_KEYS: key }, 'AUTH_KEYS'],
  ['31 bytes', { ...good, AUTH_KEYS: `a:${'A'.repeat(42)}` }, 'AUTH_KEYS'],
  ['settings keys of 33 bytes', { ...good, SETTINGS_KEYS: `a:${key}A` }, 'SETTINGS_KEYS'],
  ['a file without its gateway', { ...good, DATABASE_URL: 'sqlite:///./w.db' }, 'DATABASE_GATEWAY_URL'],
  [
    'a replica without an HTTP endpoint, and no gateway before it',
    { ...good, DATABASE_READ_URL: 'postgresql://u:p@replica.internal/db' },
    'DATABASE_READ_GATEWAY_URL',
  ],
  [
    "a replica's gateway with a path",
    {
      ...good,
      DATABASE_READ_URL: 'postgresql://u:p@replica.internal/db',
      DATABASE_READ_GATEWAY_URL: 'http://127.0.0.1:8790/sql',
    },
    'DATABASE_READ_GATEWAY_URL',
  ],
  ['a replica of another kind', { ...good, DATABASE_READ_URL: 'libsql://x.turso.io' }, 'DATABASE_READ_URL'],
  ['* beside an origin', { ...good, CORS_ORIGINS: '*,https://a.example' }, 'CORS_ORIGINS'],
])('%s is refused', (_, env, variable) => {
  const parsed = parseSettings(env)
  expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.variable)).toEqual([variable])
})

test('a command that signs nothing and runs its own gateway needs only the database', () => {
  expect(parseSettings({ DATABASE_URL: 'sqlite:///./w.db' }, {}).ok).toBe(true)
})
