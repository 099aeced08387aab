import { expect, test } from 'vitest'
import { PagedWindow } from './paged-window.ts'

const pageSize = 100

/** A list of so many rows, by pages; counts what it was asked for. */
function source(length: number) {
  const asked: number[] = []
  const load = (cursor: string | undefined) => {
    const first = Number(cursor ?? 0)
    asked.push(first)
    const items = Array.from({ length: Math.min(pageSize, length - first) }, (_none, index) => first + index)
    const next = first + items.length
    return Promise.resolve({ items, nextCursor: next < length ? String(next) : null })
  }
  return { asked, load }
}

/** Looks at rows until all of them are there. */
async function see(pages: PagedWindow<number>, first: number, last: number): Promise<void> {
  for (let turn = 0; turn < 5000; turn += 1) {
    pages.look(first, last)
    await Promise.resolve()
    await Promise.resolve()
    const isThere = pages.at(first) !== undefined && pages.at(Math.min(last, pages.length) - 1) !== undefined
    if (isThere && (pages.length >= last || pages.isWhole)) return
  }
  throw new Error(`rows ${first} to ${last} never came`)
}

test('100,000 rows are scrolled through with a few pages in memory', async () => {
  const { asked, load } = source(100_000)
  const pages = new PagedWindow<number>(load, () => undefined)
  for (let row = 0; row < 100_000; row += 50) await see(pages, row, row + 30)
  expect(pages.length).toBe(100_000)
  expect(asked).toHaveLength(1000)
  const kept = Array.from({ length: 100_000 }, (_none, row) => pages.at(row)).filter((row) => row !== undefined)
  expect(kept.length).toBeLessThanOrEqual(1000)
})

test('what was let go comes again when one scrolls back', async () => {
  const { load } = source(5000)
  const pages = new PagedWindow<number>(load, () => undefined)
  for (let row = 0; row < 5000; row += 50) await see(pages, row, row + 30)
  expect(pages.at(0)).toBeUndefined()
  await see(pages, 0, 30)
  expect(pages.at(0)).toBe(0)
  expect(pages.length).toBe(5000)
})

test('a failure stays until one tries again, and nothing is asked meanwhile', async () => {
  let calls = 0
  const load = () => {
    calls += 1
    return calls === 1 ? Promise.reject(new Error('away')) : Promise.resolve({ items: [1], nextCursor: null })
  }
  const pages = new PagedWindow<number>(load, () => undefined)
  pages.look(0, 10)
  await new Promise(setImmediate)
  pages.look(0, 10)
  expect(calls).toBe(1)
  expect(pages.error).toMatchObject({ message: 'away' })
  pages.retry()
  await see(pages, 0, 1)
  expect(pages.error).toBeUndefined()
})

test('a first page that has changed begins the list anew; one that has not leaves it', async () => {
  let rows = [3, 2, 1]
  const pages = new PagedWindow<number>(
    () => Promise.resolve({ items: rows, nextCursor: null }),
    () => undefined,
  )
  await see(pages, 0, 3)
  await pages.refresh()
  expect(pages.length).toBe(3)
  rows = [4, 3, 2, 1]
  await pages.refresh()
  expect([pages.at(0), pages.length]).toEqual([4, 4])
})
