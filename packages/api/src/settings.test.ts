import { expect, test } from 'vitest'
import { parseSettings, type Environment } from './settings.ts'

const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'
const good: Environment = {
  DATABASE_URL: 'postgresql://millrace:pw@ep-x.neon.tech/db',
  AUTH_KEYS: `new:${key},old:${key}A`,
}

test('what is not set has the value that docs/contract/cli.md and docs/contract/api.md name', () => {
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

test('RATE_LIMITS sets those that it names, the others keep their defaults', () => {
  const limits = (text: string) => {
    const parsed = parseSettings({ ...good, RATE_LIMITS: text })
    return parsed.ok ? parsed.settings.rateLimits : parsed.problems
  }
  const defaults = { registrations: 20, login_name_network: 5, login_name: 50, login_network: 100, shares: 100 }
  expect(limits('')).toEqual(defaults)
  expect(limits('shares=7, registrations=2000')).toEqual({ ...defaults, shares: 7, registrations: 2000 })
})

test('MAIL_WEBHOOK_SECRET is base64 after whsec_', () => {
  const secret = Buffer.from('a secret of twenty-seven by').toString('base64')
  const webhook = { MAIL_WEBHOOK_URL: 'https://mail.example.com/hook', MAIL_WEBHOOK_SECRET: `whsec_${secret}` }
  const parsed = parseSettings({ ...good, ...webhook })
  expect(parsed.ok && parsed.settings.mailWebhook?.url).toBe('https://mail.example.com/hook')
  expect(parsed.ok && parsed.settings.mailWebhook?.secret.length).toBe(27)
})

test.each<[string, Environment, string]>([
  ['a limit that is none', { ...good, RATE_LIMITS: 'logins=5' }, 'RATE_LIMITS'],
  ['a limit of none', { ...good, RATE_LIMITS: 'shares=0' }, 'RATE_LIMITS'],
  ['a limit twice', { ...good, RATE_LIMITS: 'shares=1,shares=2' }, 'RATE_LIMITS'],
  ['a limit without a number', { ...good, RATE_LIMITS: 'shares' }, 'RATE_LIMITS'],
  ['a mail webhook without a secret', { ...good, MAIL_WEBHOOK_URL: 'https://a.example' }, 'MAIL_WEBHOOK_SECRET'],
  ['a secret of another form', { ...good, MAIL_WEBHOOK_SECRET: 'plain' }, 'MAIL_WEBHOOK_SECRET'],
  [
    'a mail webhook that is no URL',
    { ...good, MAIL_WEBHOOK_URL: 'mail', MAIL_WEBHOOK_SECRET: `whsec_${'A'.repeat(32)}` },
    'MAIL_WEBHOOK_URL',
  ],
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
