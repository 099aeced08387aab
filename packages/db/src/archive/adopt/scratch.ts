import type { Transport } from '../../sql/transport.ts'
import type { Cell } from './cell.ts'
import type { AdoptedRow } from './adopted-row.ts'
import { stagedTables, type StagedTable } from './staged-tables.ts'

/**
 * A SQLite database of the adoption's own, in which foreign rows wait until all of them are judged. So what is asked of
 * them together costs disk and no memory, and the source is read once.
 */
export class Scratch {
  readonly #transport: Transport

  private constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @param transport to an empty SQLite database that nobody else uses */
  static async open(transport: Transport): Promise<Scratch> {
    const scratch = new Scratch(transport)
    await scratch.runTogether([...stagedTables.map(tableStatement), headsStatement])
    return scratch
  }

  /** In one transaction: what is there at the end is all or nothing, and is synced but once. */
  async runTogether(texts: readonly string[]): Promise<void> {
    await this.#transport.transact(
      texts.map((text) => ({ text, parameters: [] })),
      [],
    )
  }

  async run(
    text: string,
    parameters: readonly (string | number | null)[] = [],
  ): Promise<readonly (readonly unknown[])[]> {
    return (await this.#transport.run({ text, parameters })).rows
  }

  async count(text: string, parameters: readonly (string | number | null)[] = []): Promise<number> {
    const [row = []] = await this.run(text, parameters)
    return Number(row[0] ?? 0)
  }

  async add({ name, columns }: StagedTable, rows: readonly StagedRow[]): Promise<void> {
    if (rows.length === 0) return
    const names = ['id', 'created', 'reasons', 'bytes', 'raw', ...columns.map((column) => column.name)]
    const places = `(${names.map(() => '?').join(',')})`
    await this.run(
      `insert into ${name} (${names.join(', ')}) values ${rows.map(() => places).join(',')}`,
      rows.flatMap(({ row, created, reasons, raw }) => {
        const text = JSON.stringify(raw)
        const id = row['id'] ?? null
        return [
          id === null ? null : String(id),
          created,
          reasons,
          text.length,
          text,
          ...columns.map((column) => column.valueOf(row)),
        ]
      }),
    )
  }
}

function tableStatement({ name, columns }: StagedTable): string {
  const declared = columns.map((column) => `, ${column.name} ${column.type}`).join('')
  // `source` is the workflow's `seq` where the row is a version that adoption adds.
  return `create table ${name} (seq integer primary key, id text, created text, reasons integer not null, bytes integer not null, raw text, source integer${declared})`
}

const headsStatement =
  'create table heads (workflow_id text primary key, version_number integer not null) without rowid'

/** A foreign row, and what it is judged by. */
export interface StagedRow {
  readonly row: AdoptedRow
  /** Sorts by `created_at` as the source has it; null where that is. */
  readonly created: string | null
  readonly reasons: number
  readonly raw: readonly Cell[]
}
