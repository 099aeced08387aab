import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient, type ClientOptions } from '../client.ts'
import { ConnectionError, DeadlineError, ProblemError, UnexpectedAnswerError } from '../errors.ts'
import { exactJson } from '../json-text.ts'
import { broken, fakeService, inTurn, json, problem, silent, type FakeResponse } from '../testing/fake-service.ts'

const workflow = { id: 'w', name: 'n', definition: {}, revision: 1 }
const newWorkflow = { name: 'n', definition: exactJson('{}') }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function serving(answer: FakeResponse, options: Partial<ClientOptions> = {}) {
  const service = fakeService(answer)
  return {
    service,
    client: createClient({ url: 'http://millrace.test/', apiKey: 'mr_k', fetch: service.fetch, ...options }),
  }
}

/** Lets all time pass that the promise waits for. */
async function settled<Value>(promise: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const [[result]] = await Promise.all([Promise.allSettled([promise]), vi.runAllTimersAsync()])
  return result
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const result = await settled(promise)
  return result.status === 'rejected' ? result.reason : expect.fail('nothing was refused')
}

test('an id is percent-encoded, so that it names nothing else in a path', async () => {
  const { service, client } = serving(json(workflow))
  await settled(client.workflows.get('../users?a=b#c/%2e'))
  expect(service.lines()).toEqual(['GET /v1/workflows/..%2Fusers%3Fa%3Db%23c%2F%252e'])
})

describe('what is tried again', () => {
  test.each([
    ['a broken connection', broken],
    ['a gateway without an answer', () => new Response('<html>', { status: 502 })],
    ['a database that is away', problem(503, 'database_unreachable', { 'Retry-After': '1' })],
    ['a database that is busy', problem(503, 'database_busy', { 'Retry-After': '1' })],
  ])('a read after %s', async (_name, failure) => {
    const { service, client } = serving(inTurn(failure, failure, json(workflow)))
    expect(await settled(client.workflows.get('w'))).toMatchObject({ status: 'fulfilled', value: { id: 'w' } })
    expect(service.lines()).toEqual(Array(3).fill('GET /v1/workflows/w'))
  })

  test('a write with an Idempotency-Key, the same each time', async () => {
    const { service, client } = serving(inTurn(broken, json(workflow, 201)))
    await settled(client.workflows.create(newWorkflow))
    const keys = service.requests.map(({ headers }) => headers.get('Idempotency-Key'))
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]])
    await settled(client.workflows.create(newWorkflow))
    expect(service.requests[2]?.headers.get('Idempotency-Key')).not.toBe(keys[0])
    await settled(client.workflows.create(newWorkflow, { idempotencyKey: 'mine' }))
    expect(service.requests[3]?.headers.get('Idempotency-Key')).toBe('mine')
  })

  test.each([
    ['rate_limited', 429],
    ['idempotency_in_progress', 409],
    ['restore_in_progress', 503],
  ] as const)('any write after %s: nothing was done', async (code, status) => {
    const refusal = problem(status, code, { 'Retry-After': '2' })
    const { service, client } = serving(inTurn(refusal, json(workflow)))
    await settled(client.workflows.update({ id: 'w', revision: 1 }, { name: 'm' }))
    expect(service.requests).toHaveLength(2)
  })
})

describe('what is not tried again', () => {
  test.each([
    ['a broken connection', broken, ConnectionError],
    ['a gateway without an answer', () => new Response('', { status: 504 }), UnexpectedAnswerError],
    ['a database timeout', problem(503, 'database_timeout', { 'Retry-After': '1' }), ProblemError],
  ])('a write without a key after %s: it may have happened', async (_name, failure, kind) => {
    const { service, client } = serving(failure)
    expect(await failureOf(client.workflows.update({ id: 'w', revision: 1 }, { name: 'm' }))).toBeInstanceOf(kind)
    expect(service.requests).toHaveLength(1)
  })

  test.each([
    ['not_found', 404],
    ['precondition_failed', 412],
    ['validation_failed', 422],
    ['internal', 500],
    ['database_schema_outdated', 503],
  ] as const)('a read after %s: waiting does not help', async (code, status) => {
    const { service, client } = serving(problem(status, code))
    const error = await failureOf(client.workflows.get('w'))
    expect(error).toMatchObject({ name: 'ProblemError', code, status, requestId: 'r-1', detail: 'So it is.' })
    expect(service.requests).toHaveLength(1)
  })

  test('a read after too many attempts', async () => {
    const { service, client } = serving(broken, { retry: { attempts: 3 } })
    expect(await failureOf(client.workflows.get('w'))).toBeInstanceOf(ConnectionError)
    expect(service.requests).toHaveLength(3)
  })

  test('a read when the budget is used up, until successes have earned it again', async () => {
    let isBroken = true
    const { service, client } = serving((...call) => (isBroken ? broken : json(workflow))(...call), {
      retry: { attempts: 3, budget: 3 },
    })
    await failureOf(client.workflows.get('w'))
    await failureOf(client.workflows.get('w'))
    expect(service.requests).toHaveLength(3 + 2)
    await failureOf(client.workflows.get('w'))
    expect(service.requests).toHaveLength(6)
    isBroken = false
    for (let count = 0; count < 11; count += 1) await settled(client.workflows.get('w'))
    isBroken = true
    await failureOf(client.workflows.get('w'))
    expect(service.requests).toHaveLength(6 + 11 + 2)
  })
})

