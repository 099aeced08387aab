import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects, type DialectName } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, expectConventions, readAnswer } from './answers.ts'
import { signedToken } from './tokens.ts'

/** What the database's own protocol says in each dialect: an HTTP status, or an error as it stands in an answer. */
type Failure = { readonly status: number } | { readonly code: string; readonly message: string }

interface Case {
  readonly code: string
  /** Whether waiting helps, so that the answer says how long. */
  readonly isPassing: boolean
  readonly says: Readonly<Record<DialectName, Failure>>
}

const secret = 'user app at db.internal'

const cases: readonly Case[] = [
  {
    code: 'database_auth_failed',
    isPassing: false,
    says: {
      sqlite: { status: 401 },
      postgres: { code: '28P01', message: `password authentication failed for ${secret}` },
      mysql: { code: 'UNKNOWN', message: `Access denied for ${secret} (errno 1045) (sqlstate 28000)` },
    },
  },
  {
    code: 'database_missing',
    isPassing: false,
    says: {
      sqlite: { status: 404 },
      postgres: { code: '3D000', message: `database does not exist for ${secret}` },
      mysql: { code: 'NOT_FOUND', message: `Unknown database of ${secret} (errno 1049) (sqlstate 42000)` },
    },
  },
  {
    code: 'database_busy',
    isPassing: true,
    says: { sqlite: { status: 503 }, postgres: { status: 503 }, mysql: { status: 503 } },
  },
  {
    code: 'database_timeout',
    isPassing: true,
    says: {
      sqlite: { code: 'SQLITE_INTERRUPT', message: `interrupted for ${secret}` },
      postgres: { code: '57014', message: `canceling statement of ${secret}` },
      mysql: { code: 'UNKNOWN', message: `Query interrupted of ${secret} (errno 3024) (sqlstate HY000)` },
    },
  },
]

describeDialects((dialect) => {
  let failing: Server
  let failure: Failure | undefined
  let service: Service
  beforeAll(async () => {
    failing = createServer((request, response) => {
      void failAs(request, response)
    })
    await new Promise<void>((resolve) => {
      failing.listen(0, '127.0.0.1', resolve)
    })
    const address = failing.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    service = await startService(dialect, { vars: { DATABASE_GATEWAY_URL: `http://127.0.0.1:${address.port}` } })
  })
  afterAll(async () => {
    await service.stop()
    failing.closeAllConnections()
    failing.close()
  })

  async function failAs(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (failure === undefined) throw new Error('no failure is set')
    fail(dialect, failure, await json(request), response)
  }

  test.each(cases)('$code is told without the words of the database', async ({ code, isPassing, says }) => {
    failure = says[dialect]
    const headers = { Authorization: `Bearer ${await signedToken(service)}` }
    const answer = await readAnswer(await service.fetch('/v1/auth/me', { headers }))
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([503, code])
    expectConventions(answer, { method: 'GET', path: '/v1/auth/me', isAnonymous: false })
    expect(answer.headers.has('Retry-After')).toBe(isPassing)
    expect(`${answer.text}${[...answer.headers].join()}`).not.toMatch(/db\.internal|errno|SQLSTATE|password/)
  })
})

/** Answers as libSQL, Neon or PlanetScale does. */
function fail(dialect: DialectName, failure: Failure, asked: unknown, response: ServerResponse): void {
  if ('status' in failure) {
    response.writeHead(failure.status, { 'Content-Type': 'text/plain' }).end('')
    return
  }
  const answers: Readonly<Record<DialectName, readonly [status: number, body: unknown]>> = {
    sqlite: [200, { baton: null, base_url: null, results: errorsFor(asked, failure) }],
    postgres: [400, { severity: 'ERROR', ...failure }],
    mysql: [200, { session: {}, error: failure }],
  }
  const [status, body] = answers[dialect]
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

/** One for each request of the pipeline. */
function errorsFor(asked: unknown, error: Failure): readonly unknown[] {
  const { requests } = asRecord(asked)
  return Array.isArray(requests) ? requests.map(() => ({ type: 'error', error })) : []
}
