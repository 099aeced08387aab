import { expect, test } from 'vitest'
import { isSameSecret } from './same-secret.ts'

test.each([
  ['a', 'a', true],
  ['', '', true],
  ['a', 'b', false],
  ['a', 'a ', false],
  ['', 'a', false],
  ['é', 'e\u0301', false],
])('%j and %j: %s', async (one, other, isSame) => {
  expect(await isSameSecret(one, other)).toBe(isSame)
})
