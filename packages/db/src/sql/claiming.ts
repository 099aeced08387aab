import type { Column, SQL, Table } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'

type Executions = Tables['executions']

/** What of the candidates a claim takes hold of. */
export interface HeldParts {
  /** Gives `due_id`, `due_since`, `was_running` (0 or 1) and `is_exhausted` (0 or 1). */
  readonly candidates: SQL
  readonly executions: Executions
  /** How many with attempts left. */
  readonly limit: SQL
  /** Whether the claim has taken nothing yet, where {@link ClaimDialect.isFirst} asks for it. */
  readonly isFirst: SQL | undefined
  /** Of the row itself: whether it still can be claimed or fail; and 1 where its attempts are used up, else 0. */
  readonly isStillDue: SQL
  readonly isExhausted: SQL
}

/** What a claim does, as the parts of one statement. */
export interface WholeClaim {
  /** The rows that tell the caller's standing, each of a table of which all other parts then see those rows alone. */
  readonly caller: readonly { readonly table: Table; readonly where: SQL }[]
  readonly candidates: SQL
  /** The ids to change, in `chosen_id`, made from the candidates under the name that it is given. */
  readonly source: (candidates: SQL) => SQL
  readonly set: readonly (readonly [Column, SQL])[]
  readonly executions: Executions
  /** Inserts; what they find as `executions` are the rows that were changed, as they are now. */
  readonly effects: readonly SQL[]
  /** The select that ends it, over the same rows; `seen` is 1 where there were candidates, else 0. */
  readonly answer: (seen: SQL) => SQL
}

/** A claim of one execution that it finds at the head of an index, as the parts of one statement. */
export interface HeadClaim extends Pick<WholeClaim, 'set' | 'executions' | 'effects'> {
  /** Gives `head_id` and `is_exhausted` of one row at most: what is locked, or passed by where others hold it. */
  readonly head: SQL
  readonly answer: SQL
}

/** How a dialect hands executions out to many claimers at once. */
export interface ClaimDialect {
  /** Statements that come first in a claim's transaction, each of the claim's name. */
  readonly before: readonly ((operation: SQL) => SQL)[]
  /**
   * The condition that the claim has taken nothing yet, for one that is sent again after its answer was lost; undefined
   * where looking for that would keep other callers' claims from going on.
   */
  isFirst(taken: SQL): SQL | undefined
  /**
   * How many of everyone's running executions that are due a claim looks through, before it reads all that a workflow has
   * running. Undefined where it reads these at once.
   */
  readonly mostLost: number | undefined
  /**
   * The first `limit` candidates with attempts left, or a few more, and those that are used up, as `due_id`, `due_since`,
   * `was_running` and `is_exhausted`. Where claimers run side by side, each row is locked, asked again whether it is due,
   * and passed by where another transaction holds it.
   */
  held(parts: HeldParts): SQL
  readonly change:
    /** All of a claim is one statement, which gives its answer. */
    | { readonly kind: 'whole'; compose(claim: WholeClaim): SQL; composeHead(claim: HeadClaim): SQL }
    /** A batch: an update, then what reads the rows that it marked. */
    | { readonly kind: 'batch'; update(change: Pick<WholeClaim, 'set' | 'executions'> & { readonly source: SQL }): SQL }
}
