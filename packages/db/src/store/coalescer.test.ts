import { expect, test } from 'vitest'
import { Coalescer, defineCoalescer } from './coalescer.ts'

const patient = { most: 3, runsAtOnce: 1, longestWaitMilliseconds: 60_000, gatherMilliseconds: 0 }

/** Runs that end when they are told to. */
function heldRuns(options = patient) {
  const runs: { readonly members: readonly string[]; end(error?: Error): void }[] = []
  const coalescer = new Coalescer<string, string>((members) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const results = members.map((member) => member.toUpperCase())
    runs.push({ members, end: (error) => (error === undefined ? resolve(results) : reject(error)) })
    return promise
  }, options)
  return { coalescer, runs }
}

test('a member that is alone goes at once, and what comes meanwhile goes together afterwards', async () => {
  const { coalescer, runs } = heldRuns()
  const results = ['a', 'b', 'c', 'd', 'e'].map((member) => coalescer.join('group', member))
  expect(runs.map(({ members }) => members)).toEqual([['a']])
  runs[0]?.end()
  expect(await results[0]).toBe('A')
  await expect.poll(() => runs.map(({ members }) => members)).toEqual([['a'], ['b', 'c', 'd']])
  runs[1]?.end()
  expect(await Promise.all(results.slice(1, 4))).toEqual(['B', 'C', 'D'])
  await expect.poll(() => runs[2]?.members).toEqual(['e'])
  runs[2]?.end()
  expect(await results[4]).toBe('E')
})

test('members that went together wait for each other when they come again, and none of them goes alone', async () => {
  const { coalescer, runs } = heldRuns({ ...patient, gatherMilliseconds: 60_000 })
  const results = ['a', 'b', 'c'].map((member) => coalescer.join('group', member))
  runs[0]?.end()
  await results[0]
  // Three are expected: the two that wait, and the one whose run has ended.
  expect(runs).toHaveLength(1)
  results.push(coalescer.join('group', 'd'))
  expect(runs.map(({ members }) => members)).toEqual([['a'], ['b', 'c', 'd']])
  runs[1]?.end()
  await Promise.all(results)
  for (const member of ['e', 'f']) void coalescer.join('group', member)
  expect(runs).toHaveLength(2)
  void coalescer.join('group', 'g')
  expect(runs[2]?.members).toEqual(['e', 'f', 'g'])
})

test('members that do not come again hold up the others only for the time that they are given', async () => {
  const { coalescer, runs } = heldRuns({ ...patient, gatherMilliseconds: 1 })
  const results = ['a', 'b', 'c'].map((member) => coalescer.join('group', member))
  runs[0]?.end()
  await expect.poll(() => runs[1]?.members).toEqual(['b', 'c'])
  runs[1]?.end()
  await Promise.all(results)
  void coalescer.join('group', 'd')
  await expect.poll(() => runs[2]?.members).toEqual(['d'])
})

test('a member that was alone is alone again at once', async () => {
  const { coalescer, runs } = heldRuns({ ...patient, gatherMilliseconds: 60_000 })
  for (const [place, member] of ['a', 'b'].entries()) {
    const result = coalescer.join('group', member)
    expect(runs[place]?.members).toEqual([member])
    runs[place]?.end()
    await result
  }
})

test('members of different groups never wait for each other', () => {
  const { coalescer, runs } = heldRuns()
  for (const member of ['a', 'b']) void coalescer.join(member, member)
  expect(runs.map(({ members }) => members)).toEqual([['a'], ['b']])
})

test('a member waits no longer than it may for a run that does not end', async () => {
  const { coalescer, runs } = heldRuns({ ...patient, longestWaitMilliseconds: 1 })
  void coalescer.join('group', 'a')
  const second = coalescer.join('group', 'b')
  await expect.poll(() => runs.length).toBe(2)
  runs[1]?.end()
  expect(await second).toBe('B')
})

test('nor do members for whom a run beside it had no room', async () => {
  const { coalescer, runs } = heldRuns({ ...patient, longestWaitMilliseconds: 1 })
  for (const member of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) void coalescer.join('group', member)
  await expect.poll(() => runs.map(({ members }) => members.join(''))).toEqual(['a', 'bcd', 'efg', 'h'])
})

test('what a run throws all of its members get, and the next run is not touched by it', async () => {
  const { coalescer, runs } = heldRuns()
  const results = ['a', 'b', 'c'].map((member) => coalescer.join('group', member))
  runs[0]?.end()
  await results[0]
  const refused = Promise.allSettled(results.slice(1))
  await expect.poll(() => runs.length).toBe(2)
  runs[1]?.end(new Error('lost'))
  expect((await refused).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const next = coalescer.join('group', 'd')
  await expect.poll(() => runs.length).toBe(3)
  runs[2]?.end()
  expect(await next).toBe('D')
})

test('a result that a run has forgotten is an error, not a wait without an end', async () => {
  const coalescer = new Coalescer<string, string>(() => Promise.resolve([]), patient)
  await expect(coalescer.join('group', 'a')).rejects.toThrow('fewer results')
})

test('stores share by their scope, and not at all without one', () => {
  const coalescerOf = defineCoalescer<string, string>((members) => Promise.resolve(members), patient)
  const one = { scope: {}, noteTrip: () => undefined }
  expect(coalescerOf({ sharing: one })).toBe(coalescerOf({ sharing: { ...one } }))
  expect(coalescerOf({ sharing: { ...one, scope: {} } })).not.toBe(coalescerOf({ sharing: one }))
  expect(coalescerOf({ sharing: undefined })).toBeUndefined()
})
