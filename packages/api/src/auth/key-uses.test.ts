import { expect, test } from 'vitest'
import { createKeyUses } from './key-uses.ts'

const start = Date.UTC(2026, 0, 1)
const after = (seconds: number) => new Date(start + seconds * 1000)

test('a use is noted once a minute for each key', () => {
  const noteUse = createKeyUses()
  expect(noteUse('a', after(0))).toEqual({ keySha256: 'a', at: after(0), before: after(-60) })
  expect(noteUse('a', after(59))).toBeUndefined()
  expect(noteUse('b', after(59))).toBeDefined()
  expect(noteUse('a', after(60))).toBeDefined()
})

test('what is remembered is bounded', () => {
  const noteUse = createKeyUses()
  noteUse('first', after(0))
  for (let key = 0; key < 10_000; key += 1) noteUse(String(key), after(1))
  expect(noteUse('first', after(2))).toBeDefined()
  expect(noteUse('9999', after(2))).toBeUndefined()
})
