import { expect, test } from 'vitest'
import { compareCosts, costOf, isClearlyBelow, mostOf } from '../../bench/costs.ts'

const expected = {
  spread: 0.15,
  statements: { sqlite: { read: 1, claim: 4 }, mysql: { read: 2 } },
  cpuOfFloor: { sqlite: { read: 1.2 } },
}
const asExpected = {
  statements: { sqlite: { read: 1, claim: 4 }, mysql: { read: 2 } },
  cpuOfFloor: { sqlite: { read: 1.2 } },
}

test('what costs as much as expected passes, and each cost has its line', () => {
  const { lines, wrong } = compareCosts(asExpected, expected)
  expect(wrong).toEqual([])
  expect(lines).toEqual([
    'sqlite, read: 1 statements (1)',
    'sqlite, claim: 4 statements (4)',
    'mysql, read: 2 statements (2)',
    "sqlite, read: 1.2 times the floor's CPU time (1.2, at most 1.38)",
  ])
})

test('one statement more fails, and so does one less', () => {
  for (const claim of [5, 3]) {
    const measured = { ...asExpected, statements: { sqlite: { read: 1, claim }, mysql: { read: 2 } } }
    expect(compareCosts(measured, expected).wrong).toEqual([`sqlite, claim: ${claim} statements (4)`])
  }
})

test('CPU time fails above the spread, and not at it nor below', () => {
  const wrongAt = (read: number) => compareCosts({ ...asExpected, cpuOfFloor: { sqlite: { read } } }, expected).wrong
  expect(mostOf(1.2, expected)).toBeCloseTo(1.38)
  expect(wrongAt(1.37)).toEqual([])
  expect(wrongAt(0.1)).toEqual([])
  expect(wrongAt(1.39)).toEqual(["sqlite, read: 1.39 times the floor's CPU time (1.2, at most 1.38)"])
  expect(wrongAt(1.2 * 1.3)).toHaveLength(1)
})

test('an act or a database that the file lacks fails', () => {
  const measured = {
    statements: { ...asExpected.statements, sqlite: { read: 1, claim: 4, step: 2 }, postgres: { read: 1 } },
    cpuOfFloor: { sqlite: { read: 1.2, list: 1 } },
  }
  expect(compareCosts(measured, expected).wrong).toEqual([
    'sqlite, step: is not in bench/expected.json',
    'postgres, read: is not in bench/expected.json',
    'sqlite, list: is not in bench/expected.json',
  ])
})

test('an act of the file that was not measured fails, unless its whole database was not', () => {
  const { wrong } = compareCosts({ statements: { sqlite: { read: 1 } }, cpuOfFloor: {} }, expected)
  expect(wrong).toEqual(['sqlite, claim: not measured'])
  const none = compareCosts({ ...asExpected, cpuOfFloor: { sqlite: { read: Number.NaN } } }, expected)
  expect(none.wrong).toEqual(['sqlite, read: not measured'])
})

test('the cost is the median of the pairs, so that single pairs move nothing', () => {
  expect(costOf([1.2, 1.21, 9, 1.19, 0.1])).toBe(1.2)
})

test('a median is clearly below a limit only when enough pairs are below it', () => {
  const pairs = (below: number, above: number) => [
    ...Array.from({ length: below }, () => 1),
    ...Array.from({ length: above }, () => 2),
  ]
  expect(isClearlyBelow(pairs(12, 0), 1.5)).toBe(true)
  expect(isClearlyBelow(pairs(11, 1), 1.5)).toBe(true)
  // Of 12 values from a median at the limit, ten are below it in one of 50 runs.
  expect(isClearlyBelow(pairs(9, 3), 1.5)).toBe(false)
  expect(isClearlyBelow(pairs(30, 18), 1.5)).toBe(false)
  expect(isClearlyBelow(pairs(34, 14), 1.5)).toBe(true)
  expect(isClearlyBelow(pairs(2, 0), 1.5)).toBe(false)
  expect(isClearlyBelow([], 1.5)).toBe(false)
})
