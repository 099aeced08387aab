import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConnectionError } from '../../errors.ts'
import { toJson } from '../../json-text.ts'
import { startWorking, storedExecution } from '../../testing/stored-execution.ts'
import type { Handler } from '../contract.ts'
import { FatalError } from './errors.ts'
import type { Run } from './run.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Works an execution by a handler until it is at rest. */
async function worked(handler: Handler, stored = storedExecution(), milliseconds = 60_000) {
  const working = startWorking(stored.routes, handler, { leaseSeconds: 5 })
  await vi.advanceTimersByTimeAsync(milliseconds)
  working.abort()
  await vi.advanceTimersByTimeAsync(60_000)
  await working.done
  return { ...stored, events: working.events, last: stored.reports.at(-1) }
}

/** A handler that ends with what the body gives. */
const giving =
  (body: (run: Run) => Promise<unknown>): Handler =>
  async (_execution, run) => ({ status: 'completed', state: toJson((await body(run)) ?? null) })

describe('a step', () => {
  test('is done once, and its answer is given back on every later attempt', async () => {
    let acts = 0
    const stored = storedExecution()
    const { last } = await worked(
      giving(async ({ step, sleep }) => {
        const first = await step('charge', () => ({ receipt: ++acts }))
        await sleep('a day', '30s')
        return [first, await step('ship', () => 'shipped')]
      }),
      stored,
      120_000,
    )
    expect(acts).toBe(1)
    expect(stored.attempts()).toBe(2)
    expect(last).toMatchObject({ status: 'completed', state: '[{"receipt":1},"shipped"]' })
  })

  test('is recorded once when the answer to its record was lost', async () => {
    const stored = storedExecution()
    let losses = 2
    stored.faults.afterRecord = () => {
      if (losses-- > 0) throw new ConnectionError('lost')
    }
    let acts = 0
    const { last } = await worked(
      giving(({ step }) => step('once', () => ++acts)),
      stored,
    )
    expect([acts, stored.steps.length]).toEqual([1, 1])
    expect(last).toMatchObject({ status: 'completed', state: '1' })
  })

  test('gives what is recorded where another result is there already', async () => {
    const stored = storedExecution()
    stored.steps.push({
      ...{ seq: 2, key: 'x', error: null, attempt: 1, startedAt: null, recordedAt: '' },
      output: toJson('the first'),
    })
    const claim = stored.routes.claim
    // As if the record had come after the claim was answered.
    const routes = {
      ...stored.routes,
      claim: async (...given: Parameters<typeof claim>) =>
        (await claim(...given)).map((execution) => ({ ...execution, steps: [] })),
    }
    const { last } = await worked(
      giving(({ step }) => step('x', () => 'the second')),
      { ...stored, routes },
    )
    expect(last).toMatchObject({ status: 'completed', state: '"the first"' })
  })

  test('is tried again with growing pauses, and its failure is recorded when the tries are used up', async () => {
    const at: number[] = []
    const started = Date.now()
    const fail = () => {
      at.push(Date.now() - started)
      throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
    }
    const caught: unknown[] = []
    const { steps, last } = await worked(
      giving(({ step }) =>
        step('call', fail, { attempts: 3, backoff: { firstSeconds: 2, factor: 3 } }).catch((error: unknown) => {
          caught.push(error)
          return 'compensated'
        }),
      ),
    )
    expect(at).toEqual([0, 2000, 8000])
    expect(steps).toMatchObject([{ key: 'call', error: { code: 'ECONNREFUSED', message: 'away' }, attempt: 3 }])
    expect(caught).toMatchObject([{ name: 'StepFailedError', key: 'call', code: 'ECONNREFUSED' }])
    expect(last).toMatchObject({ status: 'completed', state: '"compensated"' })
  })

  test('that throws a FatalError is not tried again, and uncaught it fails the execution', async () => {
    let acts = 0
    const { last } = await worked(
      giving(({ step }) =>
        step('call', () => {
          acts += 1
          throw new FatalError('no such account')
        }),
      ),
    )
    expect(acts).toBe(1)
    expect(last).toMatchObject({ status: 'failed', error: { code: 'FatalError' } })
    expect(last?.error?.message).toContain('no such account')
  })

  test('that takes longer than timeoutSeconds is aborted, and counts as a failed try', async () => {
    const reasons: unknown[] = []
    const { last } = await worked(
      giving(({ step }) =>
        step(
          'slow',
          ({ signal, attempt }) =>
            attempt === 2
              ? 'in time'
              : new Promise((resolve) => {
                  signal.addEventListener('abort', () => {
                    reasons.push(signal.reason)
                    resolve(undefined)
                  })
                }),
          { timeoutSeconds: 3 },
        ),
      ),
    )
    expect(reasons).toMatchObject([{ message: expect.stringContaining('within 3 s') }])
    expect(last).toMatchObject({ status: 'completed', state: '"in time"' })
  })

  test.each([
    ['a bigint', 1n],
    ['NaN', { amounts: [Number.NaN] }],
    ['a date', { at: new Date(0) }],
    ['a function', () => 1],
    ['a circle', circle()],
    ['undefined in a list', [undefined]],
  ])('whose answer is %s fails with the place of it, and nothing is recorded', async (_name, answer) => {
    const { steps, last } = await worked(giving(({ step }) => step('x', () => answer)))
    expect(steps).toEqual([])
    expect(last).toMatchObject({ status: 'failed', error: { code: 'StepOutputError' } })
  })

  test('is not recorded when its lease was lost meanwhile, and its signal is aborted', async () => {
    const stored = storedExecution()
    const reasons: unknown[] = []
    const { steps, reports, events } = await worked(
      giving(({ step }) =>
        step('long', async ({ signal }) => {
          stored.loseLease()
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve)
          })
          reasons.push(signal.reason)
          return 'too late'
        }),
      ),
      stored,
    )
    expect(reasons).toMatchObject([{ name: 'LeaseLostError' }])
    expect([steps, reports]).toEqual([[], []])
    expect(events.map(({ kind }) => kind)).toEqual(['claimed', 'lost'])
  })

  test.each([
    ['twice', (run: Run) => run.step('a', () => 1).then(() => run.step('a', () => 2))],
    ['with a prefix of waits', (run: Run) => run.step('sleep:a', () => 1)],
    ['empty', (run: Run) => run.step('', () => 1)],
    ['a dot', (run: Run) => run.step('.', () => 1)],
    ['too long', (run: Run) => run.step('x'.repeat(256), () => 1)],
  ])('whose key is used %s is refused', async (_name, body) => {
    const { last } = await worked(giving(body))
    expect(last).toMatchObject({ status: 'failed', error: { code: 'StepKeyError' } })
  })

  test('after the end of its handler is refused', async () => {
    let kept: Run | undefined
    await worked(async (_execution, run) => {
      kept = run
      await Promise.resolve()
    })
    await expect(kept?.step('late', () => 1)).rejects.toMatchObject({ name: 'RunEndedError' })
  })

  test('has an idempotency key that is the same on every try', async () => {
    const keys: string[] = []
    await worked(
      giving(({ step }) =>
        step('call', ({ idempotencyKey }) => {
          keys.push(idempotencyKey)
          if (keys.length < 3) throw new Error('again')
          return 1
        }),
      ),
    )
    expect(keys).toEqual(['e/call', 'e/call', 'e/call'])
  })
})

