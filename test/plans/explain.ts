import type { Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'

/** How a plan reads one table: by which index, or all of it. */
export interface TableAccess {
  readonly table: string
  /** Undefined where the whole table is read. */
  readonly index: string | undefined
}

/** Asks the database how it would run a statement. */
export async function explain(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  switch (transport.dialect.name) {
    case 'sqlite':
      return explainSqlite(transport, statement)
    case 'postgres':
      return explainPostgres(transport, statement)
    case 'mysql':
      return explainMysql(transport, statement)
  }
}

/** `SCAN t`, `SCAN t USING INDEX i`, `SEARCH t USING INDEX i (a=?)`; https://www.sqlite.org/eqp.html */
async function explainSqlite(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  const { rows } = await transport.run({ ...statement, text: `explain query plan ${statement.text}` })
  // A claim's lost leases, a common table expression, stand under the table's own name.
  let standIns = [...statement.text.matchAll(/\blost "executions"/g)].length
  return rows.flatMap((row): TableAccess[] => {
    const line = String(row[3])
    const match =
      /^(SCAN|SEARCH) (\w+)(?:.* USING (?:(?:AUTOMATIC )?(?:COVERING |PARTIAL )*INDEX (\S+)|(INTEGER PRIMARY KEY)))?/.exec(
        line,
      )
    if (match === null) return []
    const [, verb, table = '', index] = match
    if (verb === 'SCAN' && index === undefined && table === 'executions' && standIns > 0) {
      standIns -= 1
      return []
    }
    // A scan along an index reads all of it too, unless a limit ends it: the verb decides.
    return [{ table, index: verb === 'SCAN' && index === undefined ? undefined : (index ?? 'rowid') }]
  })
}

interface PostgresNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PostgresNode[]
}

async function explainPostgres(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  const { rows } = await transport.run({ ...statement, text: `explain (format json) ${statement.text}` })
  const [{ Plan: plan }] = JSON.parse(String(rows[0]?.[0])) as [{ Plan: PostgresNode }]
  return accessesOf(plan)
}

function accessesOf(node: PostgresNode): readonly TableAccess[] {
  // The node that writes names its table too, and reads nothing of it.
  const table = node['Node Type'] === 'ModifyTable' ? undefined : node['Relation Name']
  const index = node['Index Name'] ?? (node['Node Type'] === 'Bitmap Heap Scan' ? bitmapIndexOf(node) : undefined)
  return [
    ...(table === undefined ? [] : [{ table, index }]),
    ...(node.Plans ?? []).flatMap((child) => accessesOf(child)),
  ]
}

function bitmapIndexOf({ Plans: plans = [] }: PostgresNode): string | undefined {
  return plans.map((plan) => plan['Index Name'] ?? bitmapIndexOf(plan)).find((name) => name !== undefined)
}

/** The columns of EXPLAIN: id, select_type, table, type, possible_keys, key, …; type ALL reads the whole table. */
async function explainMysql(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  const { rows } = await transport.run({ ...statement, text: `explain ${statement.text}` })
  return rows.flatMap((row): TableAccess[] => {
    const [, , table, type, , key] = row
    if (typeof table !== 'string' || table.startsWith('<')) return []
    return [{ table, index: type === 'ALL' || typeof key !== 'string' ? undefined : key }]
  })
}
