import { expect, test } from 'vitest'
import { dialects } from './dialects.ts'
import { dealt } from './sampling.ts'

const items = Array.from({ length: 100 }, (_none, number) => number)

test('items are dealt to one hand each, in even shares, in their order, and alike by one seed', () => {
  const hands = dealt(items, dialects.length, 'these')
  expect(hands.map((hand) => hand.length)).toEqual([34, 33, 33])
  expect(hands.flat().toSorted((one, other) => one - other)).toEqual(items)
  for (const hand of hands) expect(hand).toEqual(hand.toSorted((one, other) => one - other))
  expect(dealt(items, dialects.length, 'these')).toEqual(hands)
  expect(dealt(items, dialects.length, 'those')).not.toEqual(hands)
})
