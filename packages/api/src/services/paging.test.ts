import { describe, expect, test } from 'vitest'
import { pageOf } from './paging.ts'

const scope = { list: 'things', filters: {}, userId: 'u' }
const things = (count: number, bytes: number) =>
  Array.from({ length: count }, (_none, index) => ({ id: `t${index}`, text: 'x'.repeat(bytes) }))
const page = (rows: readonly { readonly id: string; readonly text: string }[], limit: number) =>
  pageOf(scope, rows, limit, ({ id }) => [id])

describe('a page', () => {
  test('has all rows and no cursor where there are no more', () => {
    expect(page(things(3, 10), 3)).toMatchObject({ items: { length: 3 }, nextCursor: null })
  })

  test('has a cursor where there is one row more', () => {
    expect(page(things(4, 10), 3)).toMatchObject({ items: { length: 3 }, nextCursor: expect.any(String) })
  })

  test('ends early at 8 MiB, with its cursor', () => {
    const cut = page(things(20, 1024 * 1024), 50)
    expect(cut).toMatchObject({ items: { length: 7 }, nextCursor: expect.any(String) })
  })

  test('counts bytes and not characters', () => {
    const rows = Array.from({ length: 10 }, (_none, index) => ({ id: `t${index}`, text: '\u{20ac}'.repeat(700_000) }))
    expect(page(rows, 50).items).toHaveLength(3)
  })

  test('has one item at least, however large it is', () => {
    expect(page(things(2, 9 * 1024 * 1024), 50)).toMatchObject({
      items: { length: 1 },
      nextCursor: expect.any(String),
    })
  })
})
