import { expect, test } from 'vitest'
import { mysqlError, troubleOfErrno, wordsOfErrno } from './errors.ts'

test.each([
  // A migration went on beside it.
  { errno: 1412, message: 'Table definition has changed, please retry transaction', fault: 'database_busy' },
  { errno: 1615, message: 'Prepared statement needs to be re-prepared', fault: 'database_busy' },
  // The server has ended the session: after a KILL, or because it had no work for long.
  { errno: 1927, message: 'Connection was killed', fault: 'database_unreachable' },
  {
    errno: 3024,
    message: 'Query execution was interrupted, maximum statement execution time exceeded',
    fault: 'database_timeout',
  },
  {
    errno: 4031,
    message: 'The client was disconnected by the server because of inactivity.',
    fault: 'database_unreachable',
  },
])('MySQL error $errno is $fault, which is tried again', ({ errno, message, fault }) => {
  const trouble = troubleOfErrno(errno, message) ?? 'internal'
  const error = mysqlError(trouble, wordsOfErrno(errno, message), { message, statement: undefined })
  expect(error).toMatchObject({ fault, isNotApplied: fault !== 'database_unreachable' })
  expect(error.message).toContain(message)
})
