import { describe, expect, test } from 'vitest'
import { postgresError } from './errors.ts'

describe('an error that ends the session', () => {
  test.each([
    // A log-in that is refused, or a session that waited for a request: it read none.
    { code: '57P03', fault: 'database_unreachable', isNotApplied: true },
    { code: '57P05', fault: 'database_unreachable', isNotApplied: true },
    // Its transaction waited for a request, and is rolled back.
    { code: '25P03', fault: 'database_unreachable', isNotApplied: true },
    // These may come behind a COMMIT.
    { code: '57P01', fault: 'database_unreachable', isNotApplied: false },
    { code: '57P02', fault: 'database_unreachable', isNotApplied: false },
    { code: '57P04', fault: 'database_unreachable', isNotApplied: false },
    { code: '25P04', fault: 'database_timeout', isNotApplied: false },
    { code: 'XX000', fault: 'database_unreachable', isNotApplied: false },
  ])('of SQLSTATE $code is $fault', ({ code, ...told }) => {
    expect(postgresError({ code, severity: 'FATAL', message: 'terminating connection' })).toMatchObject(told)
  })

  test('is told by its SQLSTATE where the server has the severity in another language', () => {
    const error = postgresError({ code: '57P05', severity: 'ВАЖНО', message: 'закрытие подключения' })
    expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: true })
  })
})

test('an error that ends a statement alone and is not known is a defect', () => {
  const error = postgresError({ code: 'XX000', severity: 'ERROR', message: 'cache lookup failed' })
  expect(error).toMatchObject({ fault: 'internal', isNotApplied: true })
})

test('a plan that a change of a table has outdated is made anew', () => {
  const error = postgresError({ code: '0A000', severity: 'ERROR', message: 'cached plan must not change result type' })
  expect(error).toMatchObject({ fault: 'database_busy', isNotApplied: true })
})
