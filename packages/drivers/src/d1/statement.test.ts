import { expect, test } from 'vitest'
import { toD1 } from './statement.ts'

const statement = (text: string, parameters: readonly unknown[]) => toD1({ text, parameters })

test('whole numbers are cast, whatever stands in strings, names and comments', () => {
  const text = 'select \'?\', "?", `?`, [?] -- ?\n, /* ? */ ?, ?, ? from t where a = ?'
  const { sql, params } = statement(text, [1, 'x', null, 2n])
  expect(sql).toBe(
    'select \'?\', "?", `?`, [?] -- ?\n, /* ? */ cast(? as integer), ?, ? from t where a = cast(? as integer)',
  )
  expect(params).toEqual([1, 'x', null, 2])
})

test.each([
  ['select 1', true],
  ['  SELECT 1', true],
  ['with a as (select 1), b(x) as (select 2) select * from a, b', true],
  ['with a as (select 1) insert into t select * from a returning x', false],
  ['with a as (select 1) update t set x = (select 1)', false],
  ['insert into t (a) values (1) returning a', false],
  ['delete from t', false],
  ['pragma foreign_keys', false],
])('%s: reads alone is %s', (text, isRead) => {
  expect(statement(text, []).isRead).toBe(isRead)
})

test('more parameters than D1 takes are bound once for each value, and the rest together', () => {
  const values = Array.from({ length: 300 }, (_none, index) => `id-${index % 150}`)
  const long = 'x'.repeat(1000)
  const { sql, params } = statement(`select ? in (${values.map(() => '?').join(', ')}), ?`, [long, ...values, 7])
  expect(params).toHaveLength(100)
  expect(params).toContain(long)
  expect(sql).toContain("json_extract(?100, '$[")
  // The number, and the first 52 of the ids, each of which stands twice.
  expect(sql.match(/json_extract/g)).toHaveLength(1 + 2 * 52)
})

test('few values among many places need no JSON', () => {
  const { sql, params } = statement(`select ${Array.from({ length: 120 }, () => '?').join(', ')}`, [
    ...Array.from({ length: 60 }, () => 'a'),
    ...Array.from({ length: 60 }, () => 5),
  ])
  expect(params).toEqual(['a', 5])
  expect(sql.startsWith('select ?1, ?1')).toBe(true)
  expect(sql.endsWith('cast(?2 as integer)')).toBe(true)
})

test('a long text that stands several times is bound once', () => {
  const long = 'x'.repeat(1_500_000)
  const { sql, params } = statement('select ?, ?, ?, ?', [long, 'a', long, 1])
  expect(params).toEqual([long, 'a', 1])
  expect(sql).toBe('select ?1, ?2, ?1, cast(?3 as integer)')
})

test.each([
  ['a text beyond a row', 'select ?', ['x'.repeat(2_000_001)], 'row_too_large', 'D1 takes 2000000'],
  ['characters of several bytes', 'select ?, ?', ['é'.repeat(1_200_000), 'é'], 'row_too_large', '2400000 bytes'],
  ['a long statement', `select 1 /* ${'x'.repeat(100_000)} */`, [], 'internal', 'D1 takes 100000'],
] as const)('%s is refused before it is sent, without its values', (_what, text, parameters, fault, words) => {
  expect(() => statement(text, parameters)).toThrow(
    expect.objectContaining({ fault, isNotApplied: true, message: expect.stringContaining(words) }),
  )
  expect(() => statement(text, parameters)).not.toThrow(/xxx|éé/)
})

const selects = (count: number) => Array.from({ length: count }, (_none, index) => `select ${index} as n`)

test.each([
  [selects(5).join(' union all '), selects(5).join(' union all ')],
  [
    `insert into t (n) ${selects(6).join(' union all ')} on conflict do nothing`,
    `insert into t (n) select * from (${selects(5).join(' union all ')}) union all select 5 as n on conflict do nothing`,
  ],
  [
    `select * from (${selects(11).join(' UNION ALL ')} order by n) x where n in (select 1 union all select 2)`,
    `select * from (select * from (${selects(10).slice(0, 5).join(' union all ')}) union all select * from (${selects(10).slice(5).join(' union all ')}) union all select 10 as n order by n) x where n in (select 1 union all select 2)`,
  ],
  [selects(6).join(' union '), `select * from (${selects(5).join(' union ')}) union select 5 as n`],
  [`${selects(6).join(' union ')} union all select 6`, `${selects(6).join(' union ')} union all select 6`],
])('a long UNION goes in groups of five, unless its kinds are mixed: %s', (text, expected) => {
  expect(statement(text, []).sql.trim()).toBe(expected)
})

test('of more than twenty-five SELECTs the groups are grouped', () => {
  const { sql } = statement(selects(60).join(' union all '), [])
  expect(sql.match(/select \d+ as n/g)).toHaveLength(60)
  expect(sql).toMatch(/^select \* from \(select \* from \(select 0 as n /)
})

test('what D1 has no type for is no parameter', () => {
  expect(() => statement('select ?', [2n ** 60n])).toThrow(TypeError)
  expect(() => statement('select ?', [new Date()])).toThrow(TypeError)
})
