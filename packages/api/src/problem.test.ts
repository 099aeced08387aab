import { expect, test } from 'vitest'
import { problemOf } from './problem.ts'

test('a problem names at most 20 errors', () => {
  const errors = Array.from({ length: 100 }, (_none, index) => ({ pointer: `/${index}`, message: 'is wrong' }))
  const { body } = problemOf({ ok: false, refusal: 'validation_failed', errors }, { requestId: 'r' })
  expect(JSON.parse(body)).toMatchObject({ errors: errors.slice(0, 20) })
})
