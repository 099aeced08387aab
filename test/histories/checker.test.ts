import { expect, test } from 'vitest'
import { isLinearizable, type Model, type Operation } from './checker.ts'

type Input = 'read' | { readonly write: number }
const register: Model<number, Input, number> = {
  initial: 0,
  next(state, input, output) {
    if (input === 'read') return output === undefined || output === state ? [state] : []
    return output === undefined ? [input.write, state] : [input.write]
  },
}

function at(calledAt: number, returnedAt: number, input: Input, output?: number): Operation<Input, number> {
  return { input, output, calledAt, returnedAt }
}

test('operations one after the other are explained by the register', () => {
  expect(isLinearizable(register, [at(0, 1, { write: 1 }, 0), at(2, 3, 'read', 1)])).toBe(true)
})

test('a read after a write has returned does not see what was before', () => {
  expect(isLinearizable(register, [at(0, 1, { write: 1 }, 0), at(2, 3, 'read', 0)])).toBe(false)
})

test('a read beside a write may see either', () => {
  for (const seen of [0, 1]) {
    expect(isLinearizable(register, [at(0, 3, { write: 1 }, 0), at(1, 2, 'read', seen)])).toBe(true)
  }
})

test('what one reader has seen the next one does not miss', () => {
  const write = at(0, 9, { write: 1 }, 0)
  expect(isLinearizable(register, [write, at(1, 2, 'read', 0), at(3, 4, 'read', 1)])).toBe(true)
  expect(isLinearizable(register, [write, at(1, 2, 'read', 1), at(3, 4, 'read', 0)])).toBe(false)
})

test('a write whose answer was lost may have happened, at any time, or not', () => {
  const lost = at(0, 1, { write: 1 })
  expect(isLinearizable(register, [lost, at(2, 3, 'read', 0)])).toBe(true)
  expect(isLinearizable(register, [lost, at(2, 3, 'read', 1)])).toBe(true)
  expect(isLinearizable(register, [lost, at(2, 3, 'read', 0), at(4, 5, 'read', 1)])).toBe(true)
  expect(isLinearizable(register, [lost, at(2, 3, 'read', 1), at(4, 5, 'read', 0)])).toBe(false)
})

test('an order that has to be searched for is found', () => {
  const writes = [1, 2, 3, 4, 5, 6].map((write) => at(0, 10, { write }, 0))
  const reads = [6, 2, 4, 1].map((seen, index) => at(11 + index, 11.5 + index, 'read', seen))
  expect(isLinearizable(register, [...writes, ...reads.slice(0, 1)])).toBe(true)
  expect(isLinearizable(register, [...writes, ...reads])).toBe(false)
})
