import { schemaNumber } from '@millrace/db/schema/known-migrations'
import { describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, expectConventions, readAnswer, type Answer } from './answers.ts'
import { signedToken } from './tokens.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'

const problems: readonly Scenario[] = [
  {
    name: 'a problem has the members of RFC 9457, a code and the request id, and no more',
    path: '/v1/workflows/{absent}',
    status: 404,
    json: { type: 'urn:millrace:problem:not_found', title: 'Not found', status: 404, code: 'not_found' },
    afterwards: ({ json }) => {
      expect(Object.keys(asRecord(json))).toEqual(['type', 'title', 'status', 'code', 'detail', 'requestId'])
    },
  },
  {
    name: 'errors say where by pointer',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":1,"definition":{}}',
    status: 422,
    has: ['"errors":[{"pointer":"/name","message":'],
  },
  {
    name: 'and by parameter',
    path: '/v1/workflows?limit=x',
    status: 422,
    has: ['"errors":[{"parameter":"limit","message":'],
  },
  {
    name: 'no value of the request comes back',
    method: 'POST',
    path: '/v1/workflows?token=hush',
    body: '{"name":"","definition":{},"password":"hush"}',
    status: 422,
    hasNot: ['hush'],
  },
  { name: 'no path comes back', as: 'nobody', path: '/v1/hush', status: 404, hasNot: ['hush'] },
  {
    name: 'no token comes back',
    as: 'nobody',
    path: '/v1/auth/me',
    headers: { Authorization: 'Bearer hush' },
    status: 401,
    hasNot: ['hush'],
  },
  {
    name: 'health',
    as: 'nobody',
    path: '/healthz',
    status: 200,
    json: { status: 'ok', version: '0.1.0' },
    hasNot: ['1 trip'],
  },
  { name: 'readiness', as: 'nobody', path: '/readyz', status: 200, json: { status: 'ready', schema: schemaNumber } },
  {
    name: 'the document takes no parameter',
    as: 'nobody',
    path: '/openapi.json?x=1',
    status: 422,
    code: 'validation_failed',
    places: ['x'],
  },
  {
    name: 'nor does its page',
    as: 'nobody',
    path: '/docs?x=1',
    status: 422,
    code: 'validation_failed',
    places: ['x'],
  },
  { name: 'the root points to the rest', as: 'nobody', path: '/', status: 200, json: { name: 'millrace' } },
]

/** Every route that reads the database. */
const needingDatabase: readonly (readonly [string, string, string | undefined])[] = [
  ['GET', '/readyz', undefined],
  ['POST', '/v1/auth/register', '{"username":"ada","email":"ada@example.com","password":"correct horse"}'],
  ['POST', '/v1/auth/login', '{"username":"owner","password":"correct horse"}'],
  ['GET', '/v1/auth/me', undefined],
  ['POST', '/v1/workflows', '{"name":"n","definition":{}}'],
  ['GET', '/v1/workflows', undefined],
  ['GET', '/v1/workflows?scope=public', undefined],
  ['GET', '/v1/workflows/x', undefined],
  ['PATCH', '/v1/workflows/x', '{"name":"n"}'],
  ['PATCH', '/v1/workflows/x', '{"name":""}'],
  ['DELETE', '/v1/workflows/x', undefined],
  ['GET', '/v1/workflows/x/versions', undefined],
  ['GET', '/v1/workflows/x/versions/1', undefined],
]

async function expectAll(service: Service, token: string, status: number, code: string): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (const [method, path, body] of needingDatabase) {
    const headers = {
      Authorization: `Bearer ${token}`,
      'If-Match': '*',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    }
    const answer = await readAnswer(
      await service.fetch(path, body === undefined ? { method, headers } : { method, headers, body }),
    )
    expect([method, path, answer.status, asRecord(answer.json)['code']]).toEqual([method, path, status, code])
    expectConventions(answer, { method, path, isAnonymous: false })
    answers.push(answer)
  }
  return answers
}

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, problems)

  test('readiness names the dialect', async () => {
    const { json } = await readAnswer(await suite.world.send('nobody', 'GET', '/readyz'))
    expect(asRecord(json)['dialect']).toBe(dialect)
  })

  test('while a restore is under way every route that reads the database says so, and when to ask again', async () => {
    const { service, users } = suite.world
    await service.database.query("update marks set value = '{}' where name = 'restore'")
    const answers = await expectAll(service, users.owner.token, 503, 'restore_in_progress')
    expect(answers.every(({ headers }) => Number(headers.get('Retry-After')) > 0)).toBe(true)
    expect((await suite.world.send('nobody', 'GET', '/healthz')).status).toBe(200)
    await service.database.query("update marks set value = null where name = 'restore'")
    expect((await suite.world.send('owner', 'GET', '/v1/auth/me')).status).toBe(200)
  })

  test('the log has one line per request, with its route and its user, and nothing of what was sent', async () => {
    const { service, users } = suite.world
    const sent = {
      body: '{"name":"hush-name","definition":{"a":"hush-definition"}}',
      headers: { 'X-Request-Id': 'logged-1' },
    }
    const created = await readAnswer(await suite.world.send('owner', 'POST', '/v1/workflows', sent))
    const { id } = asRecord(created.json)
    const asked = { headers: { 'X-Request-Id': 'logged-2' } }
    await suite.world.send('owner', 'GET', `/v1/workflows/${String(id)}?hush-query=1`, asked)
    const lines = () => service.logs().filter((line) => /"requestId":"logged-[12]"/.test(line))
    await expect.poll(() => lines().length).toBe(2)
    const [first, second] = lines().map((line) => asRecord(JSON.parse(line)))
    expect(first).toMatchObject({
      event: 'request',
      method: 'POST',
      route: '/v1/workflows',
      status: 201,
      userId: users.owner.id,
    })
    expect(second).toMatchObject({ route: '/v1/workflows/{id}', status: 422, code: 'validation_failed', trips: 1 })
    const everything = service.logs().join('\n')
    expect(everything).not.toContain('hush-')
    expect(everything).not.toContain(users.owner.token)
    expect(everything).not.toContain('correct horse')
  })

  describe('without migrations', () => {
    test('every route that reads the database says so; the log has the command', async () => {
      const service = await startService(dialect, { migrate: false })
      try {
        await expectAll(service, await signedToken(service), 503, 'database_schema_outdated')
        expect((await service.fetch('/healthz')).status).toBe(200)
        await expect.poll(() => service.logs().some((line) => line.includes('millrace migrate'))).toBe(true)
      } finally {
        await service.stop()
      }
    })
  })

  describe('without a gateway', () => {
    test('every route that reads the database says so, without its address', async () => {
      const service = await startService(dialect, { vars: { DATABASE_GATEWAY_URL: 'http://127.0.0.1:9' } })
      try {
        const answers = await expectAll(service, await signedToken(service), 503, 'database_unreachable')
        expect(answers.every(({ headers }) => Number(headers.get('Retry-After')) > 0)).toBe(true)
        expect(answers.some(({ text }) => text.includes(':9'))).toBe(false)
      } finally {
        await service.stop()
      }
    })
  })
})
