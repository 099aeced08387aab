import { expect, test } from 'vitest'
import { interleavings, readSchedule, serialSchedules, writeSchedule } from './schedule.ts'

const two = ['a', 'b'] as const

test('a schedule is written as it is read', () => {
  for (const text of ['ab', 'a3b2ab', 'b12a1b']) expect(writeSchedule(readSchedule(text))).toBe(text)
  expect(() => readSchedule('a3 b2')).toThrow(/no schedule/)
})

test('the serial schedules are all orders', () => {
  expect(serialSchedules(['a', 'b', 'c']).map(writeSchedule)).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])
})

test('with two changes of turn one runs whole between two steps of the other', () => {
  const found = interleavings(two, { a: 3, b: 2 }, 2).map(writeSchedule)
  expect(found.toSorted()).toEqual(['a1ba', 'a2ba', 'b1ab'])
})

test('with enough changes every order is there once', () => {
  const found = interleavings(two, { a: 3, b: 2 }, 5).map(writeSchedule)
  expect(new Set(found).size).toBe(found.length)
  // All ways to put two steps between three, but for the two that are serial.
  expect(found).toHaveLength(10 - 2)
})
