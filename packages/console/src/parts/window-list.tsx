import type { ListOptions, Pages } from '@millrace/client'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import { firstPage } from '../api/first-page.ts'
import { PagedWindow } from '../api/paged-window.ts'
import { usePolling } from '../api/use-load.ts'
import { words } from '../words.ts'
import { Problem } from './problem.tsx'

interface WindowListProps<Item> {
  /** Names the list with its filters: another one is another list. */
  readonly name: string
  readonly label: string
  readonly list: (page: ListOptions) => Pages<Item>
  readonly row: (item: Item) => ComponentChildren
  readonly keyOf: (item: Item) => string
  readonly empty: ComponentChildren
  /** How often the first page is looked at again. */
  readonly pollMilliseconds?: number | undefined
  /** Another number: load again. */
  readonly turn?: number
}

const narrow = matchMedia('(max-width: 700px)')
/** Rows drawn beyond what is seen, so that scrolling shows no gap. */
const overscan = 8

/** A list of any length, of which the seen part is in the page. */
export function WindowList<Item>({ name, label, list, row, keyOf, empty, ...more }: WindowListProps<Item>) {
  const rows = useRef<HTMLUListElement>(null)
  const pages = usePages(`${name} ${more.turn ?? 0}`, list)
  const rowHeight = useRowHeight()
  const [first, last] = useSeenRows(rows, rowHeight, pages.length)
  useEffect(() => pages.look(first, last))
  usePolling(more.pollMilliseconds, () => {
    if (scrollY < rowHeight) void pages.refresh()
  })
  if (pages.isWhole && pages.length === 0) return <>{empty}</>
  const until = Math.min(last, pages.length)
  return (
    <section aria-label={label} aria-busy={pages.isLoading} class="window-list">
      {pages.error === undefined ? null : <Problem error={pages.error} onRetry={() => pages.retry()} />}
      <ul
        ref={rows}
        class="rows"
        style={{ paddingTop: `${first * rowHeight}px`, paddingBottom: `${(pages.length - until) * rowHeight}px` }}
      >
        {Array.from({ length: Math.max(0, until - first) }, (_none, offset) => {
          const item = pages.at(first + offset)
          return (
            <li key={item === undefined ? `at ${first + offset}` : keyOf(item)} class="row-frame">
              {item === undefined ? <span class="row-placeholder" /> : row(item)}
            </li>
          )
        })}
        {pages.hasFirst ? null : <Placeholders />}
      </ul>
      <p class="visually-hidden" role="status">
        {pages.hasFirst ? words.lists.loaded(pages.length, pages.isWhole) : words.lists.loading}
      </p>
    </section>
  )
}

function Placeholders() {
  return Array.from({ length: 6 }, (_none, index) => (
    <li key={index} class="row-frame" aria-hidden="true">
      <span class="row-placeholder" />
    </li>
  ))
}

function usePages<Item>(key: string, list: WindowListProps<Item>['list']): PagedWindow<Item> {
  const [, render] = useReducer((count: number) => count + 1, 0)
  const latest = useRef(list)
  latest.current = list
  const pages = useMemo(
    () =>
      new PagedWindow<Item>(
        (cursor, signal) =>
          firstPage(latest.current({ limit: 100, signal, ...(cursor === undefined ? {} : { cursor }) })),
        () => render(0),
      ),
    [key],
  )
  useEffect(() => () => pages.close(), [pages])
  return pages
}

function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(narrow.matches)
  useEffect(() => {
    const listener = (): void => setNarrow(narrow.matches)
    narrow.addEventListener('change', listener)
    return () => narrow.removeEventListener('change', listener)
  }, [])
  return isNarrow ? 84 : 60
}

function useSeenRows(
  rows: { readonly current: HTMLUListElement | null },
  rowHeight: number,
  length: number,
): readonly [first: number, last: number] {
  const [range, setRange] = useState<readonly [number, number]>([0, 30])
  useLayoutEffect(() => {
    const measure = (): void => {
      if (rows.current === null) return
      const { top } = rows.current.getBoundingClientRect()
      const first = Math.max(0, Math.min(Math.floor(-top / rowHeight) - overscan, length))
      const last = Math.ceil((innerHeight - top) / rowHeight) + overscan
      setRange((was) => (was[0] === first && was[1] === last ? was : [first, Math.max(first, last)]))
    }
    measure()
    addEventListener('scroll', measure, { passive: true })
    addEventListener('resize', measure)
    return () => {
      removeEventListener('scroll', measure)
      removeEventListener('resize', measure)
    }
  }, [rowHeight, length])
  return range
}
