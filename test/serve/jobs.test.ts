import { takeSlot } from '@millrace/db/store/time-slot'
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
  const takenAtOnce = async (job: string, slot: Date) => {
    const owners = Array.from({ length: 10 }, () => crypto.randomUUID())
    const taken = await Promise.all(owners.map((owner) => takeSlot(reached.database.store(), { job, slot, owner })))
    return taken.filter(Boolean).length
  }

  test('of many processes one has a slot, the first time as every other time', async () => {
    for (const minute of [0, 5, 10]) expect(await takenAtOnce('sweep', at(minute))).toBe(1)
  })

  test('a slot that is over is nobody’s any more', async () => {
    expect(await takenAtOnce('late', at(10))).toBe(1)
    expect(await takenAtOnce('late', at(5))).toBe(0)
    expect(await takenAtOnce('late', at(10))).toBe(0)
  })

  test('jobs do not stand in each other’s way', async () => {
    expect(await takenAtOnce('one', at(0))).toBe(1)
    expect(await takenAtOnce('two', at(0))).toBe(1)
    expect(await takenAtOnce('one', at(5))).toBe(1)
    expect(await takenAtOnce('two', at(5))).toBe(1)
  })
})
