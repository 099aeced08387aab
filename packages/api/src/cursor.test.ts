import { expect, test } from 'vitest'
import { readCursor, writeCursor, type CursorScope } from './cursor.ts'

const scope: CursorScope = { list: 'workflows', filters: { scope: 'all', q: undefined }, userId: 'u1' }

test('a cursor leads back to its position, whatever the id', () => {
  const position = [1_795_527_422_332, 'ü/\u{1f600} "x"']
  const cursor = writeCursor(scope, position)
  expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
  expect(readCursor(scope, cursor)).toEqual(position)
})

test.each<[string, CursorScope]>([
  ['list', { ...scope, list: 'versions' }],
  ['filter', { ...scope, filters: { scope: 'owned' } }],
  ['further filter', { ...scope, filters: { scope: 'all', q: 'x' } }],
  ['caller', { ...scope, userId: 'u2' }],
  ['anonymous caller', { ...scope, userId: undefined }],
])('a cursor of another %s leads nowhere', (_, other) => {
  expect(readCursor(scope, writeCursor(other, [1, 'a']))).toBeUndefined()
})

test.each(['', 'x', '!!!!', 'bnVsbA', 'W10', 'e30', 'A'.repeat(5000), 'W10='])('%s leads nowhere', (text) => {
  expect(readCursor(scope, text)).toBeUndefined()
})
