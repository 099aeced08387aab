import type { Page, Pages } from '@millrace/client'

/** The page that a list begins with; its options say where. */
export async function firstPage<Item>(list: Pages<Item>): Promise<Page<Item>> {
  for await (const page of list.pages()) return page
  return { items: [], nextCursor: null }
}

/** Every item of a list that is known to be short, and of a long one its beginning. */
export async function firstItems<Item>(list: Pages<Item>, most: number): Promise<readonly Item[]> {
  const items: Item[] = []
  for await (const item of list) {
    items.push(item)
    if (items.length === most) break
  }
  return items
}
