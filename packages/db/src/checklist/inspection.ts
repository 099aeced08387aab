import type { Statement } from '../sql/statement.ts'

/** What the production checklist asks a server in the dialect's own words. Nothing of it changes anything. */
export interface InspectionDialect {
  /**
   * One row: name and version, milliseconds since the epoch by its clock, the encoding, `1` where it takes no writes,
   * and as many limits of connections as `limitNames` names, null where one doesn't hold.
   */
  readonly server: Statement
  readonly limitNames: readonly string[]
  /** The encoding that `server` has to give. */
  readonly encoding: string
  readonly encodingFix: string
  /** The last column of its first row is the connection's TLS version, empty or absent when it has none; undefined for a file. */
  readonly encryption: Statement | undefined
  /** One row, one column: `1` when all that the product needs of JSON is there and works. */
  readonly json: Statement
  /** Rows of: table, column, collation; columns that compare otherwise than by bytes and that the catalogue doesn't show. */
  readonly strangeCollations: Statement | undefined
  /** One row, one column: `1` where the server compiles statements; undefined where it never does. */
  readonly jit?: Statement
  /** Fails where the user may not read, or not write, and changes nothing. */
  readonly rights: readonly Statement[]
}
