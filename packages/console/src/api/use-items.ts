import type { ListOptions, Pages } from '@millrace/client'
import { firstItems } from './first-page.ts'
import { useLoad, type Loaded } from './use-load.ts'

/** Loads every item of a list that is known to be short, and of a long one the first `most`. */
export function useItems<Item>(
  key: string,
  most: number,
  list: (page: ListOptions) => Pages<Item>,
): Loaded<readonly Item[]> {
  return useLoad(key, (signal) => firstItems(list({ limit: 100, signal }), most))
}
