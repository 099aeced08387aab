import type { Entry, EntryPage } from '@millrace/db/repositories/executions/entries'
import type { ExecutionStatus } from '@millrace/db/schema/schema'
import { expect, test } from 'vitest'
import { done, type Result } from '../result.ts'
import { eventsOf } from './events.ts'

const at = new Date('2026-03-01T12:00:00.000Z')

function entry(seq: number): Entry {
  const none = { fence: null, worker: null, actor: null, key: null, name: null, attempt: null, startedAt: null }
  return { seq, type: 'step', at, ...none, output: null, error: null, payload: null }
}

/** A history of so many entries, as it is read; counts how often. */
function history(length: number, status: ExecutionStatus) {
  let reads = 0
  const page = (afterSeq: number): EntryPage => {
    reads += 1
    const count = Math.min(101, length - afterSeq)
    const entries = Array.from({ length: count }, (_none, index) => entry(afterSeq + index + 1))
    return { entries, isCut: false, status, attempts: 1 }
  }
  return {
    page,
    read: (afterSeq: number): Promise<Result<EntryPage>> => Promise.resolve(done(page(afterSeq))),
    reads: () => reads,
  }
}

/** The numbers of one stream's events. */
async function followed({ page, read }: ReturnType<typeof history>, start: number, clock: () => Date) {
  const { signal } = new AbortController()
  const seqs: number[] = []
  for await (const text of eventsOf({ first: page(start), start, read, dataOf: () => '{}', clock, signal })) {
    seqs.push(...[...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq)))
  }
  return seqs
}

test('a long history takes several streams of 200 reads each, and no entry is lost or told twice between them', async () => {
  const long = history(45_000, 'completed')
  const told: number[] = []
  const readsOfEach: number[] = []
  for (let before = -1; told.length > before;) {
    before = told.length
    const readsBefore = long.reads()
    told.push(...(await followed(long, told.length, () => at)))
    readsOfEach.push(long.reads() - readsBefore)
  }
  expect(told).toEqual(Array.from({ length: 45_000 }, (_none, index) => index + 1))
  expect(readsOfEach).toEqual([200, 200, 50, 1])
})

test('a stream ends after five minutes while there is still more to tell', async () => {
  let minutes = 0
  const clock = () => new Date(at.getTime() + (minutes += 1) * 60_000)
  const told = await followed(history(10_000, 'running'), 0, clock)
  expect(told.length).toBeGreaterThan(0)
  expect(told.length).toBeLessThan(1000)
})
