import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { toolsOf } from '../../dialects/tools.ts'
import { nameKey } from '../../schema/names.ts'
import type { AdoptedRow } from './adopted-row.ts'
import { guideTables, type GuideTable, type GuideTableName } from './guide-tables.ts'
import type { RefusalReason } from './reasons.ts'

/** What rows of other tables are asked by, beside a row's own id. */
export interface StagedColumn {
  readonly name: string
  readonly type: 'text' | 'integer'
  valueOf(row: AdoptedRow): string | number | null
}

interface Link {
  readonly column: string
  readonly to: GuideTableName
}

/** Of rows that agree in these, one stays. */
interface UniqueKey {
  readonly columns: readonly string[]
  readonly reason: RefusalReason
}

/** A foreign table in the scratch database: its rows as they are, and what they are judged by. */
export interface StagedTable {
  readonly name: GuideTableName
  readonly columns: readonly StagedColumn[]
  readonly links: readonly Link[]
  /** In the order in which they are judged. */
  readonly uniqueKeys: readonly UniqueKey[]
  /** The columns of the archive's order. */
  readonly order: readonly string[]
}

const text = (name: string, valueOf: StagedColumn['valueOf'] = (row) => textOf(row, name)): StagedColumn => ({
  name,
  type: 'text',
  valueOf,
})

const versionNumber: StagedColumn = {
  name: 'version_number',
  type: 'integer',
  valueOf: ({ version_number: number }) => (typeof number === 'number' ? number : null),
}

const digest = text('digest', (row) => bytesToHex(sha256(utf8ToBytes(String(row['definition'])))))

/** The id is every table's key; where a table has rows of the same one, nothing else tells which is meant. */
const byId: UniqueKey = { columns: ['id'], reason: 'invalid_id' }

/** What rows refer to, by the schema's foreign keys: all dialects have the same. */
function linksOf({ name }: GuideTable): readonly Link[] {
  const { foreignKeys = [] } = toolsOf({ name: 'sqlite' }).catalogue.expected.get(name) ?? {}
  return foreignKeys.flatMap(({ columns: [column = ''], target }) =>
    guideTables.filter((table) => table.name === target).map(({ name: to }) => ({ column, to })),
  )
}

const others: Readonly<Record<GuideTableName, readonly StagedColumn[]>> = {
  users: [
    text('name_key', ({ username }) => nameKey(String(username))),
    text('email_key', ({ email }) => nameKey(String(email))),
  ],
  settings: [],
  workflows: [digest],
  workflow_versions: [versionNumber, digest],
  workflow_shares: [],
  executions: [],
}

const uniqueKeys: Readonly<Record<GuideTableName, readonly UniqueKey[]>> = {
  users: [
    { columns: ['name_key'], reason: 'name_conflict' },
    { columns: ['email_key'], reason: 'email_conflict' },
  ],
  settings: [{ columns: ['user_id'], reason: 'duplicate_settings' }],
  workflows: [],
  workflow_versions: [{ columns: ['workflow_id', 'version_number'], reason: 'duplicate_version' }],
  workflow_shares: [{ columns: ['workflow_id', 'shared_with_user_id'], reason: 'duplicate_share' }],
  executions: [],
}

/** In the archive's order: what a row refers to is judged before it. */
export const stagedTables: readonly StagedTable[] = guideTables.map((table) => {
  const { name, archive } = table
  const links = linksOf(table)
  return {
    name,
    columns: [...links.map(({ column }) => text(column)), ...others[name]],
    links,
    uniqueKeys: [...uniqueKeys[name], byId],
    order: archive.key,
  }
})

export function stagedTable(name: GuideTableName): StagedTable {
  const found = stagedTables.find((table) => table.name === name)
  if (found === undefined) throw new TypeError(`there is no table ${name} of the guide`)
  return found
}

function textOf(row: AdoptedRow, column: string): string | null {
  const value = row[column]
  return value === null || value === undefined ? null : String(value)
}
