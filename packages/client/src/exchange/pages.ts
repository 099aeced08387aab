import { UnexpectedAnswerError } from '../errors.ts'
import { read, readItems, type Ask, type CallOptions } from './asking.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export interface ListOptions extends CallOptions {
  /** How many items a page has: 1 to 100, 50 unless given. */
  readonly limit?: number
  /** Where to go on: the `nextCursor` of a page of the same list. */
  readonly cursor?: string
}

/** A list, item by item; each page is fetched on demand. */
export interface Pages<Item> extends AsyncIterable<Item> {
  pages(): AsyncIterableIterator<Page<Item>>
}

/** @param wanted The list's filters beside its options. */
export function listed<Item>(ask: Ask, path: string, wanted: ListOptions & object): Pages<Item> {
  const { limit, cursor, signal, deadlineMilliseconds, onRetry, ...filters } = wanted
  async function* pages(): AsyncGenerator<Page<Item>, void, undefined> {
    let next = cursor
    do {
      const query = { ...filters, limit, cursor: next }
      const reply = await ask({ method: 'GET', path, query }, { signal, deadlineMilliseconds, onRetry })
      const { nextCursor } = read<Pick<Page<Item>, 'nextCursor'>>(reply)
      yield { items: readItems<Item>(reply), nextCursor }
      // Were it followed, the list would never end.
      if (nextCursor === next) throw new UnexpectedAnswerError(reply.status, 'its cursor leads nowhere')
      next = nextCursor ?? undefined
    } while (next !== undefined)
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items
    },
  }
}
