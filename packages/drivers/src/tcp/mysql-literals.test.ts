import { expect, test } from 'vitest'
import { mysqlTextOf } from './mysql-literals.ts'

const filled = (text: string, ...parameters: readonly unknown[]) => mysqlTextOf({ text, parameters })

test('each value stands in its place, as a literal of its kind', () => {
  expect(filled('select ?, ?, ?, ?, ? limit ?', 'a', null, true, false, 12345678901234567890n, 3)).toBe(
    "select 'a', null, 1, 0, 12345678901234567890 limit 3",
  )
})

test('a question mark in a text or a name of the statement is no place', () => {
  const statement = "select 'it''s ?', \"?\", `?`, 'a\\'?' from t where x = ?"
  expect(filled(statement, 1)).toBe(statement.replace(/= \?$/, '= 1'))
})

test('a value is never read again: neither a place nor a quote in it counts', () => {
  expect(filled('select ?, ?', "? ' $& $1", '?')).toBe("select '? '' $& $1', '?'")
})

test('a text with a backslash is written by its bytes, whatever the server makes of one', () => {
  expect(filled('select ?', "\\' or 1 = 1 -- ")).toBe("select _utf8mb4 X'5c27206f722031203d2031202d2d20'")
  expect(filled('select ?', 'é\\')).toBe("select _utf8mb4 X'c3a95c'")
})

test.each([
  ['more places than values', 'select ?, ?', [1]],
  ['more values than places', 'select ?', [1, 2]],
  ['a number that is none', 'select ?', [Number.NaN]],
  ['a value that has no literal', 'select ?', [new Date(0)]],
] as const)('refuses %s before anything is sent', (_what, text, parameters) => {
  expect(() => mysqlTextOf({ text, parameters })).toThrow(TypeError)
})
