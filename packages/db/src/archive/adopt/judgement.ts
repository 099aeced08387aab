import { bitOf } from './reasons.ts'
import type { Scratch } from './scratch.ts'
import { stagedTables, type StagedTable } from './staged-tables.ts'

/** Marks all rows that can't be imported for what other rows are, parents first; then finds the workflows' heads. */
export async function judge(scratch: Scratch): Promise<void> {
  // Made when all rows are there: it is faster so.
  for (const table of stagedTables) await scratch.runTogether(indexStatements(table))
  for (const table of stagedTables) {
    const conflicts = table.uniqueKeys.map((key) => conflictStatement(table, key))
    await scratch.runTogether([...parentStatements(table), ...conflicts])
  }
  await scratch.runTogether(headStatements)
}

function indexStatements({ name, uniqueKeys, order }: StagedTable): readonly string[] {
  const keys = new Set([...uniqueKeys.map(({ columns }) => columns.join(', ')), order.join(', ')])
  return [...keys].map((columns, position) => `create index ${name}_${position} on ${name} (${columns})`)
}

function parentStatements({ name, links }: StagedTable): readonly string[] {
  const missing = bitOf('parent_missing')
  const quarantined = bitOf('parent_quarantined')
  return links.map(({ column, to }) => {
    const parent = `select 1 from ${to} as p where p.id = ${name}.${column}`
    const isWithout = `${column} is not null and not exists (${parent} and p.reasons = 0)`
    return `update ${name} set reasons = reasons | case when exists (${parent}) then ${quarantined} else ${missing} end where ${isWithout}`
  })
}

/** Among rows that nothing else is wrong with the oldest stays: by `created_at`, then `id`; null is the youngest. */
function conflictStatement({ name }: StagedTable, { columns, reason }: StagedTable['uniqueKeys'][number]): string {
  const key = columns.join(', ')
  const several = `select ${key} from ${name} where reasons = 0 group by ${key} having count(*) > 1`
  const placed = `select seq, row_number() over (partition by ${key} order by created is null, created, id, seq) as place from ${name} where reasons = 0 and (${key}) in (${several})`
  return `update ${name} set reasons = reasons | ${bitOf(reason)} where seq in (select seq from (${placed}) where place > 1)`
}

/** A workflow whose definition is not its newest version's text gets one more version with it. */
const headStatements: readonly string[] = [
  `insert into heads select w.id, case when v.seq is null then 1 when v.digest = w.digest then v.version_number else v.version_number + 1 end
  from workflows w left join workflow_versions v on v.reasons = 0 and v.workflow_id = w.id
    and v.version_number = (select max(version_number) from workflow_versions x where x.workflow_id = w.id and x.reasons = 0)
  where w.reasons = 0`,
  `insert into workflow_versions (workflow_id, version_number, reasons, bytes, source)
  select w.id, h.version_number, 0, w.bytes, w.seq from heads h join workflows w on w.id = h.workflow_id and w.reasons = 0
  where not exists (select 1 from workflow_versions v where v.reasons = 0 and v.workflow_id = h.workflow_id and v.version_number = h.version_number)`,
]
