import { expect, test } from 'vitest'
import { printable } from './printable.ts'

test('what could steer a terminal is shown as its escape, everything else as it is', () => {
  expect(printable('\u001B[2Jé😀\n\u202E\u009B')).toBe(String.raw`\u001b[2Jé😀\u000a\u202e\u009b`)
})
