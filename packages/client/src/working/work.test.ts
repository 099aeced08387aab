import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ClaimedExecution, Report } from '../contract.ts'
import { ConnectionError, ProblemError, type ErrorCode } from '../errors.ts'
import { exactJson } from '../json-text.ts'
import type { Handler, WorkEvent, WorkOptions } from './contract.ts'
import type { WorkRoutes } from './routes.ts'
import { LeaseLostError } from './lease.ts'
import { work } from './work.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function refusal(code: ErrorCode, status: 401 | 403 | 409 | 413 | 422 | 503): ProblemError {
  return new ProblemError({ type: '', title: '', status, code, detail: 'No.', requestId: 'r' })
}

function execution(id: string): ClaimedExecution {
  const at = '2026-01-01T00:00:00.000Z'
  return {
    ...{ id, workflowId: 'w', workflowName: 'n', versionNumber: 1, userId: 'u', status: 'running', error: null },
    ...{
      attempts: 1,
      maxAttempts: 3,
      fence: 7,
      leaseUntil: at,
      dueAt: null,
      scheduleId: null,
      waitFor: null,
      createdAt: at,
      startedAt: at,
    },
    ...{ completedAt: null, updatedAt: at, steps: [] },
    ...{ input: exactJson('null'), state: exactJson('null'), definition: exactJson('{}') },
  }
}

/** What these handlers don't use. */
const withoutSteps = {
  recordSteps: () => Promise.reject(new Error('no handler here records steps')),
  step: () => Promise.reject(new Error('no handler here reads steps')),
  nextSignal: () => Promise.reject(new Error('no handler here waits for signals')),
  steps() {
    throw new Error('the steps came with the claim')
  },
} satisfies Partial<WorkRoutes>

/** The routes, over a queue of executions; each call can be made to fail. */
function routesOver(...ids: readonly string[]) {
  const queue = ids.map(execution)
  const faults: { claim?: () => void; heartbeat?: () => void; report?: (report: Report) => void } = {}
  const reports: (readonly [string, Report])[] = []
  const beats: string[] = []
  const claims: number[] = []
  const routes: WorkRoutes = {
    ...withoutSteps,
    claim({ limit = 1 }) {
      claims.push(limit)
      return attempt(faults.claim, () => queue.splice(0, limit))
    },
    heartbeat(id) {
      beats.push(id)
      return attempt(faults.heartbeat, () => ({ leaseUntil: '' }))
    },
    report(id, report) {
      return attempt(
        () => faults.report?.(report),
        () => {
          reports.push([id, report])
          return execution(id)
        },
      )
    },
  }
  return { routes, faults, reports, beats, claims, queue }
}

async function attempt<Value>(fault: (() => void) | undefined, give: () => Value): Promise<Value> {
  await Promise.resolve()
  fault?.()
  return give()
}

/** Works until all that was claimed is through, then stops. */
function start(routes: WorkRoutes, handler: Handler, options: Partial<WorkOptions> = {}) {
  const controller = new AbortController()
  const events: WorkEvent[] = []
  const onEvent = (event: WorkEvent): void => {
    events.push(event)
  }
  const done = work(routes, handler, { worker: 'one', signal: controller.signal, onEvent, ...options })
  // Looked at at the end; until then a rejection is nobody's oversight.
  done.catch(() => undefined)
  return {
    events,
    kinds: () => events.map(({ kind }) => kind),
    done,
    stop: async () => {
      controller.abort(new Error('stopped'))
      await vi.advanceTimersByTimeAsync(60_000)
      await done
    },
    abort: () => controller.abort(new Error('stopped')),
  }
}

/** A handler that goes on until it is let. */
function held() {
  const releases: (() => void)[] = []
  const signals: AbortSignal[] = []
  const handler: Handler = async (_execution, { signal }) => {
    signals.push(signal)
    await new Promise<void>((resolve, reject) => {
      releases.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error()))
    })
  }
  return { handler, signals, release: () => releases.shift()?.() }
}

