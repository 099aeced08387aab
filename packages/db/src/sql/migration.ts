import type { DatabaseError } from './errors.ts'
import type { Statement } from './statement.ts'

/** One step of the schema: SQL made by drizzle-kit, its statements parted by `--> statement-breakpoint`. */
export interface Migration {
  /** `0001_initial`: the same number and name on every dialect. */
  readonly name: string
  readonly sql: string
}

/** What the migrator needs to know of a dialect. */
export interface MigrationDialect {
  /** Make `marks` and `migrations` where they are absent. */
  readonly bookkeepingTables: readonly Statement[]
  /** Makes the rows of the restore mark, of the lock and of the backups' lease where they are absent. */
  readonly bookkeepingRows: Statement
  /** Whether making the bookkeeping failed because another made it at the same moment. */
  isBookkeepingRace(error: DatabaseError): boolean
  /** Whether many DDL statements can be one transaction. Where not, progress is recorded for each. */
  readonly isDdlTransactional: boolean
  /** How a table that others refer to is made anew, where that needs foreign keys unchecked meanwhile; else undefined. */
  readonly rebuilding: Rebuilding | undefined
  /** Takes or renews the lease of a mark by the database's clock: one row affected, or none where another holds it. */
  takeLock(name: string, owner: string, leaseMilliseconds: number): Statement
  releaseLock(name: string, owner: string): Statement
  /** Names of the tables in the database, one per row. */
  readonly tableNames: Statement
  /** A query that gives a row when the catalogue is as the statement leaves it; undefined when it can't be told. */
  whatItLeaves(statement: string): Statement | undefined
  /** Whether the server refuses foreign keys as such, so that the statement is to be left out. */
  isForeignKeyRefusal(error: DatabaseError): boolean
  /** Whether the platform wants schema changes by deploy request. */
  isDirectDdlRefusal(error: DatabaseError): boolean
}

/** What {@link Transport.transactUnchecked} is used for. */
export interface Rebuilding {
  /** Whether a statement takes a table away, or says itself that foreign keys have to be off. */
  isRebuild(statement: string): boolean
  /** Comes last, and fails where a row refers to one that is not there. */
  readonly check: Statement
  /** From the failure of `check`: how many rows of which table refer to rows that are missing from which. */
  danglingIn(error: DatabaseError): string | undefined
}

/** Name of the mark that is the migrator's lock. */
export const migrationLock = 'migration'

/** The statements of a migration, in order. */
export function statementsOf({ sql }: Migration): readonly string[] {
  return sql
    .split('--> statement-breakpoint')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/** SHA-256, in hex, of the migration's text with LF line ends. */
export async function hashOf({ sql }: Migration): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(sql.replaceAll('\r\n', '\n')))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