describe('steps side by side', () => {
  test('are all finished before the first failure is thrown', async () => {
    const { steps, last } = await worked(
      giving(({ step, all }) =>
        all([
          () => step('bad', () => Promise.reject(new Error('no')), { attempts: 1 }),
          () => step('good', () => new Promise((resolve) => setTimeout(() => resolve(1), 3000))),
        ]),
      ),
    )
    expect(steps.map(({ key }) => key).toSorted()).toEqual(['bad', 'good'])
    expect(last).toMatchObject({ status: 'failed', error: { code: 'Error', message: 'Step bad failed: no' } })
  })

  test('are finished before a long sleep beside them gives the execution up', async () => {
    const stored = storedExecution()
    const { last } = await worked(
      giving(({ step, sleep, all }) =>
        all([
          sleep('long', '1m'),
          step('work', () => new Promise((resolve) => setTimeout(() => resolve('done'), 4000))),
        ]),
      ),
      stored,
      120_000,
    )
    expect(stored.attempts()).toBe(2)
    expect(last).toMatchObject({ status: 'completed', state: '[null,"done"]' })
  })
})

describe('a sleep', () => {
  test('that is short is waited for in place', async () => {
    const stored = storedExecution()
    await worked(
      giving(({ sleep }) => sleep('short', 3)),
      stored,
    )
    expect([stored.status(), stored.attempts()]).toEqual(['completed', 1])
  })

  test('keeps its end when the worker stops in the middle of it', async () => {
    const stored = storedExecution()
    const handler = giving(({ sleep }) => sleep('a while', 15))
    const begun = Date.now()
    const first = startWorking(stored.routes, handler, { leaseSeconds: 5, graceMilliseconds: 0 })
    await vi.advanceTimersByTimeAsync(10_000)
    first.abort()
    await vi.advanceTimersByTimeAsync(1000)
    await first.done
    const second = startWorking(stored.routes, handler, { leaseSeconds: 5 })
    await vi.advanceTimersByTimeAsync(6000)
    expect(stored.status()).toBe('completed')
    expect(Date.now() - begun).toBeLessThan(18_000)
    second.abort()
    await vi.advanceTimersByTimeAsync(1000)
    await second.done
  })

  test('without an attempt left for its end fails the execution, and says what to do', async () => {
    const { last } = await worked(
      giving(({ sleep }) => sleep('long', '1d')),
      storedExecution({ maxAttempts: 1 }),
    )
    expect(last).toMatchObject({ status: 'failed', error: { code: 'attempts_used_up' } })
    expect(last?.error?.message).toContain('maxAttempts')
  })

  test.each(['1 day', '', '5x', Number.NaN, -1])('of %j is refused', async (duration) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a program without types may pass
    const { last } = await worked(giving(({ sleep }) => sleep('x', duration as number)))
    expect(last).toMatchObject({ status: 'failed' })
  })
})

