import { afterEach, expect, test, vi } from 'vitest'

const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'

const execution = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} }

afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

async function isolate(env: Readonly<Record<string, unknown>>) {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    lines.push(line)
  })
  const { default: functions } = await import('./index.ts')
  return {
    lines,
    fetch: async (path: string) => functions.fetch(new Request(`https://functions.example${path}`), env, execution),
    scheduled: () => functions.scheduled({ scheduledTime: 0, cron: '*/5 * * * *' }, env),
  }
}

test('a function whose environment is wrong answers 500; answer and log name every variable, with no value', async () => {
  const { lines, fetch } = await isolate({
    DATABASE_URL: 'postgresql://u:hush@x.neon.tech/d',
    AUTH_KEYS: 'a:hush',
    BCRYPT_COST: '99',
  })
  const answer = await fetch('/v1/workflows')
  expect(answer.status).toBe(500)
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
  const body = await answer.text()
  expect(JSON.parse(body)).toMatchObject({ code: 'internal', requestId: answer.headers.get('X-Request-Id') })
  expect(body).toMatch(/AUTH_KEYS, BCRYPT_COST is missing or wrong.*see docs\/deploy\.md/)
  expect(body).not.toMatch(/hush|\b99\b/)
  const log = lines.join('\n')
  expect(log).toMatch(/AUTH_KEYS/)
  expect(log).toMatch(/BCRYPT_COST/)
  expect(log).not.toMatch(/hush/)
})

test('it still says that it runs, and not that it is ready', async () => {
  const { fetch } = await isolate({})
  expect((await fetch('/healthz')).status).toBe(200)
  expect((await fetch('/readyz')).status).toBe(500)
})

test('with a good environment the table is served, and bindings that are no text are no settings', async () => {
  const { fetch } = await isolate({
    DATABASE_URL: 'postgresql://u:p@x.neon.tech/d',
    AUTH_KEYS: `a:${key}`,
    BACKUPS: {},
  })
  expect((await fetch('/healthz')).status).toBe(200)
  expect((await fetch('/v1/workflows')).status).toBe(401)
})

test('a scheduled run under a wrong environment fails, and names the variables without their values', async () => {
  const { scheduled } = await isolate({ DATABASE_URL: 'postgresql://u:hush@x.neon.tech/d', AUTH_KEYS: 'a:hush' })
  await expect(scheduled()).rejects.toThrow(/AUTH_KEYS/)
  await expect(scheduled()).rejects.not.toThrow(/hush/)
})

const bound = {
  connectionString: 'postgresql://u:hush@x.hyperdrive.local:5432/d',
  host: 'x.hyperdrive.local',
  port: 5432,
  user: 'u',
  password: 'hush',
  database: 'd',
}

test('a Hyperdrive binding that is not there is named by the log with the command that makes one', async () => {
  const { lines, fetch } = await isolate({
    DATABASE_URL: 'hyperdrive://WORKFLOWS',
    OTHER: bound,
    AUTH_KEYS: `a:${key}`,
  })
  const answer = await fetch('/readyz')
  expect({ status: answer.status, body: await answer.text() }).toMatchObject({
    status: 500,
    body: expect.stringContaining('DATABASE_URL is missing or wrong'),
  })
  const log = lines.join('\n')
  expect(log).toContain('WORKFLOWS')
  expect(log).toContain('npx wrangler hyperdrive create')
  expect(log).not.toContain('hush')
})

test('a Hyperdrive binding that is there is taken, and the database behind it is not asked before it is needed', async () => {
  const { fetch } = await isolate({ DATABASE_URL: 'hyperdrive://WORKFLOWS', WORKFLOWS: bound, AUTH_KEYS: `a:${key}` })
  expect((await fetch('/healthz')).status).toBe(200)
  expect((await fetch('/v1/workflows')).status).toBe(401)
})
