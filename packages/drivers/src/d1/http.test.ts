import { afterEach, expect, test, vi } from 'vitest'
import { httpClient } from './http.ts'
import { readD1Error } from './errors.ts'

interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: unknown
}

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Cloudflare's API with these answers, one after the other. */
function apiOf(answers: readonly Answer[]) {
  const left = [...answers]
  vi.stubGlobal('fetch', () => {
    const { status = 500, headers = {}, body } = left.shift() ?? {}
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers }))
  })
  const client = httpClient({ accountId: 'account', apiToken: 'token', databaseId: 'id' })
  const send = () => client.send([{ sql: 'select 1', params: [], isRead: true, columns: 1 }], 5)
  return { send, left }
}

const refusal = (message: string) => ({ success: false, errors: [{ code: 7400, message }], result: [] })
const success = {
  success: true,
  errors: [],
  result: [{ success: true, results: { rows: [[1]] }, meta: { changes: 0 } }],
}

test('a request beyond the limit of the API is sent again when the API takes requests again', async () => {
  const limited = { status: 429, headers: { 'Retry-After': '1' }, body: refusal('Rate limit exceeded') }
  const { send, left } = apiOf([limited, { status: 200, body: success }])
  const startedAt = performance.now()
  expect(await send()).toEqual([{ rows: [[1]], affected: 0 }])
  expect(performance.now() - startedAt).toBeGreaterThan(990)
  expect(left).toEqual([])
})

test.each(['301', 'soon', ''])('and is refused where the API says to wait for "%s"', async (retryAfter) => {
  const limited = { status: 429, headers: { 'Retry-After': retryAfter }, body: refusal('Rate limit exceeded') }
  const { send } = apiOf([limited])
  await expect(send()).rejects.toMatchObject({ fault: 'database_busy', isNotApplied: true })
})

test('a request that the API does not understand is no broken connection', async () => {
  const { send } = apiOf([{ status: 400, body: refusal('The request is malformed: params') }])
  const thrown: unknown = await send().catch((error: unknown) => error)
  expect(readD1Error(thrown)).toMatchObject({
    fault: 'internal',
    message: expect.stringContaining('The request is malformed: params') as string,
  })
})
