import type { Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'
import type { Sent } from './explained-store.ts'

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
      return accessesOf((await planOf(transport, { statement, settings: [] })).Plan)
    case 'mysql':
      return explainMysql(transport, statement)
  }
}

/** `SCAN t`, `SCAN t USING INDEX i`, `SEARCH t USING INDEX i (a=?)`; https://www.sqlite.org/eqp.html */
async function explainSqlite(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  const { rows } = await transport.run({ ...statement, text: `explain query plan ${statement.text}` })
  // A claim's lost leases, and the newest of a list, stand under the table's own name.
  let standIns = [...statement.text.matchAll(/\blost "executions"|\) "executions" where/g)].length
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
  readonly 'Total Cost': number
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Parent Relationship'?: string
  readonly 'Plan Rows': number
  readonly Filter?: string
  readonly Plans?: readonly PostgresNode[]
}

/** What PostgreSQL is going to do. */
export interface PostgresPlan {
  readonly Plan: PostgresNode
  /** There where it compiles the statement. */
  readonly JIT?: object
}

/** PostgreSQL's plan of a statement, behind what its transaction sets before it. */
export async function planOf(
  transport: Transport,
  { statement, settings }: Pick<Sent, 'statement' | 'settings'>,
): Promise<PostgresPlan> {
  const explained = { ...statement, text: `explain (format json) ${statement.text}` }
  const { rows } =
    settings.length === 0
      ? await transport.run(explained)
      : ((await transport.transact(settings, [explained])).at(-1) ?? { rows: [] })
  const [plan] = JSON.parse(String(rows[0]?.[0])) as [PostgresPlan]
  return plan
}

export function accessesOf(node: PostgresNode, parent?: PostgresNode): readonly TableAccess[] {
  // The node that writes names its table too, and reads nothing of it.
  const isRead = node['Node Type'] !== 'ModifyTable' && !isFirstRow(node, parent)
  const table = isRead ? node['Relation Name'] : undefined
  const index = node['Index Name'] ?? (node['Node Type'] === 'Bitmap Heap Scan' ? bitmapIndexOf(node) : undefined)
  return [
    ...(table === undefined ? [] : [{ table, index }]),
    ...(node.Plans ?? []).flatMap((child) => accessesOf(child, node)),
  ]
}

/** Whether any row is there: the first one that it comes to says so. */
function isFirstRow(node: PostgresNode, parent: PostgresNode | undefined): boolean {
  if (node['Node Type'] !== 'Seq Scan' || node.Filter !== undefined) return false
  return node['Parent Relationship'] === 'InitPlan' || (parent?.['Node Type'] === 'Limit' && parent['Plan Rows'] === 1)
}

function bitmapIndexOf({ Plans: plans = [] }: PostgresNode): string | undefined {
  return plans.map((plan) => plan['Index Name'] ?? bitmapIndexOf(plan)).find((name) => name !== undefined)
}

/** The columns of EXPLAIN: id, select_type, table, type, possible_keys, key, …; type ALL reads the whole table. */
async function explainMysql(transport: Transport, statement: Statement): Promise<readonly TableAccess[]> {
  const { rows } = await transport.run({ ...statement, text: `explain ${statement.text}` })
  return rows.flatMap((row): TableAccess[] => {
    const [, kind, table, type, , key, , , rows] = row
    // Of the table that rows are put into MariaDB says so too, and reads nothing of it.
    if (typeof table !== 'string' || table.startsWith('<') || kind === 'INSERT') return []
    if (type !== 'ALL' && typeof key === 'string') return [{ table, index: key }]
    // Of a condition that no row fulfils it names no index, and one row.
    return Number(rows) > 1 ? [{ table, index: undefined }] : []
  })
}

/** A node of a PostgreSQL plan that was run. */
export interface ReadNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly ReadNode[]
}

/** The most rows of executions that one node has read. */
export function mostRead(node: ReadNode): number {
  const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
  const own = node['Relation Name'] === 'executions' && node['Node Type'].includes('Scan') ? rows : 0
  return Math.max(own, ...(node.Plans ?? []).map(mostRead))
}
