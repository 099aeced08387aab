import type { Statement } from '../sql/statement.ts'

/** A statement written by hand, in the dialect's own words. */
export function plain(text: string, parameters: readonly unknown[] = []): Statement {
  return { text, parameters }
}
