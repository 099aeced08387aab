import { expect, test } from 'vitest'
import { checkDefinition } from '../import/definition.ts'
import { fileNames } from './file-names.ts'

test.for([
  ['Nightly report', 'Nightly report.json'],
  ['a/b\\c:d', 'a_b_c_d.json'],
  ['.hidden', '_hidden.json'],
  ['..', '__.json'],
  ['ends in dots..', 'ends in dots__.json'],
  ['line\nbreak\u0000', 'line_break_.json'],
  ['é😀', 'é😀.json'],
] as const)('%j becomes %j', ([name, file]) => {
  expect(fileNames([name])).toEqual([file])
})

test('names that are alike, also ignoring case, get numbers, and never one that another has', () => {
  expect(fileNames(['a', 'A', 'a', 'a (2)'])).toEqual(['a.json', 'A (2).json', 'a (3).json', 'a (2) (2).json'])
})

test('the longest name of a workflow is a file name, cut between characters', () => {
  const [file = ''] = fileNames(['😀'.repeat(255)])
  expect(new TextEncoder().encode(file).length).toBeLessThanOrEqual(255)
  expect(file.isWellFormed()).toBe(true)
})

test('import gives the name back that a file was named for', () => {
  const [file = ''] = fileNames(['Nightly report é'])
  const read = checkDefinition(new TextEncoder().encode('{}'), file)
  expect(read).toMatchObject({ ok: true, definition: { name: 'Nightly report é' } })
})
