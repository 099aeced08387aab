import { gauge, Counter, type Family } from '@millrace/api/metrics/families'
import { expect, test } from 'vitest'
import { GroupStates, type ProcessState } from './group-states.ts'

function stateOf(requests: number, isReplicaUp = true, size = 0): ProcessState {
  const counter = new Counter()
  counter.of({ route: '/healthz' }).value = requests
  return {
    families: [counter.family('requests', 'Requests.'), gauge('replica_up', 'The replica.', isReplicaUp ? 1 : 0)],
    pool: { size, checkedOut: 0, overflow: 0, waiting: 0 },
  }
}

const valueOf = (families: readonly Family[], name: string) =>
  families.find((family) => family.name === name)?.samples.map(({ value }) => value)

test('the first process counts as every member does, and what a member told last counts', () => {
  const group = new GroupStates()
  group.tell(1, stateOf(10))
  group.tell(2, stateOf(5))
  group.tell(1, stateOf(12))
  expect(valueOf(group.sumWith(stateOf(1)).families, 'requests')).toEqual([18])
})

test('who asks is told of the others, and of those that ended', () => {
  const group = new GroupStates()
  group.tell(1, stateOf(10, true, 1))
  group.tell(2, stateOf(5, true, 2))
  group.tell(3, stateOf(7, true, 3))
  group.end(3)
  const { families, pool } = group.sumWith(stateOf(1, true, 4), 1)
  expect(valueOf(families, 'requests')).toEqual([13])
  expect(pool).toMatchObject({ size: 6 })
})

test('what a member counted stays when it has ended, and its pool and its gauges do not', () => {
  const group = new GroupStates()
  group.tell(1, stateOf(10, false, 5))
  group.tell(2, stateOf(5, true, 5))
  expect(valueOf(group.sumWith(stateOf(0)).families, 'replica_up')).toEqual([0])
  group.end(1)
  group.end(1)
  group.end(3)
  group.tell(4, stateOf(1, true, 5))
  const { families, pool } = group.sumWith(stateOf(0, true, 1))
  expect(valueOf(families, 'requests')).toEqual([16])
  expect(valueOf(families, 'replica_up')).toEqual([1])
  expect(pool).toMatchObject({ size: 11 })
})

test('what a member told just before its end, and is heard after it, is not counted twice', () => {
  const group = new GroupStates()
  group.tell(1, stateOf(10, false, 5))
  group.end(1)
  group.tell(1, stateOf(11, false, 5))
  const { families, pool } = group.sumWith(stateOf(0, true, 1))
  expect(valueOf(families, 'requests')).toEqual([10])
  expect(valueOf(families, 'replica_up')).toEqual([1])
  expect(pool).toMatchObject({ size: 1 })
})

test('a replica that one of several cannot reach is down', () => {
  const group = new GroupStates()
  for (const member of [1, 2, 3]) group.tell(member, stateOf(0))
  expect(valueOf(group.sumWith(stateOf(0)).families, 'replica_up')).toEqual([1])
  group.tell(4, stateOf(0, false))
  expect(valueOf(group.sumWith(stateOf(0)).families, 'replica_up')).toEqual([0])
})

test('a group without pools has none', () => {
  const group = new GroupStates()
  group.tell(1, { families: [], pool: undefined })
  expect(group.sumWith({ families: [], pool: undefined }).pool).toBeUndefined()
})