describe('reporting', () => {
  test('a handler that throws before it gives a promise is one that rejects', async () => {
    const { routes, reports } = routesOver('a')
    const working = start(routes, () => {
      throw new Error('at once')
    })
    await vi.advanceTimersByTimeAsync(10)
    await working.stop()
    expect(reports).toMatchObject([['a', { status: 'failed', error: { message: 'at once' } }]])
  })

  test('what a handler gives, under the fence of the claim, once each', async () => {
    const { routes, reports } = routesOver('a', 'b', 'c', 'd')
    const outcomes = new Map([
      ['b', { status: 'paused', dueAt: '2030-01-01T00:00:00Z', state: exactJson('{"n":1.0}') }],
      ['c', { status: 'failed', error: { code: 'c', message: 'm' } }],
      ['d', { status: 'pending' }],
    ] as const)
    const working = start(routes, ({ id }) => Promise.resolve(outcomes.get(id as 'b')))
    await vi.advanceTimersByTimeAsync(100)
    await working.stop()
    expect(reports).toEqual([
      ['a', { fence: 7, status: 'completed' }],
      ['b', { fence: 7, status: 'paused', dueAt: '2030-01-01T00:00:00Z', state: '{"n":1.0}' }],
      ['c', { fence: 7, status: 'failed', error: { code: 'c', message: 'm' } }],
      ['d', { fence: 7, status: 'pending' }],
    ])
    expect(working.kinds()).toEqual(['a', 'b', 'c', 'd'].flatMap(() => ['claimed', 'reported']))
  })

  test.each([
    ['its code', Object.assign(new Error('away'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED', 'away'],
    ['its name', new RangeError('too far'), 'RangeError', 'too far'],
    ['what it is', 'a string', 'Error', 'a string'],
    ['what a document can hold', new Error('a\u0000b\ud800'), 'Error', 'a\ufffdb\ufffd'],
  ])('a handler that throws fails its execution with %s', async (_name, thrown, code, message) => {
    const { routes, reports } = routesOver('a')
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a handler may reject with anything
    const working = start(routes, () => Promise.reject(thrown))
    await vi.advanceTimersByTimeAsync(10)
    await working.stop()
    expect(reports).toEqual([['a', { fence: 7, status: 'failed', error: { code, message } }]])
  })

  test.each([
    [413, 'payload_too_large'],
    [422, 'invalid_json_document'],
  ] as const)('a state that is refused with %s fails the execution', async (status, code) => {
    const { routes, reports, faults } = routesOver('a')
    faults.report = (report) => {
      if (report.status === 'completed') throw refusal(code, status)
    }
    const working = start(routes, () => Promise.resolve({ status: 'completed', state: exactJson('"x"') }))
    await vi.advanceTimersByTimeAsync(10)
    await working.stop()
    expect(reports).toMatchObject([['a', { fence: 7, status: 'failed', error: { code } }]])
  })
})

describe('the lease', () => {
  test('is renewed while the handler runs, three times a lease, and not after', async () => {
    const { routes, beats, reports } = routesOver('a')
    const { handler, release } = held()
    const working = start(routes, handler, { leaseSeconds: 30 })
    await vi.advanceTimersByTimeAsync(65_000)
    expect(beats).toHaveLength(6)
    release()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([beats.length, reports.length]).toEqual([6, 1])
    await working.stop()
  })

  test.each(['fence_stale', 'invalid_transition'] as const)(
    'is lost when a heartbeat is told %s: the handler is aborted and nothing reported',
    async (code) => {
      const { routes, faults, reports } = routesOver('a')
      const { handler, signals } = held()
      faults.heartbeat = () => {
        throw refusal(code, 409)
      }
      const working = start(routes, handler, { leaseSeconds: 30 })
      await vi.advanceTimersByTimeAsync(11_000)
      expect(signals[0]?.reason).toBeInstanceOf(LeaseLostError)
      await working.stop()
      expect(reports).toEqual([])
      expect(working.kinds()).toEqual(['claimed', 'lost'])
    },
  )

  test('is lost when it runs out unrenewed, even where the handler ends well after that', async () => {
    const { routes, faults, reports } = routesOver('a')
    let end = (): void => undefined
    const signals: AbortSignal[] = []
    const deaf: Handler = async (_execution, { signal }) => {
      signals.push(signal)
      await new Promise<void>((resolve) => (end = resolve))
    }
    faults.heartbeat = () => {
      throw new ConnectionError('away')
    }
    const working = start(routes, deaf, { leaseSeconds: 30 })
    await vi.advanceTimersByTimeAsync(29_000)
    expect(signals[0]?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2000)
    expect(signals[0]?.reason).toBeInstanceOf(LeaseLostError)
    end()
    await vi.advanceTimersByTimeAsync(10)
    expect(reports).toEqual([])
    await working.stop()
  })

  test('outlives heartbeats that fail for less than its length', async () => {
    const { routes, faults, reports } = routesOver('a')
    const { handler, release, signals } = held()
    faults.heartbeat = () => {
      throw new ConnectionError('away')
    }
    const working = start(routes, handler, { leaseSeconds: 30 })
    await vi.advanceTimersByTimeAsync(15_000)
    delete faults.heartbeat
    await vi.advanceTimersByTimeAsync(90_000)
    expect(signals[0]?.aborted).toBe(false)
    release()
    await vi.advanceTimersByTimeAsync(10)
    expect(reports).toHaveLength(1)
    await working.stop()
  })

  test('a save writes the state; one under a stale fence aborts the handler, and nothing is reported', async () => {
    const { routes, faults, reports } = routesOver('a')
    const failures: unknown[] = []
    const working = start(routes, async (_execution, { save, signal }) => {
      await save(exactJson('{"step":1}'))
      faults.report = () => {
        throw refusal('fence_stale', 409)
      }
      await save(exactJson('{"step":2}')).catch((error: unknown) => failures.push(error, signal.aborted))
    })
    await vi.advanceTimersByTimeAsync(10)
    await working.stop()
    expect(reports).toEqual([['a', { fence: 7, state: '{"step":1}' }]])
    expect(failures).toEqual([expect.any(LeaseLostError), true])
    expect(working.kinds()).toEqual(['claimed', 'lost'])
  })

  test('a save after the report is refused here', async () => {
    const { routes, reports } = routesOver('a')
    let late: Promise<void> | undefined
    const working = start(routes, (_execution, { save }) => {
      setTimeout(() => {
        late = save(exactJson('1'))
        late.catch(() => undefined)
      }, 100)
      return Promise.resolve()
    })
    await vi.advanceTimersByTimeAsync(200)
    await expect(late).rejects.toThrow('reported already')
    expect(reports).toHaveLength(1)
    await working.stop()
  })
})

describe('stopping', () => {
  test('gives back what is unfinished, and claims no more', async () => {
    const { routes, reports, claims, queue } = routesOver('a', 'b', 'c')
    const { handler } = held()
    const working = start(routes, handler, { concurrency: 2 })
    await vi.advanceTimersByTimeAsync(10)
    working.abort()
    await working.done
    expect(reports.map(([id, { status, fence }]) => [id, status, fence])).toEqual([
      ['a', 'pending', 7],
      ['b', 'pending', 7],
    ])
    expect([claims, queue.length]).toEqual([[2], 1])
  })

  test('reports what a handler still finishes', async () => {
    const { routes, reports } = routesOver('a')
    const working = start(routes, async (_execution, { signal }) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
    })
    await vi.advanceTimersByTimeAsync(10)
    working.abort()
    await working.done
    expect(reports).toEqual([['a', { fence: 7, status: 'completed' }]])
  })

  test('waits no longer than the grace for a handler that does not listen', async () => {
    const { routes, reports } = routesOver('a')
    const working = start(routes, () => new Promise(() => undefined), { graceMilliseconds: 3000 })
    await vi.advanceTimersByTimeAsync(10)
    working.abort()
    await vi.advanceTimersByTimeAsync(2900)
    expect(reports).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    await working.done
    expect(reports).toMatchObject([['a', { status: 'pending' }]])
  })

  test('gives back what a claim under way brings', async () => {
    const { routes, reports } = routesOver('a')
    let answer = (): void => undefined
    const slow: WorkRoutes = {
      ...routes,
      async claim(...claim) {
        await new Promise<void>((resolve) => (answer = resolve))
        return routes.claim(...claim)
      },
    }
    const working = start(slow, held().handler)
    await vi.advanceTimersByTimeAsync(10)
    working.abort()
    answer()
    await vi.advanceTimersByTimeAsync(11_000)
    await working.done
    expect(reports).toMatchObject([['a', { status: 'pending' }]])
  })

  test('before the start claims nothing', async () => {
    const { routes, claims } = routesOver('a')
    await work(routes, held().handler, { worker: 'one', signal: AbortSignal.abort() })
    expect(claims).toEqual([])
  })
})

describe('claiming', () => {
  test('never holds more than its concurrency', async () => {
    const { routes, claims, reports } = routesOver('a', 'b', 'c', 'd', 'e')
    const { handler, release, signals } = held()
    const working = start(routes, handler, { concurrency: 3 })
    await vi.advanceTimersByTimeAsync(5000)
    expect([signals.length, claims]).toEqual([3, [3]])
    release()
    await vi.advanceTimersByTimeAsync(10)
    expect([signals.length, claims, reports.length]).toEqual([4, [3, 1], 1])
    await working.stop()
  })

  test('goes on after the service was away, and rests while there is nothing', async () => {
    const { routes, faults, claims, queue, reports } = routesOver()
    faults.claim = () => {
      throw new ConnectionError('away')
    }
    const working = start(routes, () => Promise.resolve(), { pollMilliseconds: 1000 })
    await vi.advanceTimersByTimeAsync(10_000)
    delete faults.claim
    queue.push(execution('late'))
    await vi.advanceTimersByTimeAsync(2000)
    expect(reports).toHaveLength(1)
    expect(claims.length).toBeLessThanOrEqual(18)
    expect(working.kinds()).toContain('claim_failed')
    await working.stop()
  })

  test.each([
    ['unauthenticated', 401],
    ['scope_missing', 403],
    ['validation_failed', 422],
  ] as const)('ends with %s, after giving back what there is', async (code, status) => {
    const { routes, faults, reports } = routesOver('a')
    const { handler } = held()
    const working = start(routes, handler, { concurrency: 2 })
    await vi.advanceTimersByTimeAsync(10)
    faults.claim = () => {
      throw refusal(code, status)
    }
    await vi.advanceTimersByTimeAsync(20_000)
    await expect(working.done).rejects.toMatchObject({ code })
    expect(reports).toMatchObject([['a', { status: 'pending' }]])
  })
})
