import { expect, test } from 'vitest'
import { Failure } from './failure.ts'
import { onlyLine } from './passwords.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test.for([
  ['one line', 'correct horse\n', 'correct horse'],
  ['a line without its end', 'correct horse', 'correct horse'],
  ["Windows' line end", 'correct horse\r\n', 'correct horse'],
  ['blanks around it, which belong to it', '  x  \n', '  x  '],
])('%s is the password', ([, input = '', password]) => {
  expect(onlyLine(bytes(input))).toBe(password)
})

test.for([
  ['nothing', bytes('')],
  ['an empty line', bytes('\n')],
  ['two lines', bytes('a\nb\n')],
  ['invalid UTF-8', Uint8Array.of(0xff, 0x0a)],
] as const)('%s is refused', ([, input]) => {
  expect(() => onlyLine(input)).toThrow(Failure)
})
