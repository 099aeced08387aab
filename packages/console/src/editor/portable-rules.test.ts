import { expect, test } from 'vitest'
import { placeOf, portableProblems } from './portable-rules.ts'

const options = { needsObject: true, allowsSecrets: false }
const problemsOf = (source: string, changed: Partial<typeof options> = {}) =>
  portableProblems(source, { ...options, ...changed }).map(({ from, to }) => source.slice(from, to))

test.each([
  ['{"a":1,"b":{"a":1}}', []],
  ['{"a":1,"a":2,"\\u0061":3}', ['"a"', '"\\u0061"']],
  ['{"a":[{"b":1},{"b":1}]}', []],
  ['{"__proto__":1}', ['"__proto__"']],
  ['{"a":"\\u0000"}', ['"\\u0000"']],
  ['{"a":"\\ud800","b":"\\ud83d\\ude00"}', ['"\\ud800"']],
  ['{"a":{"$secret":"x"}}', ['"$secret"']],
  ['[1]', ['[1]']],
  ['"text"', ['"text"']],
  ['{"n":1.0,"big":12345678901234567890,"e":1e400}', []],
])('%s', (source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test('64 containers within each other are taken, 65 are not', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  expect(problemsOf(`{"a":${nested(63)}}`)).toEqual([])
  expect(problemsOf(`{"a":${nested(64)}}`)).toEqual(['['])
})

test('settings may hold secrets, an input may be any value', () => {
  expect(problemsOf('{"a":{"$secret":"x"}}', { allowsSecrets: true })).toEqual([])
  expect(problemsOf('[1]', { needsObject: false })).toEqual([])
})

test('at most 20 are told', () => {
  expect(problemsOf(`{${Array.from({ length: 50 }, () => '"a":1').join(',')}}`)).toHaveLength(20)
})

test('the place of a path is that of its value, escapes and repeated names aside', () => {
  const source = '{ "nodes": [ { "id": 1 }, { "\\u0069d": [2, 3] } ], "edges": [] }'
  const at = (...path: readonly (string | number)[]) => {
    const place = placeOf(source, path)
    return place && source.slice(place.from, place.to)
  }
  expect(at('nodes', 0)).toBe('{ "id": 1 }')
  expect(at('nodes', 1, 'id', 1)).toBe('3')
  expect(at('edges')).toBe('[]')
  expect(at('nodes', 7)).toBeUndefined()
  expect(at('none', 'deeper')).toBeUndefined()
})
