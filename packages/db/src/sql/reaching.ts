import type { Column, SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'

type Table = Tables[keyof Tables]

/** Some rows of a table in an order, as a select that can stand in a union of others. */
interface Reach {
  /** The select's list. */
  readonly fields: SQL
  readonly table: Tables['executions' | 'audit']
  readonly where: SQL
  readonly order: SQL
  readonly limit: number
  /** Locks all that is read until the transaction ends, where those who read so at once are to wait for each other. */
  readonly isLocking?: boolean
}

/** Rows that belong to rows of other tables. */
export interface ReachThrough extends Reach {
  /** From the outermost inwards: each is looked up by what those before it give. */
  readonly parents: readonly Table[]
  /** Of the parents alone. */
  readonly parentWhere: SQL
  /** How a row belongs to the last parent. */
  readonly belongs: SQL
  /** The index that leads from the last parent to its rows, for dialects that choose by their number. */
  readonly index: string
}

/** One of several kinds of rows that belong to the same parents. */
export type ReachPart = Pick<ReachThrough, 'fields' | 'where' | 'order' | 'limit'>

/** Rows that are reached only when other tables have a row. */
export interface ReachBehind extends Reach {
  readonly gates: readonly Table[]
  /** Of the gates alone; at most one row of them has it. */
  readonly gateWhere: SQL
}

/**
 * How a dialect is brought to read by the index that the rows' parents lead to: an optimizer that sees a `limit` likes
 * to walk through everyone's rows in order instead, until it has met enough that belong.
 */
export interface ReachDialect {
  /**
   * How many parents at most are reached one by one, each by its id as a value: for dialects without `lateral`, which read
   * all that belongs to the parents of a join, but stop at the limit where the parent is a constant.
   */
  readonly mostConstantParents: number
  through(reach: ReachThrough): SQL
  /** Several kinds of rows of the same parents, each up to its own limit, joined by `union all`. */
  throughEach(reach: Omit<ReachThrough, keyof ReachPart>, parts: readonly ReachPart[]): SQL
  behind(reach: ReachBehind): SQL
  /** The order of rows in which an index's column is null and those after it follow. */
  orderAfterNull(column: Column, order: SQL): SQL
}
