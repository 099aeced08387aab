import type { Page } from '@millrace/client'

interface KeptPage<Item> {
  /** Undefined for the first. */
  readonly cursor: string | undefined
  /** Undefined where it was let go again. */
  items: readonly Item[] | undefined
  readonly count: number
}

/** Pages kept on each side of those that are looked at. */
const keptAround = 4

type LoadPage<Item> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>

/**
 * A list that is as long as one scrolls: pages far from view are let go, and asked for again by their cursor. So 100,000
 * rows cost 1,000 cursors and the few pages that are seen.
 */
export class PagedWindow<Item> {
  readonly #load: LoadPage<Item>
  readonly #onChange: () => void
  readonly #abort = new AbortController()
  #pages: KeptPage<Item>[] = []
  #next: string | null | undefined
  #loading = new Set<number>()
  error: unknown

  constructor(load: LoadPage<Item>, onChange: () => void) {
    this.#load = load
    this.#onChange = onChange
  }

  /** How many rows are known of. */
  get length(): number {
    return this.#pages.reduce((sum, { count }) => sum + count, 0)
  }

  get isWhole(): boolean {
    return this.#next === null
  }

  get isLoading(): boolean {
    return this.#loading.size > 0
  }

  get hasFirst(): boolean {
    return this.#pages.length > 0
  }

  /** Undefined while it is on its way. */
  at(index: number): Item | undefined {
    let before = 0
    for (const { count, items } of this.#pages) {
      if (index < before + count) return items?.[index - before]
      before += count
    }
    return undefined
  }

  /** Has the rows from `first` to `last` there, and lets go of what is far from them. */
  look(first: number, last: number): void {
    let before = 0
    const seen: number[] = []
    for (const [index, { count }] of this.#pages.entries()) {
      if (before < last && before + count > first) seen.push(index)
      before += count
    }
    for (const index of seen) if (this.#pages[index]?.items === undefined) void this.#fetch(index)
    if (last >= before && this.#next !== null) void this.#fetch(this.#pages.length)
    const [lowest = 0] = seen
    const highest = seen.at(-1) ?? 0
    for (const [index, page] of this.#pages.entries()) {
      if (index < lowest - keptAround || index > highest + keptAround) page.items = undefined
    }
  }

  /** Asks for the first page again; where it has changed, the list begins anew with it. */
  async refresh(): Promise<void> {
    const [first] = this.#pages
    if (first === undefined || this.#loading.has(0)) return
    try {
      const page = await this.#load(undefined, this.#abort.signal)
      this.error = undefined
      if (this.#abort.signal.aborted || JSON.stringify(page.items) === JSON.stringify(first.items)) return
      this.#pages = [{ cursor: undefined, items: page.items, count: page.items.length }]
      this.#next = page.nextCursor
    } catch (error) {
      if (!this.#abort.signal.aborted) this.error = error
    }
    this.#onChange()
  }

  /** Tries again what failed. */
  retry(): void {
    this.error = undefined
    this.#onChange()
  }

  close(): void {
    this.#abort.abort()
  }

  async #fetch(index: number): Promise<void> {
    if (this.#loading.has(index) || this.error !== undefined) return
    this.#loading.add(index)
    const cursor = index === this.#pages.length ? (this.#next ?? undefined) : this.#pages[index]?.cursor
    try {
      const { items, nextCursor } = await this.#load(cursor, this.#abort.signal)
      if (index === this.#pages.length) this.#next = nextCursor
      this.#pages[index] = { cursor, items, count: items.length }
    } catch (error) {
      if (!this.#abort.signal.aborted) this.error = error
    } finally {
      this.#loading.delete(index)
    }
    if (!this.#abort.signal.aborted) this.#onChange()
  }
}
