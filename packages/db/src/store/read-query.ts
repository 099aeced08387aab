import { anchorLost } from '../access/access.ts'
import type { Query } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'

/** Runs a query past the schema's own check and the retries: where a Store would refuse, or a snapshot is read. */
export async function readQuery<Row>(database: Pick<Transport, 'run'>, query: Query<Row>): Promise<readonly Row[]> {
  const { rows } = await database.run(query)
  return rows.map((row) => query.decode(row))
}

/**
 * The one row of a query that starts from the row that is always there.
 * @throws DatabaseError `database_schema_outdated` where it is not: then the query says nothing
 */
export async function readAnchored<Row>(database: Pick<Transport, 'run'>, query: Query<Row>): Promise<Row> {
  const [row] = await readQuery(database, query)
  if (row === undefined) throw anchorLost()
  return row
}
