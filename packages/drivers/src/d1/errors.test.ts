import { databaseError } from '@millrace/db/sql/errors'
import { expect, test } from 'vitest'
import { D1RefusalError, readD1Error } from './errors.ts'

test.each([
  ['D1 DB is overloaded. Too many requests queued.', 'database_busy', true],
  ['D1 DB is overloaded. Requests queued for too long.', 'database_busy', true],
  ['Exceeded maximum DB size.', 'database_busy', true],
  ['Network connection lost.', 'database_unreachable', false],
  ['D1 DB reset because its code was updated.', 'database_unreachable', false],
  ['Internal error in D1 DB storage caused object to be reset.', 'database_unreachable', false],
  ['Cannot resolve D1 DB due to transient issue on remote node.', 'database_unreachable', false],
  ['D1 DB storage operation exceeded timeout which caused object to be reset.', 'database_timeout', false],
  ['D1 DB exceeded its CPU time limit and was reset.', 'database_timeout', false],
  ["D1 DB's isolate exceeded its memory limit and was reset.", 'database_timeout', false],
  ['UNIQUE constraint failed: users.email_key: SQLITE_CONSTRAINT', 'unique_violation', true],
  ['FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: …)', 'foreign_key_violation', true],
  ['no such table: nothing: SQLITE_ERROR', 'database_schema_outdated', true],
  ['database is locked: SQLITE_BUSY', 'database_busy', true],
  ['string or blob too big: SQLITE_TOOBIG', 'row_too_large', true],
  ["bad JSON path: 'millrace: the row is too large: 2000001 of 1998000': SQLITE_ERROR", 'row_too_large', true],
  ['near "selec": syntax error at offset 0: SQLITE_ERROR', 'internal', true],
  ['Too many API requests by single Worker invocation.', 'internal', true],
  ['internal error; reference = abc', 'database_unreachable', false],
] as const)('%s', (words, fault, isNotApplied) => {
  // As the binding throws it, as Cloudflare's API says it, and with the words in the cause alone.
  for (const thrown of [
    new Error(`D1_ERROR: ${words}`),
    new Error(words),
    new Error('D1_ERROR', { cause: new Error(words) }),
  ]) {
    expect(readD1Error(thrown)).toMatchObject({ fault, isNotApplied })
  }
})

test('a row that would be too large is told by its size and the limit alone', () => {
  const words = "D1_ERROR: bad JSON path: 'millrace: the row is too large: 2000001 of 1998000': SQLITE_ERROR"
  expect(readD1Error(new Error(words)).message).toBe(
    'SQLite: a row would have 2,000,001 bytes, and this write may leave at most 1,998,000 in it',
  )
})

test('a database that is full has no disk that anyone could free', () => {
  const { trouble, fix } = readD1Error(new Error('D1_ERROR: Exceeded maximum DB size.'))
  expect(trouble).toBe('disk_full')
  expect(fix).toMatch(/10 GB.*EXECUTION_KEEP/)
})

test('what is not known is told in its own words', () => {
  expect(readD1Error(new Error('D1_ERROR: internal error; reference = abc')).message).toContain('reference = abc')
  const refused = readD1Error(new D1RefusalError('The request is malformed: params'))
  expect(refused).toMatchObject({ fault: 'internal', isNotApplied: true })
  expect(refused.message).toContain('The request is malformed: params')
  expect(readD1Error(new D1RefusalError('UNIQUE constraint failed: users.email_key: SQLITE_CONSTRAINT'))).toMatchObject(
    {
      fault: 'unique_violation',
    },
  )
})

test('a constraint is named as the schema names it', () => {
  const thrown = new Error(
    'D1_ERROR: UNIQUE constraint failed: users.email_key: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)',
  )
  expect(readD1Error(thrown)).toMatchObject({ constraint: 'users_email_key_unique' })
})

test('a gate that closed, a call that took too long, and what is an error already', () => {
  const closed = new Error("D1_ERROR: bad JSON path: 'millrace: the gate is closed': SQLITE_ERROR")
  expect(readD1Error(closed)).toMatchObject({ isGateClosed: true, isNotApplied: true })
  expect(readD1Error(new DOMException('late', 'TimeoutError'))).toMatchObject({ fault: 'database_timeout' })
  const known = databaseError('deadlock', 'known', { isNotApplied: true })
  expect(readD1Error(known)).toBe(known)
  expect(() => readD1Error(new TypeError('a defect'))).toThrow('a defect')
})
