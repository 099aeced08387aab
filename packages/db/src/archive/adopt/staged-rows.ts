import { entryOf, type ArchiveEntry, type ArchiveRow, type RowPage } from '../row.ts'
import type { ArchiveTable } from '../tables.ts'
import { addedVersion, readers, type AdoptedRow } from './adopted-row.ts'
import type { Cell } from './cell.ts'
import type { Cells } from './foreign-rows.ts'
import type { ForeignSchema, ForeignTable } from './foreign-schema.ts'
import { guideTables, type GuideTable, type GuideTableName } from './guide-tables.ts'
import { reasonsIn } from './reasons.ts'
import { RowReading } from './row-reading.ts'
import type { Scratch } from './scratch.ts'
import type { SettingsSecrets } from './settings-secrets.ts'
import { stagedTable } from './staged-tables.ts'

/** What one answer of the scratch database may hold. */
const limits = { rows: 500, characters: 512 * 1024 }

/** Where a table's staged rows are read from, and the number of a version: of the workflow's head, or the row's own. */
interface From {
  readonly from: string
  readonly versionNumber: string
  readonly raw: string
}

const plainly = (name: GuideTableName): From => ({ from: `${name} t`, versionNumber: '0', raw: 't.raw' })

const froms: Readonly<Record<GuideTableName, From>> = {
  users: plainly('users'),
  settings: plainly('settings'),
  workflows: {
    from: 'workflows t join heads h on h.workflow_id = t.id',
    versionNumber: 'h.version_number',
    raw: 't.raw',
  },
  workflow_versions: {
    from: 'workflow_versions t left join workflows w on w.seq = t.source',
    versionNumber: 't.version_number',
    raw: 'coalesce(t.raw, w.raw)',
  },
  workflow_shares: plainly('workflow_shares'),
  executions: {
    from: 'executions t join heads h on h.workflow_id = t.workflow_id',
    versionNumber: 'h.version_number',
    raw: 't.raw',
  },
}

/** A staged row as it is read back. */
interface Waiting {
  readonly raw: Cells
  readonly versionNumber: number
  /** Whether it is a version that adoption adds; `raw` is then the workflow's. */
  readonly isAdded: boolean
}

export interface StagedReaderOptions {
  readonly at: string
  readonly secrets: SettingsSecrets
}

/** Reads judged rows back from the scratch database, page by page. */
export class StagedReader {
  readonly #tables: ReadonlyMap<GuideTableName, ForeignTable>
  readonly #scratch: Scratch
  readonly #options: StagedReaderOptions

  constructor({ tables }: ForeignSchema, scratch: Scratch, options: StagedReaderOptions) {
    this.#tables = new Map(tables.map((table) => [table.guide.name, table]))
    this.#scratch = scratch
    this.#options = options
  }

  /** The rows that nothing is wrong with, as an archive's. */
  async *pages(): AsyncGenerator<RowPage> {
    for (const guide of guideTables) {
      for await (const rows of this.#inOrder(guide)) {
        const entries: ArchiveEntry[] = []
        for (const row of rows) entries.push(entryOf(await this.#archiveRow(guide, row)))
        yield { table: guide.archive, entries }
      }
    }
  }

  /** The others, as lines of NDJSON, in the order in which the source gave them. */
  async *quarantine(): AsyncGenerator<string> {
    for (const { name } of guideTables) {
      const condition = `from ${name} where reasons <> 0 and seq > ? order by seq`
      for (let after = 0; ;) {
        const limit = await this.#rowsThatFit(`select bytes ${condition}`, [after])
        if (limit === 0) break
        for (const [seq, raw, mask] of await this.#scratch.run(`select seq, raw, reasons ${condition} limit ${limit}`, [
          after,
        ])) {
          after = Number(seq)
          const reasons = reasonsIn(Number(mask))
          yield `${JSON.stringify({ t: name, r: this.#sourceRow(name, cellsOf(raw)), reasons })}\n`
        }
      }
    }
  }

  async *#inOrder({ name, archive }: GuideTable): AsyncGenerator<readonly Waiting[]> {
    const { from, raw, versionNumber } = froms[name]
    const keys = stagedTable(name).order
    const order = keys.map((key) => `t.${key}`).join(', ')
    let last: readonly (string | number)[] | undefined
    for (;;) {
      const behind: string = last === undefined ? '' : `and (${order}) > (${last.map(() => '?').join(', ')})`
      const condition: string = `from ${from} where t.reasons = 0 ${behind} order by ${order}`
      const limit = await this.#rowsThatFit(`select t.bytes ${condition}`, last ?? [])
      if (limit === 0) return
      const rows = await this.#scratch.run(
        `select ${raw}, ${versionNumber}, t.source is not null, ${order} ${condition} limit ${limit}`,
        last ?? [],
      )
      const [, , , ...key] = rows.at(-1) ?? []
      last = key.map((value, at) => (isCount(archive, keys[at]) ? Number(value) : String(value)))
      yield rows.map(([text, number, isAdded]) => ({
        raw: cellsOf(text),
        versionNumber: Number(number),
        isAdded: Number(isAdded) === 1,
      }))
    }
  }

  async #rowsThatFit(lengths: string, parameters: readonly (string | number)[]): Promise<number> {
    let characters = 0
    let fitting = 0
    for (const [length] of await this.#scratch.run(`${lengths} limit ${limits.rows}`, parameters)) {
      characters += Number(length)
      if (fitting > 0 && characters > limits.characters) break
      fitting += 1
    }
    return fitting
  }

  async #archiveRow({ name, archive }: GuideTable, { raw, versionNumber, isAdded }: Waiting): Promise<ArchiveRow> {
    if (isAdded) return inOrder(archive, addedVersion(this.#read('workflows', raw), versionNumber))
    const row = this.#read(name, raw)
    if (name === 'settings') {
      const sealed = await this.#options.secrets.seal(String(row['user_id']), String(row['settings_data']))
      return inOrder(archive, { ...row, settings_data: sealed })
    }
    return inOrder(archive, { version_number: versionNumber, ...row })
  }

  #read(name: GuideTableName, raw: Cells): AdoptedRow {
    const { at, secrets } = this.#options
    const reading = new RowReading(this.#table(name), raw, { at, isChecked: true, onFilled: () => undefined })
    return readers[name](reading, secrets)
  }

  #sourceRow(name: GuideTableName, cells: Cells): Readonly<Record<string, Cell>> {
    return Object.fromEntries(this.#table(name).columns.map((column, at) => [column.name, cells[at] ?? null]))
  }

  #table(name: GuideTableName): ForeignTable {
    const table = this.#tables.get(name)
    if (table === undefined) throw new TypeError(`a row was staged of ${name}, which the source lacks`)
    return table
  }
}

function isCount({ columns }: ArchiveTable, column: string | undefined): boolean {
  return columns.some(({ name, kind }) => name === column && kind === 'count')
}

function inOrder({ columns }: ArchiveTable, row: AdoptedRow): ArchiveRow {
  return Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]))
}

/** What {@link Scratch.add} wrote. */
function cellsOf(text: unknown): Cells {
  const cells: unknown = JSON.parse(String(text))
  if (!Array.isArray(cells)) throw new TypeError('a staged row is no list')
  return cells.map(cellOf)
}

function cellOf(cell: unknown): Cell {
  if (cell === null || typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean') return cell
  if (typeof cell === 'object' && '$base64' in cell && typeof cell.$base64 === 'string')
    return { $base64: cell.$base64 }
  throw new TypeError('a staged row holds what is no cell')
}
