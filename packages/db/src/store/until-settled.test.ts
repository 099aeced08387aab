import { afterEach, expect, test, vi } from 'vitest'
import { DatabaseError } from '../sql/errors.ts'
import { pause } from './pause.ts'
import { untilSettled, type Raced } from './until-settled.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** A row whose writes are bound to the revision that was read, and how often one was in vain. */
function createRow() {
  const row = { revision: 0, races: 0 }
  const write = async (): Promise<number | Raced> => {
    const read = row.revision
    await pause(2)
    if (row.revision !== read) {
      row.races += 1
      return 'raced'
    }
    row.revision += 1
    return row.revision
  }
  return { row, write }
}

const fifty = Array.from({ length: 50 })

test('fifty writes of one row go one after the other: none is in vain, and all are done', async () => {
  const { row, write } = createRow()
  const results = await Promise.all(fifty.map(() => untilSettled(write, 'the row', 'rows/1')))
  expect(results.toSorted((one, other) => one - other)).toEqual(fifty.map((_none, index) => index + 1))
  expect(row.races).toBe(0)
})

test('where no row is named they race, and all are done', async () => {
  const { row, write } = createRow()
  const results = await Promise.all(fifty.map(() => untilSettled(write, 'the row')))
  expect(new Set(results).size).toBe(50)
  expect(row.races).toBeGreaterThan(0)
})

test('writes of different rows do not wait for each other', async () => {
  let underWay = 0
  let most = 0
  const write = async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await pause(20)
    underWay -= 1
  }
  await Promise.all(fifty.map((_none, index) => untilSettled(write, 'a row', `rows/${index}`)))
  expect(most).toBe(50)
})

test('an attempt that throws lets the next one go at once', async () => {
  const failing = untilSettled(() => Promise.reject(new Error('planted')), 'the row', 'rows/thrown')
  await expect(failing).rejects.toThrow('planted')
  vi.useFakeTimers()
  await expect(untilSettled(() => Promise.resolve('done'), 'the row', 'rows/thrown')).resolves.toBe('done')
})

test('an attempt that never tells its end holds the others up for two seconds', async () => {
  vi.useFakeTimers()
  const cutOff = () => new Promise<never>(() => undefined)
  void untilSettled(cutOff, 'the row', 'rows/cut off')
  const next = vi.fn<() => Promise<string>>(() => Promise.resolve('done'))
  const waiting = untilSettled(next, 'the row', 'rows/cut off')
  await vi.advanceTimersByTimeAsync(1_900)
  expect(next).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  await expect(waiting).resolves.toBe('done')
})

test('a write that others come before each time is database_busy at the deadline', async () => {
  vi.useFakeTimers()
  const raced = untilSettled(() => Promise.resolve<Raced>('raced'), 'the row', 'rows/raced').catch(
    (thrown: unknown) => thrown,
  )
  await vi.advanceTimersByTimeAsync(11_000)
  const thrown = await raced
  expect(thrown).toBeInstanceOf(DatabaseError)
  expect(thrown).toMatchObject({ fault: 'database_busy', isNotApplied: true })
})
