import { and, gte, lt, type Column, type SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import { isBehind, type Keyset, type KeysetColumns } from './keyset.ts'

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
  /** Asked once, before any parent is read. */
  readonly isWanted?: SQL | undefined
}

/** When rows were made, and behind which one they stand. */
export interface Span {
  /** This moment included. */
  readonly since?: Date | undefined
  /** This moment excluded. */
  readonly until?: Date | undefined
  readonly after?: Keyset | undefined
}

/** The condition of rows of a span. */
export function isWithin({ at, id }: KeysetColumns, { since, until, after }: Span): SQL | undefined {
  return and(
    since === undefined ? undefined : gte(at, since),
    until === undefined ? undefined : lt(at, until),
    isBehind({ at, id }, after),
  )
}

/** Executions of parents that are to be found: of each parent up to a page, the newest first. */
export interface ReachPages {
  readonly table: Tables['executions']
  readonly parent: Table
  readonly parentWhere: SQL
  /** Asked once, before any parent is read. */
  readonly isWanted?: SQL | undefined
  /** A parent's id, as the parents have it. */
  readonly parentId: Column
  /** The same as the rows have it. */
  readonly childId: Column
  readonly span: Span
  readonly limit: number
  /** What is read of one parent, whose id is given. */
  readonly rangesOf: (parentId: SQL) => Ranges
}

/** Parts of one index each that have all of a parent's rows that may be on the page. */
export interface Ranges {
  /** A select of one number, by which it is decided which of them are read. */
  readonly count?: SQL
  readonly ranges: readonly Range[]
}

/** Rows of one parent in an index's order: the parent, the time, the id. */
export interface ReachAlong extends Pick<Reach, 'fields' | 'limit'> {
  readonly table: Tables['audit']
  readonly column: Column
  readonly value: SQL
  readonly span: Span
  /** As {@link Range} has it. */
  readonly where?: ((named: NameColumn) => SQL) | undefined
}

/** How a condition names a column. */
export type NameColumn = (column: Column) => Column | SQL

/** By its own name. */
export const asIs: NameColumn = (column) => column

export interface Range {
  readonly index: string
  /** Beside the parent and the span. It names columns as it is told: so that no other index is looked for. */
  readonly where?: ((named: NameColumn) => SQL) | undefined
  /** Whether the index has the order of the page; where it has not, all that is in the range is read and sorted. */
  readonly isAlong: boolean
  /** Asked once for each parent, of the number that is counted. */
  readonly isRead?: (count: SQL) => SQL
}

/** Rows of one parent, whose id `where` has as a value. */
type ReachOfOne = Omit<Reach, 'isLocking' | 'order'> & { readonly order?: SQL; readonly offset?: number } & Pick<
    ReachThrough,
    'index'
  >

/** How a dialect reads one parent's rows that has to be told which of two indexes reads less. */
export interface OneParent {
  /** How many keys of one parent may be read and sorted rather than looked for along another order. */
  readonly mostSorted: number
  ofOne(reach: ReachOfOne): SQL
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
  /** Whether more rows belong than so many. */
  hasMore(reach: Omit<ReachThrough, 'fields' | 'order' | 'limit'>, than: number): SQL
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
  /** The index that has the rows in their order, for dialects that would begin at another place of it. */
  readonly index?: string
}

/** Of the newest rows those that fulfil a condition, newest first. */
export interface ReachNewest {
  /** The select's list. */
  readonly fields: SQL
  readonly table: Tables['executions']
  /** Of `at` and `id` alone, which an index has: where the newest rows begin and end. */
  readonly where: SQL
  readonly at: Column
  readonly id: Column
  /** How many rows are looked at. */
  readonly most: number
  /** Asked of one after the other, until there are enough. */
  readonly isWanted: SQL
  readonly limit: number
}

/**
 * How a dialect is brought to read by the index that the rows' parents lead to: an optimizer that sees a `limit` likes
 * to walk through everyone's rows in order instead, until it has met enough that belong.
 */
export interface ReachDialect {
  /** Undefined where each parent's rows are read by themselves, however many parents there are. */
  readonly many: ManyParents | undefined
  readonly one: OneParent
  /** Selects that give `id` and `created_at`, each of them up to a page. */
  pages(reach: ReachPages): readonly SQL[]
  /** Events of one user, along the index that begins with the column. */
  along(reach: ReachAlong): SQL
  /** The first rows of an ordered select, whose number is a parameter: never more than `most`, so that a planner knows it. */
  first(rows: SQL, count: SQL, most: number): SQL
  /**
   * Several kinds of rows of the same parents, each up to its own limit, joined by `union all`.
   * @param few Given only where the dialect's claims look through everyone's lost leases.
   */
  throughEach(reach: Omit<ReachThrough, keyof ReachPart>, parts: readonly ReachPart[], few?: FewRows): SQL
  behind(reach: ReachBehind): SQL
  newest(reach: ReachNewest): SQL
  /** A value of which the planner is not to know how many rows have it: some have far more than most. */
  unknown(value: SQL): SQL
  /** The order of rows in which an index's column is null and those after it follow. */
  orderAfterNull(column: Column, order: SQL): SQL
}
