import { describe, expect, test } from 'vitest'
import { isDoubtful, nameOfFailure, type FailedBy } from './failure.ts'
import { inOrder } from './order.ts'
import { instrument } from './terms.ts'

const failed = (...errors: FailedBy[]) => ({ suite: 'test/contract/shares.test.ts', test: 'sqlite > shares', errors })

describe('a failure of a suite from which a term was left out', () => {
  test.each<FailedBy>([
    { name: 'Error', message: 'Test timed out in 30000ms.' },
    { name: 'Error', message: 'Hook timed out in 60000ms.' },
    { name: 'TypeError', message: 'fetch failed' },
    { name: 'Error', message: 'read ECONNRESET' },
    { name: 'AssertionError', message: 'expected 503 to be 200 // Object.is equality', actual: '503' },
    { name: 'AssertionError', message: "expected { code: 'database_busy' } to equal { code: 'conflict' }" },
    { name: 'Error', message: 'Worker exited unexpectedly' },
  ])('may be the doing of the machine: $message', (error) => {
    expect(isDoubtful(failed(error))).toBe(true)
  })

  test.each<FailedBy>([
    { name: 'AssertionError', message: 'expected 200 to be 401 // Object.is equality', actual: '200' },
    { name: 'AssertionError', message: 'expected 204 to be 503 // Object.is equality', actual: '204' },
    { name: 'AssertionError', message: 'expected [] to deeply equal [ 3 ]' },
  ])('is that of the term: $message', (error) => {
    expect(isDoubtful(failed(error))).toBe(false)
  })

  test('is in doubt where nobody knows which suite it was, or why it failed', () => {
    expect(isDoubtful({ suite: undefined, test: undefined, errors: [{ message: 'no' }] })).toBe(true)
    expect(isDoubtful(failed())).toBe(true)
    expect(isDoubtful({ ...failed({ message: 'expected 1 to be 2' }), test: undefined })).toBe(true)
    expect(nameOfFailure(failed())).toBe('test/contract/shares.test.ts › sqlite > shares')
  })
})

describe('the order of suites', () => {
  const term = { name: 'repositories/workflows/shares-put.ts › put › mayAct(caller)' }
  const reaching = [
    { suite: 'test/contract/shares.test.ts', milliseconds: 8000 },
    { suite: 'test/contract/auth.test.ts', milliseconds: 4000 },
    { suite: 'test/contract/executions.test.ts', milliseconds: 60_000 },
  ].map((reach) => ({ ...reach, terms: ['1'] }))

  test('begins with the one named after the source, though another is faster', () => {
    expect(inOrder(term, reaching, new Map())[0]).toBe('test/contract/shares.test.ts')
  })

  test('learns from what has noticed terms of the same source', () => {
    const noticed = new Map([
      ['repositories/workflows/shares-put.ts', Array.from({ length: 9 }, () => 'test/contract/auth.test.ts')],
    ])
    expect(inOrder(term, reaching, noticed)).toEqual([
      'test/contract/auth.test.ts',
      'test/contract/shares.test.ts',
      'test/contract/executions.test.ts',
    ])
  })
})

test('a switch stands at each term, and the source is otherwise as it was', () => {
  const { terms, code } = instrument('x.ts', 'function change() { return update().where(and(one(), two())) }')
  expect(terms.map(({ name }) => name)).toEqual(['x.ts › change › one()', 'x.ts › change › two()'])
  expect(code).toContain(`globalThis.guards?.isRemoved("${terms[0]?.id}") ? globalThis.guards.always : (one()))`)
})