describe('a wait for a signal', () => {
  test('gets one that was there before, without giving the execution up', async () => {
    const stored = storedExecution()
    stored.signal('approval', toJson({ by: 'grace', amount: 1 }))
    const { last } = await worked(
      giving(async ({ waitFor }) => (await waitFor('approval')).payload),
      stored,
    )
    expect(stored.attempts()).toBe(1)
    expect(last).toMatchObject({ state: JSON.stringify('{"by":"grace","amount":1}') })
  })

  test('gives the execution up, and gets one that comes later', async () => {
    const stored = storedExecution()
    const working = startWorking(
      stored.routes,
      giving(async ({ waitFor }) => (await waitFor('approval')).payload),
      { leaseSeconds: 5 },
    )
    await vi.advanceTimersByTimeAsync(5000)
    expect([stored.status(), stored.waitsFor()]).toEqual(['paused', ['approval']])
    stored.signal('other')
    await vi.advanceTimersByTimeAsync(5000)
    expect(stored.status()).toBe('paused')
    stored.signal('approval', toJson('yes'))
    await vi.advanceTimersByTimeAsync(5000)
    expect([stored.status(), stored.attempts()]).toEqual(['completed', 2])
    working.abort()
    await vi.advanceTimersByTimeAsync(5000)
  })

  test('gets each signal of a name once, in their order', async () => {
    const stored = storedExecution()
    for (const number of [1, 2, 3]) stored.signal('item', toJson(number))
    const { last } = await worked(
      giving(async ({ waitFor, all }) => {
        const [first, second] = await all([waitFor('item', { key: 'a' }), waitFor('item', { key: 'b' })])
        const third = await waitFor('item', { key: 'c' })
        return [first.payload, second.payload, third.payload]
      }),
      stored,
    )
    expect(last).toMatchObject({ status: 'completed', state: '["1","2","3"]' })
  })

  test('that comes in the moment of giving up wakes the execution', async () => {
    const stored = storedExecution()
    const { report } = stored.routes
    const routes = {
      ...stored.routes,
      report: (...given: Parameters<typeof report>) => {
        if (given[1].status === 'paused' && stored.attempts() === 1) stored.signal('approval')
        return report(...given)
      },
    }
    await worked(
      giving(({ waitFor }) => waitFor('approval').then(() => 1)),
      { ...stored, routes },
    )
    expect([stored.status(), stored.attempts()]).toEqual(['completed', 2])
  })

  test('times out once and for all', async () => {
    const stored = storedExecution()
    const { last } = await worked(
      giving(({ waitFor, sleep }) =>
        waitFor('approval', { timeout: '30s' }).catch(async (error: Error) => {
          stored.signal('approval')
          await sleep('more', '30s')
          return error.name
        }),
      ),
      stored,
      180_000,
    )
    expect(last).toMatchObject({ status: 'completed', state: '"WaitTimedOutError"' })
  })
})

function circle(): object {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  return circular
}