describe('waiting', () => {
  test('is never shorter than Retry-After, in seconds or as a date', async () => {
    for (const write of [() => '7', () => new Date(Date.now() + 7000).toUTCString()]) {
      const retryAfter = write()
      const startedAt = Date.now()
      const { client } = serving(
        inTurn(problem(429, 'rate_limited', { 'Retry-After': retryAfter }), () => Response.json(workflow)),
      )
      await settled(client.workflows.get('w'))
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(6000)
    }
  })

  test('is not begun that the deadline would cut: the refusal comes at once', async () => {
    const { service, client } = serving(problem(429, 'rate_limited', { 'Retry-After': '600' }))
    const startedAt = Date.now()
    expect(await failureOf(client.workflows.get('w'))).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 600 })
    expect([service.requests.length, Date.now() - startedAt]).toEqual([1, 0])
  })

  test('differs from one client to the next', async () => {
    const waits = new Set<number>()
    for (let count = 0; count < 10; count += 1) {
      const startedAt = Date.now()
      await settled(serving(inTurn(broken, json(workflow))).client.workflows.get('w'))
      waits.add(Date.now() - startedAt)
      expect(Date.now() - startedAt).toBeLessThanOrEqual(201)
    }
    expect(waits.size).toBeGreaterThan(1)
  })
})

describe('time', () => {
  test('a try without an answer is given up and another made', async () => {
    const { service, client } = serving(inTurn(silent, json(workflow)), { retry: { attemptMilliseconds: 1000 } })
    expect(await settled(client.workflows.get('w'))).toMatchObject({ status: 'fulfilled' })
    expect(service.requests).toHaveLength(2)
    expect(service.requests[0]?.signal.aborted).toBe(true)
  })

  test('the deadline holds for all tries together', async () => {
    const { client } = serving(silent, { retry: { attempts: 100 } })
    const startedAt = Date.now()
    const error = await failureOf(client.workflows.get('w', { deadlineMilliseconds: 25_000 }))
    expect(error).toBeInstanceOf(DeadlineError)
    expect(error).toHaveProperty('cause', expect.any(ConnectionError))
    expect(Date.now() - startedAt).toBeLessThanOrEqual(25_000)
  })

  test.each([
    ['a request', silent, 1],
    ['a wait', broken, 1],
  ])('the signal ends %s at once, with its own reason', async (_name, answer, count) => {
    const { service, client } = serving(answer, { retry: { firstDelayMilliseconds: 5000 } })
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), 1)
    const error = await failureOf(client.workflows.get('w', { signal: controller.signal }))
    expect(error).toHaveProperty('message', 'enough')
    expect(service.requests).toHaveLength(count)
  })

  test('an aborted signal lets nothing be sent', async () => {
    const { service, client } = serving(json(workflow))
    await expect(client.workflows.get('w', { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
    expect(service.requests).toEqual([])
  })
})

test('an answer that is not the API’s is told as such', async () => {
  const { client } = serving(() => new Response('<html>', { headers: { 'Content-Type': 'text/html' } }))
  expect(await failureOf(client.workflows.get('w'))).toBeInstanceOf(UnexpectedAnswerError)
  const other = serving(() => new Response('no', { status: 404 }))
  expect(await failureOf(other.client.workflows.get('w'))).toMatchObject({ name: 'UnexpectedAnswerError', status: 404 })
})

test('a problem says what is wrong and where, and no token', async () => {
  const errors = [{ pointer: '/name', message: 'is required' }]
  const body = { type: 't', title: 'T', status: 422, code: 'validation_failed', detail: 'D.', requestId: 'r', errors }
  const headers = { 'Content-Type': 'application/problem+json' }
  const { client } = serving(() => Response.json(body, { status: 422, headers }), { apiKey: 'mr_canary' })
  const error = await failureOf(client.workflows.create(newWorkflow))
  expect(error).toMatchObject({ errors, message: 'validation_failed: D. /name: is required' })
  expect(String(error)).not.toContain('canary')
})
