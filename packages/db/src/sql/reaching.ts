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
  /** Whether there is one last parent, whose id `belongs` has as a value. */
  readonly isOneParent?: boolean
  /** Of one parent's rows in the order of an index: its columns, the parent's id first, and the time second. */
  readonly along?: { readonly parent: SQL; readonly columns: readonly [Column, Column, Column] }
  /** Asked once of each parent: where it does not hold, nothing of it is read. */
  readonly isRead?: SQL
}

/** Rows of one parent, whose id `where` has as a value. */
type ReachOfOne = Omit<Reach, 'isLocking' | 'order'> & { readonly order?: SQL } & Pick<ReachThrough, 'index'>

/** How a dialect reads one parent's rows that has to be told which of two indexes reads less. */
export interface OneParent {
  /** How many keys of one parent may be read and sorted rather than looked for along another order. */
  readonly mostSorted: number
  ofOne(reach: ReachOfOne): SQL
  /** A column's value, by which no index is looked for. Absent where what is read along an index needs no such help. */
  readonly unindexed?: (column: Column) => SQL
}

/** Rows that belong to parents whose ids are known. */
interface Heads {
  readonly table: Tables['executions']
  /** Of a row: the id of its parent. */
  readonly parentId: Column
  readonly parentIds: readonly string[]
  /** Of columns of the index alone. */
  readonly where: SQL
  /** Of a parent's rows: the least or the greatest of the index's next column. */
  readonly head: SQL
  readonly index: string
}

/** How a dialect reaches rows of many parents that has no `lateral`, and so reads all rows of a join. */
export interface ManyParents extends OneParent {
  /**
   * How many parents at most are reached one by one without need, each by its id as a value: there the server reads along
   * the index and stops at the limit.
   */
  readonly mostConstant: number
  /** How many parents with a backlog at most are reached so. */
  readonly mostBacklogs: number
  /** How many rows a join of the others may read. */
  readonly mostJoined: number
  /** Whether so many executions of a workflow are pending, or running, that a join should not read them all. */
  hasBacklog(workflowId: SQL): SQL
  /** Gives `parent_id` and `head` for each parent that has a row, by one look into the index for each. */
  heads(heads: Heads): SQL
  /** At most as many rows as the limit says of those that belong, whichever are met first: to be counted. */
  some(reach: Omit<ReachThrough, 'fields' | 'order'>): SQL
}

/** One of several kinds of rows that belong to the same parents. */
export type ReachPart = Pick<ReachThrough, 'fields' | 'where' | 'order' | 'limit' | 'index'>

/** Rows of the table that another select has found already: all that belong to a parent, in no order. */
export interface FewRows {
  /** The name of what holds them. */
  readonly among: SQL
  /** Whether it may not hold all. */
  readonly isMore: SQL
  /** What it does not hold, read only then; with the same fields. */
  readonly others: ReachPart
}

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
  /** Undefined where each parent's rows are read by themselves, however many parents there are. */
  readonly many: ManyParents | undefined
  readonly one: OneParent
  through(reach: ReachThrough): SQL
  /**
   * Several kinds of rows of the same parents, each up to its own limit, joined by `union all`.
   * @param few Given only where the dialect's claims look through everyone's lost leases.
   */
  throughEach(reach: Omit<ReachThrough, keyof ReachPart>, parts: readonly ReachPart[], few?: FewRows): SQL
  behind(reach: ReachBehind): SQL
  /** The order of rows in which an index's column is null and those after it follow. */
  orderAfterNull(column: Column, order: SQL): SQL
}
