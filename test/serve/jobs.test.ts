import { takeMissedSlot, takeSlot } from '@millrace/db/store/time-slot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'

describeDialects((dialect) => {
  let reached: ReachedDatabase
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())

  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))
  const takenAtOnce = async (job: string, slot: Date, now = slot, take = takeSlot) => {
    const owners = Array.from({ length: 10 }, () => crypto.randomUUID())
    const taken = await Promise.all(owners.map((owner) => take(reached.database.store(), { job, slot, owner, now })))
    return taken.filter(Boolean).length
  }

  test('of many processes one has a slot, the first time as every other time', async () => {
    for (const minute of [0, 5, 10]) expect(await takenAtOnce('sweep', at(minute))).toBe(1)
  })

  test('a slot that is over is nobody’s any more', async () => {
    expect(await takenAtOnce('late', at(10))).toBe(1)
    expect(await takenAtOnce('late', at(5), at(10))).toBe(0)
    expect(await takenAtOnce('late', at(10))).toBe(0)
  })

  test.each([takeSlot, takeMissedSlot])(
    'a slot far ahead, which a wrong clock took, keeps no process from a slot of now: %o',
    async (take) => {
      const job = `ahead ${take.name}`
      expect(await takenAtOnce(job, at(8 * 60))).toBe(1)
      expect(await takenAtOnce(job, at(5), at(5), take)).toBe(1)
      expect(await takenAtOnce(job, at(5))).toBe(0)
      expect(await takenAtOnce(job, at(10))).toBe(1)
    },
  )

  test('a slot is not lost where a process that starts makes the mark of the one before at the same moment', async () => {
    const store = reached.database.store()
    const taken = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const request = { job: `first ${index}`, owner: crypto.randomUUID(), now: at(5) }
        const [, isTaken] = await Promise.all([
          takeMissedSlot(store, { ...request, slot: at(0), owner: crypto.randomUUID() }),
          takeSlot(store, { ...request, slot: at(5) }),
        ])
        return isTaken
      }),
    )
    expect(taken).toEqual(taken.map(() => true))
  })

  test('clocks that differ by a few minutes do no slot twice', async () => {
    expect(await takenAtOnce('skewed', at(10))).toBe(1)
    expect(await takenAtOnce('skewed', at(5))).toBe(0)
    expect(await takenAtOnce('skewed', at(10))).toBe(0)
  })

  test('jobs do not stand in each other’s way', async () => {
    expect(await takenAtOnce('one', at(0))).toBe(1)
    expect(await takenAtOnce('two', at(0))).toBe(1)
    expect(await takenAtOnce('one', at(5))).toBe(1)
    expect(await takenAtOnce('two', at(5))).toBe(1)
  })
})
