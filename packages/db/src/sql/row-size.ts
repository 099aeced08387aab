import type { SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { Statement } from './statement.ts'

/** At most, of a number and of what a database notes of each value: https://www.sqlite.org/fileformat2.html#record_format */
export const bytesBesideText = 18

/** How a platform's limit for a row is kept. */
export interface RowSizeDialect {
  /** Ends its batch by an error where one of these rows is larger, or has fewer bytes left than are to be kept free. */
  refusal(table: Tables[keyof Tables], where: SQL, freeBytes: number): Statement
}

/**
 * The effect of a write that leaves texts of its caller's in a row which has others already: it refuses what all of them
 * together make too large, by the row as the batch leaves it. None where a row holds whatever a statement does.
 * @param where Of that row, and of the write's own mark where the batch goes on behind a closed gate.
 * @param freeBytes What is to stay free for a later write.
 */
export function refuseLarge(
  { rowSize }: { readonly rowSize?: RowSizeDialect },
  table: Tables[keyof Tables],
  where: SQL,
  freeBytes = 0,
): readonly Statement[] {
  return rowSize === undefined ? [] : [rowSize.refusal(table, where, freeBytes)]
}

/** Stands in the message of the error that ends a batch which leaves a row too large, and in no other. */
export const rowTooLargeWords = 'millrace: the row is too large'
