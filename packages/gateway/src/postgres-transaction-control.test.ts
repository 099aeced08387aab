import { expect, it } from 'vitest'
import { isTransactionControl } from './postgres-transaction-control.ts'

it.each([
  'begin',
  'START TRANSACTION',
  ' commit ;',
  'End',
  'rollback to a',
  'abort',
  "prepare transaction 'x'",
  '-- comment\n commit',
  '/* a /* nested */ comment */ rollback',
  ';commit',
  'commit/**/work',
])('%j controls the transaction', (sql) => {
  expect(isTransactionControl(sql)).toBe(true)
})

it.each([
  '',
  'select 1',
  "insert into t values ('commit')",
  '/* commit */ select 1',
  '-- rollback',
  'savepoint a',
  'beginning',
  'prepare x as select 1',
  '/* never closed commit',
])('%j does not', (sql) => {
  expect(isTransactionControl(sql)).toBe(false)
})
