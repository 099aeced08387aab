import { expect, test } from 'vitest'
import { isNotModified, parseEntityTags } from './preconditions.ts'

test.each<[string, readonly number[] | 'any' | undefined]>([
  ['"3"', [3]],
  ['W/"3"', [3]],
  ['"1", W/"2" ,"3"', [1, 2, 3]],
  [', "1",', [1]],
  ['*', 'any'],
  [' * ', 'any'],
  ['"0"', [0]],
  ['"abc"', []],
  ['"03"', []],
  ['"-1"', []],
  ['"2147483648"', []],
  ['"99999999999999999999"', []],
  ['"a,b", "4"', [4]],
  ['', undefined],
  [',', undefined],
  ['3', undefined],
  ['"3', undefined],
  ['w/"3"', undefined],
  ['"1" "2"', undefined],
  ['*, "1"', undefined],
  ['"1", x', undefined],
])('If-Match: %s', (header, revisions) => {
  expect(parseEntityTags(header)).toEqual(revisions)
})

test.each<[string | null, string | undefined, boolean]>([
  ['"3"', '"3"', true],
  ['W/"3"', '"3"', true],
  ['"1", "3"', '"3"', true],
  ['*', '"3"', true],
  ['"4"', '"3"', false],
  ['3', '"3"', false],
  [null, '"3"', false],
  ['*', undefined, false],
])('If-None-Match: %s against %s', (header, tag, matches) => {
  expect(isNotModified(header, tag)).toBe(matches)
})
