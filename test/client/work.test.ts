import { createClient, exactJson, LeaseLostError, toJson, type Client, type WorkEvent } from '@millrace/client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'

describeDialectsByTest((dialect) => {
  let service: Service
  let client: Client
  let workflowId: string
  let stopping: AbortController
  let events: WorkEvent[]
  const poll = { timeout: 20_000, interval: 50 }

  beforeAll(async () => {
    service = await startService(dialect, { workers: 2 })
    client = createClient({ url: service.urls[0] ?? '' })
    await client.auth.register({ username: 'ada', email: 'ada@example.com', password: 'correct horse' })
  })
  afterAll(() => service.stop())
  beforeEach(async () => {
    const workflow = await client.workflows.create({ name: 'n', definition: exactJson('{ "x": 1.0 }') })
    workflowId = workflow.id
    stopping = new AbortController()
    events = []
  })
  afterEach(() => {
    stopping.abort(new Error('the test is over'))
  })

  const options = (more: object = {}) => ({
    worker: 'one',
    workflowIds: [workflowId],
    leaseSeconds: 5,
    pollMilliseconds: 50,
    signal: stopping.signal,
    onEvent: (event: WorkEvent) => void events.push(event),
    ...more,
  })
  const kinds = () => events.map(({ kind }) => kind)

  test('executions are worked by two workers, each once, with their input, definition and state', async () => {
    const ids: string[] = []
    for (let number = 0; number < 10; number += 1) {
      ids.push((await client.executions.start(workflowId, { input: toJson({ number }) })).id)
    }
    const worked: string[] = []
    const handler: Parameters<Client['work']>[0] = (execution, { save }) => {
      worked.push(execution.id)
      return save(execution.input).then(() => ({ status: 'completed', state: execution.definition }))
    }
    const other = createClient({ url: service.urls[1] ?? '' })
    await other.auth.login({ username: 'ada', password: 'correct horse' })
    const works = [
      client.work(handler, options({ concurrency: 2 })),
      other.work(handler, options({ worker: 'two', concurrency: 2 })),
    ]
    await vi.waitFor(() => expect(kinds().filter((kind) => kind === 'reported')).toHaveLength(10), poll)
    stopping.abort()
    await Promise.all(works)
    expect(worked.toSorted()).toEqual(ids.toSorted())
    for (const id of ids) {
      const now = await client.executions.get(id)
      expect(now).toMatchObject({ status: 'completed', state: '{ "x": 1.0 }', attempts: 1, fence: 1 })
    }
  })

  test('a cancelled execution aborts its handler, and nothing is written any more', async () => {
    const { id } = await client.executions.start(workflowId)
    const reasons: unknown[] = []
    const work = client.work(async (_execution, { signal, save }) => {
      await save(exactJson('"begun"'))
      await client.executions.cancel(id)
      await whenAborted(signal)
      reasons.push(signal.reason, await save(exactJson('"late"')).catch((error: unknown) => error))
      return { status: 'completed', state: exactJson('"late"') }
    }, options())
    await vi.waitFor(() => expect(kinds()).toEqual(['claimed', 'lost']), poll)
    stopping.abort()
    await work
    expect(reasons).toEqual([expect.any(LeaseLostError), expect.any(LeaseLostError)])
    expect(await client.executions.get(id)).toMatchObject({ status: 'cancelled', state: '"begun"' })
  })

  test('a worker that is cut off loses its lease to another, and reports nothing under its stale fence', async () => {
    const { id } = await client.executions.start(workflowId)
    let isCut = false
    const takenOver = new AbortController()
    const cut: typeof fetch = (input, init) => {
      if (isCut) return Promise.reject(new TypeError('fetch failed'))
      return fetch(input, init)
    }
    const lonely = createClient({ url: service.urls[0] ?? '', fetch: cut })
    await lonely.auth.login({ username: 'ada', password: 'correct horse' })
    const first = lonely.work(async (_execution, { signal, save }) => {
      await save(exactJson('"from the first"'))
      isCut = true
      await whenAborted(signal)
      await whenAborted(takenOver.signal)
      isCut = false
      return { status: 'completed', state: exactJson('"stale"') }
    }, options())
    await vi.waitFor(() => expect(isCut).toBe(true), poll)
    const stopSecond = new AbortController()
    const seen: unknown[] = []
    const second = client.work(
      ({ fence, state }) => {
        seen.push(fence, state)
        takenOver.abort()
        return Promise.resolve({ status: 'completed', state: exactJson('"from the second"') })
      },
      options({ worker: 'two', signal: stopSecond.signal, onEvent: undefined }),
    )
    await vi.waitFor(() => expect(kinds()).toContain('lost'), poll)
    stopping.abort()
    stopSecond.abort()
    await Promise.all([first, second])
    expect(seen).toEqual([2, '"from the first"'])
    expect(await client.executions.get(id)).toMatchObject({
      status: 'completed',
      state: '"from the second"',
      attempts: 2,
      fence: 2,
    })
  })

  test('a worker that stops gives back at once, and one whose attempts are used up fails with why', async () => {
    const kept = await client.executions.start(workflowId)
    const last = await client.executions.start(workflowId, { maxAttempts: 1 })
    const work = client.work(
      (_execution, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')))
        }),
      options({ concurrency: 2, leaseSeconds: 3600 }),
    )
    await vi.waitFor(() => expect(kinds()).toEqual(['claimed', 'claimed']), poll)
    stopping.abort()
    await work
    expect(await client.executions.get(kept.id)).toMatchObject({ status: 'pending', leaseUntil: null, attempts: 1 })
    expect(await client.executions.get(last.id)).toMatchObject({ status: 'failed', error: { code: 'worker_stopped' } })
  })

  test('a paused execution waits for its resume', async () => {
    const { id } = await client.executions.start(workflowId)
    const work = client.work(
      ({ attempts }) =>
        Promise.resolve(attempts === 1 ? { status: 'paused', state: exactJson('1.0') } : { status: 'completed' }),
      options(),
    )
    await vi.waitFor(() => expect(kinds()).toEqual(['claimed', 'reported']), poll)
    expect(await client.executions.get(id)).toMatchObject({ status: 'paused', state: '1.0' })
    await client.executions.resume(id)
    await vi.waitFor(() => expect(kinds()).toHaveLength(4), poll)
    stopping.abort()
    await work
    expect(await client.executions.get(id)).toMatchObject({ status: 'completed', state: '1.0', attempts: 2 })
  })
})

async function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve)
  })
}
