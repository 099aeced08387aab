import { jsonResponse, type TextResponse } from '../response.ts'
import type { Json } from '../json.ts'
import type { Page } from '../services/paging.ts'
import * as z from 'zod'
import { integer } from '../fields.ts'

/** The query parameters of every list. */
export const pageQuery = {
  limit: integer(1, 100).default(50).meta({ description: '50 when absent.' }),
  cursor: z.string().optional(),
}

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

/** A page of what the service found, each item as the API has it. */
export function pageResponse<Item>(itemJson: (item: Item) => Json): (page: Page<Item>) => TextResponse {
  return ({ items, nextCursor }) => jsonResponse(200, { items: items.map((item) => itemJson(item)), nextCursor })
}
