import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { awaitReadiness, type Readiness } from './readiness.ts'

interface ReadyResponse {
  readonly status?: number
  readonly version?: string
  readonly body: string
}

/** Answers one after the other, the last one from then on. */
async function ask(answers: readonly ReadyResponse[], waitSeconds: number): Promise<Readiness> {
  let asked = 0
  const listener: RequestListener = (request, response) => {
    const { status = 200, version, body } = answers[Math.min(asked++, answers.length - 1)] ?? { body: '' }
    if (version !== undefined) response.setHeader('X-Millrace-Deployment', version)
    response.writeHead(request.url === '/readyz' ? status : 404).end(body)
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return awaitReadiness({ url, version: 'new', waitSeconds, interruption: new AbortController().signal })
}

const ready = '{"status":"ready","dialect":"postgres","schema":7}'

test('it waits for its own version to be ready', async () => {
  const outdated = { status: 503, version: 'new', body: '{"code":"database_schema_outdated","detail":"Migrate."}' }
  const answers = [{ version: 'old', body: ready }, outdated, { version: 'new', body: ready }]
  expect(await ask(answers, 60)).toEqual({ isReady: true, dialect: 'postgres', schema: 7 })
})

test('an older version that answers on is not taken for the new one', async () => {
  const readiness = await ask([{ version: 'old', body: ready }], 0)
  expect(readiness).toMatchObject({ isReady: false, why: expect.stringContaining('answered by version old') })
})

test("what is not the functions' answer is no readiness", async () => {
  const readiness = await ask([{ version: 'new', body: '<html>ready</html>' }], 0)
  expect(readiness).toMatchObject({ isReady: false, code: undefined })
  const other = await ask([{ body: ready }], 0)
  expect(other).toMatchObject({ isReady: false, why: expect.stringContaining('names no version') })
})

test('a refusal keeps its code and words', async () => {
  const body = '{"code":"database_unreachable","detail":"The database cannot be reached."}'
  const readiness = await ask([{ status: 503, version: 'new', body }], 0)
  expect(readiness).toMatchObject({
    code: 'database_unreachable',
    why: expect.stringMatching(/answers 503 database_unreachable: The database cannot be reached\.$/),
  })
})

test('nobody there is a reason too', async () => {
  const question = {
    url: 'http://127.0.0.1:1',
    version: 'new',
    waitSeconds: 0,
    interruption: new AbortController().signal,
  }
  expect(await awaitReadiness(question)).toMatchObject({ isReady: false, why: expect.stringContaining('127.0.0.1:1') })
})
