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
