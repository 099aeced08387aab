import { expect, test } from 'vitest'
import { isId, newId, timeOfId } from './ids.ts'

test('an id tells its time to the millisecond', () => {
  const at = new Date('2026-11-24T13:37:02.287Z')
  expect(timeOfId(newId(at))).toEqual(at)
})

test('ids of one moment are all different, however many there are', () => {
  const at = new Date('2026-11-24T13:37:02.287Z')
  const ids = Array.from({ length: 2000 }, () => newId(at))
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length)
})

test.each(['', 'x', '0a20dc6-3135-7535-b8a8-1c00347ccb32', '01a20dc6-3135-4535-b8a8-1c00347ccb32'])(
  '%j has no time',
  (id) => {
    expect(timeOfId(id)).toBeUndefined()
  },
)

test.each(['a', 'a b', '.a', '...', 'BATCH', '\u{1f600}'.repeat(64), 'a/b', ' a'])('%j is an id', (id) => {
  expect(isId(id)).toBe(true)
})

test.each(['', 'a ', ' ', '.', '..', 'batch', 'claim', 'a\0', 'x'.repeat(65), '\u{1f600}'.repeat(65), '\ud800'])(
  '%j is no id',
  (id) => {
    expect(isId(id)).toBe(false)
  },
)
